//! `POST /witness/add-checkpoint`: C2SP tlog-witness, for whoever has a head that a register signed.
//!
//! Nobody says who they are: a head counts by its log's signature, and says nothing about persons.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use innsyn_proto::witnessing::{AddCheckpoint, REQUEST_BYTES_MAX, Refused};

use super::{Witness, WitnessError};

/// The type that the protocol has for a size.
const SIZE_TYPE: &str = "text/x.tlog.size";

/// The route of `witness`.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/witness/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let added = async {
        let asked = AddCheckpoint::parse(&body)?;
        witness.add_checkpoint(&asked).await
    };
    match added.await {
        Ok(cosignature) => cosignature.into_response(),
        Err(WitnessError::Refused(refused)) => answer(refused),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a head that was submitted is not kept"
            );
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn answer(refused: Refused) -> Response {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let content_type = match refused {
        Refused::Conflict { .. } => SIZE_TYPE,
        _ => "text/plain; charset=utf-8",
    };
    (
        status,
        [(header::CONTENT_TYPE, content_type)],
        refused.body(),
    )
        .into_response()
}
