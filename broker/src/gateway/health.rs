//! Is the gateway alive, and can it serve? Truthful: asked anew every time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::stream::{self, BoxStream, StreamExt as _};
use http::StatusCode;
use serde::Serialize;
use tonic::Status;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use utoipa::ToSchema;

use super::face::CitizenFace;

/// How often a watcher's answer is looked at anew.
const WATCH_EVERY: Duration = Duration::from_secs(1);

pub(super) fn router(face: Arc<CitizenFace>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(face)
}

/// Whether the gateway can serve, and why not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Readyz {
    ready: bool,
    /// Whether the relay can be reached.
    relay_reachable: bool,
    /// Registers that are connected at the moment.
    registers_connected: usize,
    /// Registers that the catalogue says are live.
    registers_expected: usize,
    /// Whether there is a key for every token issuer.
    token_keys: bool,
}

/// Is the process alive?
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain"))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Can the gateway serve?
///
/// Yes if the relay can be reached, any register is connected and there are keys for tokens.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, description = "It can.", body = Readyz),
        (status = 503, description = "It cannot; the fields say why.", body = Readyz),
    )
)]
pub(super) async fn readyz(State(face): State<Arc<CitizenFace>>) -> Response {
    let serving = face.serving();
    let ready = serving.is_ready();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let detail = Readyz {
        ready,
        relay_reachable: serving.registers.relay_reachable,
        registers_connected: serving.registers.registers_connected,
        registers_expected: serving.registers.registers_expected,
        token_keys: serving.token_keys,
    };
    (status, Json(detail)).into_response()
}

/// The gRPC health service of a port that serves `service`. Our own rather than the library's,
/// which must be told of changes.
pub(crate) fn grpc(
    service: &'static str,
    is_ready: impl Fn() -> bool + Send + Sync + 'static,
) -> HealthServer<impl Health> {
    HealthServer::new(GrpcHealth {
        service,
        is_ready: Arc::new(is_ready),
    })
}

struct GrpcHealth {
    /// What there is to be asked about beside the whole server, which has no name.
    service: &'static str,
    is_ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl GrpcHealth {
    fn knows(&self, request: &tonic::Request<HealthCheckRequest>) -> bool {
        let asked = request.get_ref().service.as_str();
        asked.is_empty() || asked == self.service
    }
}

fn status(is_ready: bool) -> ServingStatus {
    if is_ready {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

const fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status as i32,
    }
}

#[tonic::async_trait]
impl Health for GrpcHealth {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        if self.knows(&request) {
            Ok(tonic::Response::new(response(status((self.is_ready)()))))
        } else {
            Err(Status::not_found("there is no such service"))
        }
    }

    async fn watch(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        if !self.knows(&request) {
            let unknown = stream::iter([Ok(response(ServingStatus::ServiceUnknown))]);
            // The protocol wants the call to stay open: the service may come.
            return Ok(tonic::Response::new(
                unknown.chain(stream::pending()).boxed(),
            ));
        }
        let is_ready = Arc::clone(&self.is_ready);
        let changes = stream::unfold((is_ready, None), async |(is_ready, told)| {
            loop {
                let now = status(is_ready());
                if told != Some(now) {
                    return Some((Ok(response(now)), (is_ready, Some(now))));
                }
                tokio::time::sleep(WATCH_EVERY).await;
            }
        });
        Ok(tonic::Response::new(changes.boxed()))
    }
}
