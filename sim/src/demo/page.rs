//! The demo's pages, without JavaScript: a person is chosen and the registers fill in, live; their
//! settings, the log of use and their cases; and a researcher's page beside them.
//!
//! A listing is one HTML document that is sent as the answers come. Its frame has a slot for each
//! register (a declarative shadow root); what is sent later names the slot it belongs in, and the
//! browser puts it there. It asks the citizen API as helsenorge would, with a token of the test
//! issuer; in the real federation a login stands there.

mod cases;
mod render;
mod research;
mod settings;
mod shell;
mod uses;
mod visit;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use innsyn_broker::config::Config;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use innsyn_proto::wire::citizen::v1::Registration;
use maud::Markup;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::world::World;
use visit::{Chosen, Visit};

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
        .route("/demo/settings", post(settings::show))
        .route("/demo/settings/change", post(settings::change))
        .route("/demo/uses", post(uses::show))
        .route("/demo/uses/file", post(uses::file))
        .route("/demo/cases", post(cases::list))
        .route("/demo/cases/open", post(cases::open))
        .route("/demo/cases/one", post(cases::one))
        .route("/demo/cases/say", post(cases::say))
        .route("/demo/cases/answer", post(cases::answer))
        .route("/research", get(research::choose))
        .route("/demo/research", post(research::ask))
        .with_state(world)
        .layer(middleware::map_response(shell::secured))
}

async fn choose(State(world): State<Arc<World>>) -> Html<String> {
    Html(render::choose(&world).into_string())
}

async fn listing(State(world): State<Arc<World>>, Form(chosen): Form<Chosen>) -> Response {
    let visit = match Visit::begin(&world, chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let (pieces, document) = mpsc::channel::<Bytes>(PIECES_MAX);
    tokio::spawn(async move {
        let send = async |markup: Markup| send(&pieces, markup).await;
        if !send(render::frame(&world, &visit)).await {
            return;
        }
        // As many as the catalogue has registers, at the most.
        let (told, mut registrations) = mpsc::unbounded_channel();
        let list = async move {
            let each = |it: &Registration| drop(told.send(it.clone()));
            visit.caller.list(&visit.question, each).await
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

/// Sends a piece of a document; whether anybody still reads it.
async fn send(pieces: &mpsc::Sender<Bytes>, markup: Markup) -> bool {
    let piece = Bytes::from(markup.into_string());
    pieces.send(piece).await.is_ok()
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
