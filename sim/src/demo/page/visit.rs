//! Whose page it is and who looks, and their way to the gateway.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use clap::ValueEnum as _;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;
use serde::Deserialize;

use super::render;
use crate::caller::{Caller, Question};
use crate::country::{Asking, Role};
use crate::world::World;

/// What every form sends of it. The number is the generator's, never an id.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Chosen {
    /// A number; a text here, because forms hold this as a part of theirs.
    pub(super) person: String,
    pub(super) role: String,
}

/// Somebody on a page.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) chosen: Chosen,
    pub(super) asking: Asking,
    /// With a fresh token.
    pub(super) question: Question,
    pub(super) caller: Caller,
}

impl Visit {
    /// Lets somebody in; the page that says why not, otherwise. In the real federation a login
    /// stands here.
    pub(super) async fn begin(world: &World, chosen: Chosen) -> Result<Self, Box<Response>> {
        let visit = async {
            let now = SystemClock.now();
            let role = Role::from_str(&chosen.role, true);
            let role = role.map_err(|_| anyhow::anyhow!("no such role"))?;
            let asking = world
                .country
                .asking(chosen.person.parse()?, role, None, now)?;
            let mut random: StdRng = rand::make_rng();
            let question = world.question(&asking, now, &mut random)?;
            let caller = Caller::connect(world.gateway(), None).await?;
            anyhow::Ok(Self {
                chosen,
                asking,
                question,
                caller,
            })
        };
        visit.await.map_err(|error| {
            let page = Html(render::cannot_ask(&error).into_string());
            Box::new((StatusCode::BAD_REQUEST, page).into_response())
        })
    }
}
