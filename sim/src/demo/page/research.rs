//! The researcher's page: what can be asked, a question, and the registers counting, live.
//!
//! A run is one document that is sent as the gateway tells of it, in the same way as a listing:
//! its frame when the question is understood, a step of the bar when a register is through, and
//! the table at the end. It asks the research gateway as anybody else would, with a token of the
//! test issuer and the invented data permit.

mod chart;
mod render;
mod table;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse as _, Response};
use innsyn_proto::wire::research::v1 as wire;
use serde::Deserialize;
use tokio::sync::mpsc;
use wire::run_request::Question;
use wire::run_response::Message;

use super::{PIECES_MAX, send, streamed};
use crate::demo::questions::READY;
use crate::demo::researching::{DEADLINE_MS, researcher};
use crate::world::World;

/// What the form sends: one of the ready questions, or SQL.
#[derive(Deserialize)]
pub(super) struct Chosen {
    ready: Option<usize>,
    sql: Option<String>,
}

/// What can be asked.
pub(super) async fn choose(State(world): State<Arc<World>>) -> Response {
    let catalogue = async {
        let researcher = researcher(&world).await?;
        anyhow::Ok(researcher.catalogue().await?)
    };
    Html(render::choose(&world, catalogue.await).into_string()).into_response()
}

/// A run.
pub(super) async fn ask(State(world): State<Arc<World>>, Form(chosen): Form<Chosen>) -> Response {
    let ready = chosen.ready.and_then(|at| READY.get(at));
    let (question, sql) = match (ready, chosen.sql) {
        (Some(ready), _) => (Question::Query(ready.query()), ready.sql.to_owned()),
        (None, sql) => {
            let sql = sql.unwrap_or_default();
            (Question::Sql(sql.clone()), sql)
        }
    };
    let (pieces, document) = mpsc::channel::<Bytes>(PIECES_MAX);
    tokio::spawn(async move {
        let send = async |markup: maud::Markup| send(&pieces, markup).await;
        if !send(render::beginning(&sql)).await {
            return;
        }
        // As many updates as a run has: a few for each register.
        let (told, mut updates) = mpsc::unbounded_channel();
        let run = async {
            let told = told;
            let researcher = researcher(&world).await?;
            let request = wire::RunRequest {
                deadline_ms: DEADLINE_MS,
                ..researcher.asks(question)
            };
            let run = researcher.run(request, |update| drop(told.send(update.clone())));
            anyhow::Ok(run.await?)
        };
        let show = async {
            while let Some(update) = updates.recv().await {
                let piece = match &update {
                    Message::Started(started) => render::frame(&world, started),
                    Message::Progress(progress) => render::progress(progress),
                    Message::Table(_) => continue,
                };
                if !send(piece).await {
                    break;
                }
            }
        };
        let (table, ()) = tokio::join!(run, show);
        let end = match table {
            Ok(table) => render::released(&world, &table),
            Err(error) => render::failure(&error),
        };
        send(end).await;
    });
    streamed(document)
}
