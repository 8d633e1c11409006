//! The demo's page: a person is chosen and the registers fill in, live, without JavaScript; and a
//! researcher's page beside it, which works alike.
//!
//! The page is one HTML document that is sent as the answers come. Its frame has a slot for each
//! register (a declarative shadow root); what is sent later names the slot it belongs in, and the
//! browser puts it there. It asks the citizen API as helsenorge would, with a token of the test
//! issuer; in the real federation a login stands there.

mod render;
mod research;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use clap::ValueEnum as _;
use innsyn_broker::config::Config;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use rand::rngs::StdRng;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::caller::{Caller, Question};
use crate::country::{Asking, Role};
use crate::world::World;

/// Pieces of a page that wait for the browser.
const PIECES_MAX: usize = 256;

/// Runs the gateway of the world in `folder`, with the page beside its API, until `stop`.
pub async fn serve_gateway(folder: &Path, stop: CancellationToken) -> anyhow::Result<()> {
    let folder = folder.to_owned();
    let world = tokio::task::spawn_blocking(move || World::open(&folder)).await??;
    let config = Config::load(&world.gateway_config())?;
    telemetry::start(&config.telemetry)?;
    let page = routes(Arc::new(world));
    Box::pin(innsyn_broker::run(
        config,
        Arc::new(SystemClock),
        page,
        stop,
    ))
    .await
}

fn routes(world: Arc<World>) -> Router {
    Router::new()
        .route("/", get(choose))
        .route("/demo/listing", post(listing))
        .route("/research", get(research::choose))
        .route("/demo/research", post(research::ask))
        .with_state(world)
}

async fn choose(State(world): State<Arc<World>>) -> Html<String> {
    Html(render::choose(&world).into_string())
}

/// What the form sends. The number is the generator's, never an id.
#[derive(Deserialize)]
struct Chosen {
    person: u32,
    role: String,
}

async fn listing(State(world): State<Arc<World>>, Form(chosen): Form<Chosen>) -> Response {
    match start(&world, &chosen) {
        Ok((asking, question)) => {
            let (pieces, document) = mpsc::channel::<Bytes>(PIECES_MAX);
            tokio::spawn(async move {
                let send = async |markup: maud::Markup| {
                    pieces.send(Bytes::from(markup.into_string())).await.is_ok()
                };
                if !send(render::frame(&world, &asking)).await {
                    return;
                }
                // As many as the catalogue has registers, at the most.
                let (told, mut registrations) = mpsc::unbounded_channel();
                let list = async move {
                    let caller = Caller::connect(world.gateway(), None).await?;
                    caller
                        .list(&question, |it| drop(told.send(it.clone())))
                        .await
                };
                let show = async {
                    while let Some(registration) = registrations.recv().await {
                        if !send(render::registration(&registration)).await {
                            break;
                        }
                    }
                };
                let (summary, ()) = tokio::join!(list, show);
                let end = match summary {
                    Ok(summary) => render::summary(&summary),
                    Err(error) => render::failure(&error),
                };
                send(end).await;
            });
            streamed(document)
        }
        Err(error) => (
            StatusCode::BAD_REQUEST,
            Html(render::cannot_ask(&error).into_string()),
        )
            .into_response(),
    }
}

/// A document that is sent as its pieces come.
fn streamed(pieces: mpsc::Receiver<Bytes>) -> Response {
    let body = ReceiverStream::new(pieces).map(Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// Who asks about whom, and the question with its token.
fn start(world: &World, chosen: &Chosen) -> anyhow::Result<(Asking, Question)> {
    let now = SystemClock.now();
    let role = Role::from_str(&chosen.role, true).map_err(|_| anyhow::anyhow!("no such role"))?;
    let asking = world.country.asking(chosen.person, role, None, now)?;
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking, now, &mut random)?;
    Ok((asking, question))
}
