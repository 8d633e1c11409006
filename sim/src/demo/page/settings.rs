//! A person's settings: what can be said yes or no to, what was said, and how far it has come.
//!
//! A change is a document that is sent as registers follow: a square for each register, which a
//! later piece fills.

mod render;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse as _, Response};
use innsyn_proto::wire::citizen::v1::{ListSettingsResponse, SettingDefinition};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::visit::{Chosen, Visit};
use super::{PIECES_MAX, send, streamed};
use crate::caller::Saying;
use crate::demo::following::{Change, Followed, follow};
use crate::world::World;

/// What the form of a switch sends.
#[derive(Deserialize)]
pub(super) struct Switched {
    #[serde(flatten)]
    chosen: Chosen,
    /// The definition's GUID.
    definition: String,
    active: bool,
}

/// The settings.
pub(super) async fn show(State(world): State<Arc<World>>, Form(chosen): Form<Chosen>) -> Response {
    let visit = match Visit::begin(&world, chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let told = told(&visit).await;
    Html(render::settings(&world, &visit, told).into_string()).into_response()
}

async fn told(visit: &Visit) -> anyhow::Result<(Vec<SettingDefinition>, ListSettingsResponse)> {
    let definitions = visit.caller.setting_definitions(&visit.question).await?;
    let listed = visit.caller.settings(&visit.question).await?;
    Ok((definitions, listed))
}

/// A change, and the registers that follow.
pub(super) async fn change(
    State(world): State<Arc<World>>,
    Form(switched): Form<Switched>,
) -> Response {
    let visit = match Visit::begin(&world, switched.chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let (pieces, document) = mpsc::channel::<Bytes>(PIECES_MAX);
    tokio::spawn(async move {
        let send = async |markup: maud::Markup| send(&pieces, markup).await;
        let began = Instant::now();
        let said = async {
            let definitions = visit.caller.setting_definitions(&visit.question).await?;
            let mut definitions = definitions.into_iter();
            let definition = definitions.find(|one| one.id == switched.definition);
            let mut random: StdRng = rand::make_rng();
            let saying = Saying {
                definition: &switched.definition,
                active: switched.active,
                id: random.random(),
                proof: None,
            };
            let changed = visit.caller.change_setting(&visit.question, saying).await?;
            anyhow::Ok((definition.unwrap_or_default(), changed))
        };
        let (definition, changed) = match said.await {
            Ok(said) => said,
            Err(error) => {
                send(render::not_changed(&visit, &error)).await;
                return;
            }
        };
        if !send(render::changed(
            &visit,
            &definition,
            switched.active,
            &changed,
        ))
        .await
        {
            return;
        }
        let change = Change {
            definition: &definition.id,
            sequence: changed.sequence,
        };
        let mut filled = 0;
        // Looks are far fewer than the pieces that may wait.
        let each = |followed: &Followed| {
            let now = followed.standing.effective_at;
            let piece = render::further(filled, now).into_string();
            filled = filled.max(now);
            pieces.try_send(Bytes::from(piece)).is_ok()
        };
        let end = match follow(&visit.caller, &visit.question, change, each).await {
            Ok(followed) => render::followed(&world, &visit, &followed, began.elapsed()),
            Err(error) => render::lost(&visit, &error.into()),
        };
        send(end).await;
    });
    streamed(document)
}
