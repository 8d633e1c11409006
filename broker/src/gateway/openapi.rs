//! What the two faces say of themselves: OpenAPI 3.1, and gRPC reflection.

use axum::routing::get;
use axum::{Json, Router};
use innsyn_proto::wire::DESCRIPTORS;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};

use super::refusal::Problem;
use super::uses::http_face;
use super::{api_http, api_settings, cases, health, insight};

pub(super) fn router() -> Router {
    Router::new().route("/openapi.json", get(async || Json(document())))
}

/// The gRPC reflection service of a port that serves `services`.
pub(crate) fn reflection(
    services: &[&str],
) -> Result<ServerReflectionServer<impl ServerReflection + use<>>, tonic_reflection::server::Error>
{
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    for service in services {
        builder = builder.with_service_name(*service);
    }
    builder.build_v1()
}

/// The OpenAPI document.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Innsyn: where am I registered?",
        description = "Asks every Norwegian health register, live, and keeps nothing. Every \
                       error is a problem (RFC 9457) with a stable `reason` and never holds what \
                       was sent.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        api_http::list_registrations,
        api_http::list_registers,
        api_settings::http::list_setting_definitions,
        api_settings::http::list_settings,
        api_settings::http::change_setting,
        http_face::list_uses,
        insight::get_insight,
        cases::open,
        cases::message,
        cases::appeal,
        cases::list,
        cases::get_case,
        cases::find,
        health::healthz,
        health::readyz
    ),
    modifiers(&Security)
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "The citizen's token from Helsenorge's security service.",
            ))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("citizen_token", SecurityScheme::Http(scheme));
    }
}

/// What `POST /v1/registrations` says no with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "a description of answers, not their maker")]
pub(super) enum RegistrationErrors {
    /// The body, the national id or the deadline is not good; `reason` says which and how.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] Problem),
    /// The token is missing or bad. Nothing tells in what way.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// The token does not reach to this request; `reason` says why. No register was asked.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// The path has other methods.
    #[response(status = 405, content_type = "application/problem+json")]
    MethodNotAllowed(#[to_schema] Problem),
    /// Neither `application/json` nor `text/event-stream` is accepted.
    #[response(status = 406, content_type = "application/problem+json")]
    NotAcceptable(#[to_schema] Problem),
    /// The body did not arrive in time.
    #[response(status = 408, content_type = "application/problem+json")]
    RequestTimeout(#[to_schema] Problem),
    /// The body is larger than 16 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    PayloadTooLarge(#[to_schema] Problem),
    /// The body is not said to be JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(#[to_schema] Problem),
    /// Too many listings are under way.
    #[response(status = 503, content_type = "application/problem+json")]
    ServiceUnavailable(#[to_schema] Problem),
}

/// What `GET /v1/registers` says no with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "a description of answers, not their maker")]
pub(super) enum RegisterErrors {
    /// The token is missing or bad. Nothing tells in what way.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// The token does not reach to this request; `reason` says why.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// The path has other methods.
    #[response(status = 405, content_type = "application/problem+json")]
    MethodNotAllowed(#[to_schema] Problem),
}

/// What the calls about dialogs say no with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "a description of answers, not their maker")]
pub(super) enum CaseErrors {
    /// The body, the national id or something else that was sent is not good; `reason` says which.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] Problem),
    /// The token is missing or bad. Nothing tells in what way.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// The token does not reach to this request, or the register says no; `reason` says why.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// The person has no such case at this register.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// The path has other methods.
    #[response(status = 405, content_type = "application/problem+json")]
    MethodNotAllowed(#[to_schema] Problem),
    /// The body did not arrive in time.
    #[response(status = 408, content_type = "application/problem+json")]
    RequestTimeout(#[to_schema] Problem),
    /// The case stands otherwise, or the message's id is used; `reason` says which.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] Problem),
    /// The body is larger than 512 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    PayloadTooLarge(#[to_schema] Problem),
    /// The body is not said to be JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(#[to_schema] Problem),
    /// The register did not say that it has it (`CASE_NOT_DELIVERED`: send it again with the same
    /// message id), or cannot be used now; `reason` says which.
    #[response(status = 503, content_type = "application/problem+json")]
    ServiceUnavailable(#[to_schema] Problem),
}
