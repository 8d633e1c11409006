//! The HTTP face: JSON, or updates live as server-sent events; and the routes of both faces on
//! one port.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use innsyn_proto::wire::citizen::v1::case_service_server::CaseServiceServer;
use innsyn_proto::wire::citizen::v1::citizen_service_server::CitizenServiceServer;
use innsyn_proto::wire::citizen::v1::insight_service_server::InsightServiceServer;
use innsyn_proto::wire::citizen::v1::setting_service_server::SettingServiceServer;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use tonic::service::Routes;

use super::api_grpc::GrpcFace;
use super::api_settings::grpc::GrpcSettings;
use super::cases::{self, CasesFace, GrpcCases};
use super::face::CitizenFace;
use super::insight::{self, GrpcInsight, InsightFace};
use super::listing::{Event, Listing};
use super::refusal::Refusal;
use super::{api_settings, health, openapi};
use crate::metrics;

pub(super) mod json;

/// The largest body of a request, in bytes; of a gRPC message too.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;
/// The gRPC service of this port.
const SERVICE: &str = "innsyn.citizen.v1.CitizenService";
/// And that of settings.
const SETTINGS: &str = "innsyn.citizen.v1.SettingService";
/// How much more of a body that is too large is received and thrown away, in bytes.
const BODY_DISCARDED_BYTES_MAX: usize = 4 << 20;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Every route of a citizen gateway, gRPC and HTTP on one port; `extra` are the embedder's own,
/// which may not clash.
pub fn router(face: Arc<CitizenFace>, registry: Arc<Registry>, extra: Router) -> Router {
    let service = CitizenServiceServer::new(GrpcFace(Arc::clone(&face)))
        .max_decoding_message_size(BODY_BYTES_MAX);
    let serving = Arc::clone(&face);
    let health = health::grpc(SERVICE, move || serving.serving().is_ready());
    let settings = SettingServiceServer::new(GrpcSettings(Arc::clone(&face)))
        .max_decoding_message_size(BODY_BYTES_MAX);
    let cases = CasesFace::new(Arc::clone(&face), rand::make_rng());
    let case_service = CaseServiceServer::new(GrpcCases(Arc::clone(&cases)))
        .max_decoding_message_size(cases::BODY_BYTES_MAX);
    let insight = InsightFace::new(Arc::clone(&face), rand::make_rng());
    let insight_service = InsightServiceServer::new(GrpcInsight(Arc::clone(&insight)))
        .max_decoding_message_size(BODY_BYTES_MAX);
    let mut grpc = Routes::new(service)
        .add_service(settings)
        .add_service(case_service)
        .add_service(insight_service)
        .add_service(health);
    match openapi::reflection(&[SERVICE, SETTINGS, cases::SERVICE, insight::SERVICE]) {
        Ok(reflection) => grpc = grpc.add_service(reflection),
        // The descriptors are part of the program; a test reads them.
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "no gRPC reflection"
        ),
    }
    Router::new()
        .route("/v1/registrations", post(list_registrations))
        .route("/v1/registers", get(list_registers))
        .merge(api_settings::http::router())
        .with_state(Arc::clone(&face))
        .merge(cases::router(cases))
        .merge(insight::router(insight))
        .merge(openapi::router())
        .merge(health::router(face))
        .merge(metrics::router(registry))
        .merge(grpc.into_axum_router())
        .merge(extra)
        .fallback(nothing_here)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(middleware::map_response(no_store))
}

/// Whatever may hold a person is never kept on the way; it is simplest to keep nothing.
async fn no_store(mut response: Response) -> Response {
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}

async fn nothing_here(headers: HeaderMap) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE);
    if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        tonic::Status::from(Refusal::NotFound).into_http::<Body>()
    } else {
        Refusal::NotFound.into_response()
    }
}

/// Where is the person registered?
///
/// Asks every register, live, and answers at the latest at the deadline: as one body with the
/// registers in the order of the catalogue, or, for `Accept: text/event-stream`, with an event
/// `registration` for each as it comes and then one event `summary`.
#[utoipa::path(
    post,
    path = "/v1/registrations",
    tag = "citizen",
    request_body = json::ListRegistrations,
    responses(
        (status = 200, description = "Every register's outcome, and the account of the whole.",
            content(
                (json::Registrations<'static> = "application/json"),
                (String = "text/event-stream"),
            )),
        openapi::RegistrationErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(super) async fn list_registrations(
    State(face): State<Arc<CitizenFace>>,
    request: Request,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let admitted = face.admit(&parts.headers, arrived).await?;
    let asked = async {
        let live = wants_events(&parts.headers)?;
        expect_json(&parts.headers)?;
        Ok((live, json::ListRegistrations::read(&read(body).await?)?))
    };
    let (live, asked) = asked.await.map_err(|refusal| face.refused(refusal))?;
    let listing = face.list(&admitted, &asked.national_id, asked.deadline_ms, arrived)?;
    if live {
        let events = events(face, listing, asked.omit_catalogue);
        Ok(Sse::new(events).into_response())
    } else {
        Ok(collect(&face, listing, asked.omit_catalogue).await)
    }
}

/// Which registers are there?
///
/// The catalogue: every register, whether it can be asked or not.
#[utoipa::path(
    get,
    path = "/v1/registers",
    tag = "citizen",
    responses(
        (status = 200, description = "The catalogue, in order.", body = json::Registers<'static>),
        openapi::RegisterErrors,
    ),
    security(("citizen_token" = [])),
)]
pub(super) async fn list_registers(
    State(face): State<Arc<CitizenFace>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    face.admit(&headers, Instant::now()).await?;
    let entries = face.catalogue().entries();
    let registers = entries.iter().map(|entry| (&entry.wire).into()).collect();
    Ok(Json(json::Registers { registers }).into_response())
}

async fn collect(face: &CitizenFace, mut listing: Listing, omit_catalogue: bool) -> Response {
    let mut updates = Vec::with_capacity(face.catalogue().entries().len());
    let mut account = None;
    while let Some(event) = listing.next().await {
        match event {
            Event::Registration(update) => updates.push(update),
            Event::Summary(summary) => account = Some(summary),
        }
    }
    updates.sort_unstable_by_key(|update| update.register);
    let registrations = updates
        .iter()
        .map(|update| json::Registration::new(face.catalogue(), update, omit_catalogue))
        .collect();
    Json(json::Registrations {
        registrations,
        summary: account.unwrap_or_default().into(),
    })
    .into_response()
}

fn events(
    face: Arc<CitizenFace>,
    listing: Listing,
    omit_catalogue: bool,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    listing.map(move |event| {
        let event =
            match event {
                Event::Registration(update) => sse::Event::default()
                    .event("registration")
                    .json_data(json::Registration::new(
                        face.catalogue(),
                        &update,
                        omit_catalogue,
                    )),
                Event::Summary(summary) => sse::Event::default()
                    .event("summary")
                    .json_data(json::Summary::from(summary)),
            };
        // Our own types are always JSON.
        Ok(event.unwrap_or_default())
    })
}

/// Whether the caller wants events rather than one body. Without a wish, one body.
fn wants_events(headers: &HeaderMap) -> Result<bool, Refusal> {
    let mut wishes = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(essence)
        .peekable();
    if wishes.peek().is_none() {
        return Ok(false);
    }
    wishes
        .find_map(|wish| match wish.as_str() {
            "text/event-stream" => Some(true),
            "application/json" | "application/*" | "*/*" => Some(false),
            _ => None,
        })
        .ok_or(Refusal::NotAcceptable)
}

pub(super) fn expect_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    match content_type.map(essence).as_deref() {
        Some("application/json") => Ok(()),
        _ => Err(Refusal::ContentType),
    }
}

/// A media type without its parameters.
pub(super) fn essence(value: &str) -> String {
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

pub(super) async fn read(body: Body) -> Result<Bytes, Refusal> {
    read_body(body, BODY_BYTES_MAX).await
}

/// The whole of a body of at most `bytes_max` bytes.
pub(super) async fn read_body(mut body: Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    let whole = Limited::new(&mut body, bytes_max).collect();
    match tokio::time::timeout(BODY_TIMEOUT, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(Refusal::BodyTooLarge)
        }
        Ok(Err(_)) => Err(Refusal::BodyNotUnderstood),
        Err(_) => Err(Refusal::BodyTooSlow),
    }
}

/// Lets a caller finish, within bounds: whoever is cut off while sending may never see why.
async fn discard(body: Body) {
    let mut rest = Limited::new(body, BODY_DISCARDED_BYTES_MAX);
    let until_its_end = async { while let Some(Ok(_)) = rest.frame().await {} };
    let _ended = tokio::time::timeout(BODY_TIMEOUT, until_its_end).await;
}
