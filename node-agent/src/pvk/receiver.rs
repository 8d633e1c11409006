//! Where Personvernkomponenten pushes changes to: `LagreInnbyggersPersonvernInnstilling`.
//!
//! The agent opens no port to the network. It listens on loopback, and the register's own reverse
//! proxy, which has the register's certificate and address, forwards to it.
//!
//! What holds:
//!
//! - **Success is said only when the setting is durable and in the log of use**: HTTP success is
//!   the receipt, and whoever has it does not send again.
//! - **The token comes before everything else**, and whoever has a bad one learns nothing more.
//! - **Everything has a limit**: the head, the body, the wait for either, the calls at once.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::standing::{Standing, count};
use super::taking::Taking;
use super::token::StsVerifier;
use super::wire::{NotASetting, Pushed, Reader};

/// Where it is; the proxy forwards to it.
pub const PATH: &str = "/LagreInnbyggersPersonvernInnstilling";
/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// The largest head, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long a head, and then a body, may take to come.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once.
const CONNECTIONS_MAX: usize = 64;
/// How long calls under way are waited for when the agent ends.
const LINGER: Duration = Duration::from_secs(2);

/// What the receiver is made of.
pub(super) struct Receiver {
    pub(super) verifier: StsVerifier,
    pub(super) reader: Reader,
    pub(super) taking: Taking,
    pub(super) standing: Arc<Standing>,
}

/// Listens on `listen`.
pub(super) async fn listen(listen: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(listen).await
}

/// Serves `receiver` on `listener` until `shutdown`.
pub(super) async fn serve(receiver: Receiver, listener: TcpListener, shutdown: CancellationToken) {
    let router = router(receiver);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    let accepting = async {
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match listener.accept().await {
                Ok((io, _)) => {
                    let connection = connection(io, router.clone(), shutdown.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // Out of files, as a rule.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    shutdown.run_until_cancelled(accepting).await;
    connections.close();
    let _ended = timeout(LINGER, connections.wait()).await;
}

/// What answers calls, without a socket.
pub(super) fn router(receiver: Receiver) -> Router {
    Router::new()
        .route(PATH, post(receive))
        .with_state(Arc::new(receiver))
}

async fn connection(io: TcpStream, router: Router, shutdown: CancellationToken) {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(http.serve_connection(TokioIo::new(io), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    // What the caller breaks is the caller's.
    let _ = connection.await;
}

async fn receive(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> Response {
    let counts = &receiver.standing.counts;
    let (head, body) = request.into_parts();
    if let Err(why) = receiver.verifier.check(&head.headers).await {
        count(&counts.bad_tokens);
        tracing::warn!(%why, "a call to the receiver with a token that is not good");
        return unauthorized();
    }
    let body = match timeout(READ_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Err(_) => return problem(StatusCode::REQUEST_TIMEOUT, "too_slow"),
    };
    let Ok(pushed) = serde_json::from_slice::<Pushed>(&body) else {
        count(&counts.bad_settings);
        return problem(StatusCode::BAD_REQUEST, "not_a_setting");
    };
    let setting = match receiver.reader.pushed(&pushed) {
        Ok(setting) => setting,
        Err(why) => {
            count(&counts.bad_settings);
            tracing::warn!(%why, "a setting was pushed that is none of this register's");
            let status = match why {
                NotASetting::Definition | NotASetting::Part | NotASetting::Kind => {
                    StatusCode::UNPROCESSABLE_ENTITY
                }
                NotASetting::Person | NotASetting::Sequence | NotASetting::Time => {
                    StatusCode::BAD_REQUEST
                }
            };
            return problem(status, why.reason());
        }
    };
    match receiver.taking.take_pushed(&setting).await {
        Ok(_) => {
            count(&counts.received);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => {
            count(&counts.not_kept);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a setting that was pushed cannot be kept"
            );
            let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, "not_kept");
            let later = HeaderValue::from_static("5");
            answer.headers_mut().insert(header::RETRY_AFTER, later);
            answer
        }
    }
}

/// One answer for every fault of a token.
fn unauthorized() -> Response {
    let mut answer = problem(StatusCode::UNAUTHORIZED, "token");
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    answer
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    answer
}

fn problem(status: StatusCode, reason: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({ "title": title, "status": status.as_u16(), "reason": reason });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, body.to_string()).into_response()
}
