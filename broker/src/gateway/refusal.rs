//! Everything the gateway says no to, and how: one table for both faces.
//!
//! A refusal is a fixed text with a stable reason. None quotes what was sent, because what was
//! sent may be a person, mistyped or in the wrong place.

use std::collections::HashMap;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use innsyn_policy::person::NotAdmittedError;
use innsyn_policy::{DenyReason, ParseNationalIdError};
use innsyn_proto::convert::denied_word;
use serde::Serialize;
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt as _};
use utoipa::ToSchema;

pub use super::cases::CaseRefusal;

/// The domain of every `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "innsyn";

/// Why a call is refused. Each has its own reason, `type` and text; only a bad token's cause is
/// kept from the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token is bad. Nothing tells in what way.
    Token,
    /// The token's scope does not reach here.
    ScopeMissing,
    /// There is no agreement with the token's client.
    ClientUnknown,
    /// The token names no person, or one that no citizen can be here.
    PersonMissing,
    /// The body is about somebody else than the token.
    SubjectMismatch,
    /// The token's representation cannot be understood.
    RepresentationNotUnderstood,
    /// The caller may not ask about this person.
    Denied(DenyReason),
    /// What stands in the body is no national id.
    NationalId(ParseNationalIdError),
    /// The national id is not one of this environment.
    NotAdmitted(NotAdmittedError),
    /// The deadline is out of bounds.
    Deadline,
    /// The body is not JSON.
    BodyNotJson,
    /// The body is JSON of another shape.
    BodyNotUnderstood,
    /// The body has a field that is not known.
    FieldUnknown,
    /// The body is too large.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body is not said to be JSON.
    ContentType,
    /// The answer is wanted in a form that there is not.
    NotAcceptable,
    /// There is nothing at this path.
    NotFound,
    /// The path has other methods.
    MethodNotAllowed,
    /// What is asked of the log of use cannot be understood.
    UsesRequest,
    /// Too many listings are under way.
    Overloaded,
    /// This gateway takes no settings.
    SettingsNotOffered,
    /// There is no such definition.
    SettingUnknown,
    /// What was shown is not what holds now.
    SettingTextChanged,
    /// The setting cannot end then.
    SettingEnd,
    /// The change has no name.
    ChangeId,
    /// The representation gives no right to change settings.
    NotForSettings,
    /// A guardian's or proxy's change comes without the signed mandate.
    RepresentationProof,
    /// The change cannot be made durable now.
    SettingsUnavailable,
    /// The one register at which it would hold has never been connected.
    SettingRegisterNotConnected,
    /// A call about a case, for a reason of its own.
    Case(CaseRefusal),
}

use Refusal as R;

impl Refusal {
    /// The stable word for it, in `SCREAMING_SNAKE_CASE`.
    pub const fn reason(self) -> &'static str {
        match self {
            R::Token => "TOKEN_REFUSED",
            R::ScopeMissing => "SCOPE_MISSING",
            R::ClientUnknown => "CLIENT_UNKNOWN",
            R::PersonMissing => "TOKEN_PERSON_MISSING",
            R::SubjectMismatch => "SUBJECT_MISMATCH",
            R::RepresentationNotUnderstood => "REPRESENTATION_NOT_UNDERSTOOD",
            R::Denied(reason) => denied_word(reason),
            R::NationalId(ParseNationalIdError::NotElevenDigits) => "NATIONAL_ID_NOT_ELEVEN_DIGITS",
            R::NationalId(ParseNationalIdError::NotADate) => "NATIONAL_ID_NOT_A_DATE",
            R::NationalId(ParseNationalIdError::ControlDigits) => "NATIONAL_ID_CONTROL_DIGITS",
            R::NotAdmitted(NotAdmittedError::SyntheticInProduction) => {
                "NATIONAL_ID_SYNTHETIC_IN_PRODUCTION"
            }
            R::NotAdmitted(NotAdmittedError::RealInTest) => "NATIONAL_ID_NOT_SYNTHETIC_IN_TEST",
            R::NotAdmitted(NotAdmittedError::Auxiliary) => "NATIONAL_ID_AUXILIARY",
            R::Deadline => "DEADLINE_OUT_OF_BOUNDS",
            R::BodyNotJson => "BODY_NOT_JSON",
            R::BodyNotUnderstood => "BODY_NOT_UNDERSTOOD",
            R::FieldUnknown => "FIELD_UNKNOWN",
            R::BodyTooLarge => "BODY_TOO_LARGE",
            R::BodyTooSlow => "BODY_TOO_SLOW",
            R::ContentType => "CONTENT_TYPE_NOT_JSON",
            R::NotAcceptable => "NOT_ACCEPTABLE",
            R::NotFound => "NOT_FOUND",
            R::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            R::UsesRequest => "USES_REQUEST_NOT_UNDERSTOOD",
            R::Overloaded => "OVERLOADED",
            R::SettingsNotOffered => "SETTINGS_NOT_OFFERED",
            R::SettingUnknown => "SETTING_UNKNOWN",
            R::SettingTextChanged => "SETTING_TEXT_CHANGED",
            R::SettingEnd => "SETTING_END",
            R::ChangeId => "CHANGE_ID",
            R::NotForSettings => "REPRESENTATION_NOT_FOR_SETTINGS",
            R::RepresentationProof => "REPRESENTATION_PROOF",
            R::SettingsUnavailable => "SETTINGS_UNAVAILABLE",
            R::SettingRegisterNotConnected => "SETTING_REGISTER_NOT_CONNECTED",
            R::Case(refusal) => refusal.reason(),
        }
    }

    /// What was wrong and what to do, for a person who reads it.
    pub const fn detail(self) -> &'static str {
        match self {
            R::Token => "the access token is missing or not valid; get a new one",
            R::ScopeMissing => "the token's scope does not cover this service",
            R::ClientUnknown => "the token's client has no agreement with this service",
            R::PersonMissing => {
                "the token does not say who asks about whom; use a token made from a login"
            }
            R::SubjectMismatch => "the national id is not the one that the token is for",
            R::RepresentationNotUnderstood => {
                "the token's representation cannot be understood, and so gives no right"
            }
            R::Denied(DenyReason::AssuranceTooLow) => {
                "insight needs a login of the highest level; let the person log in anew"
            }
            R::Denied(DenyReason::NotOneself) => {
                "the token is for somebody else and carries no representation"
            }
            R::Denied(DenyReason::RepresentsOneself) => {
                "nobody represents themself; ask without a representation"
            }
            R::Denied(DenyReason::ChildBirthDateMissing) => {
                "a parent's token must carry the child's birth date"
            }
            R::Denied(DenyReason::ChildNotUnder16) => {
                "a parent's right ends on the child's 16th birthday"
            }
            R::Denied(DenyReason::RepresentationNotYetValid) => {
                "the representation is not valid yet"
            }
            R::Denied(DenyReason::RepresentationExpired) => "the representation has expired",
            R::Denied(DenyReason::RepresentationCoversNothing) => {
                "the representation covers no insight"
            }
            R::Denied(_) => "the rules do not allow this",
            R::NationalId(ParseNationalIdError::NotElevenDigits) => {
                "a national id has 11 digits, 0 to 9, and nothing else"
            }
            R::NationalId(ParseNationalIdError::NotADate) => {
                "the first six digits of the national id are not a date"
            }
            R::NationalId(ParseNationalIdError::ControlDigits) => {
                "the control digits of the national id do not match; a digit is probably mistyped"
            }
            R::NotAdmitted(NotAdmittedError::SyntheticInProduction) => {
                "synthetic national ids are refused in production; use the test service"
            }
            R::NotAdmitted(NotAdmittedError::RealInTest) => {
                "only synthetic national ids are accepted in this test system"
            }
            R::NotAdmitted(NotAdmittedError::Auxiliary) => {
                "an auxiliary number is not a citizen's identity"
            }
            R::Deadline => "a deadline is 200 to 10000 milliseconds",
            R::BodyNotJson => "the body is not JSON",
            R::BodyNotUnderstood => {
                "the body must be an object with `nationalId` (text) and, if wanted, `deadlineMs` \
                 (whole number) and `omitCatalogue` (true or false)"
            }
            R::FieldUnknown => {
                "the body has a field besides `nationalId`, `deadlineMs` and `omitCatalogue`"
            }
            R::BodyTooLarge => "the body is larger than 16 KiB",
            R::BodyTooSlow => "the body did not arrive within 5 seconds",
            R::ContentType => "the body must be sent as `application/json`",
            R::NotAcceptable => "accept `application/json` or `text/event-stream`",
            R::NotFound => "there is nothing at this path; see /openapi.json",
            R::MethodNotAllowed => "this path has other methods; see the Allow header",
            R::UsesRequest => {
                "the request must have `nationalId` (text) and, if wanted, `since` (a time as in \
                 2026-01-31T00:00:00Z), `deadlineMs` (whole number) and `receipts` (texts as an \
                 earlier reading gave them, one of each register), and nothing else"
            }
            R::Overloaded => "too many listings are under way; try again in a second",
            R::SettingsNotOffered => "this gateway takes no settings",
            R::SettingUnknown => "there is no such definition; see the list of definitions",
            R::SettingTextChanged => {
                "the definition's text is another now; show the new one and ask again"
            }
            R::SettingEnd => {
                "an end is in the future, of a setting that stands and whose definition allows one"
            }
            R::ChangeId => "a change is named by 16 random bytes, as 32 hexadecimal digits in JSON",
            R::NotForSettings => "the representation is for insight; it changes no settings",
            R::RepresentationProof => {
                "a guardian or proxy must send the signed mandate as `representationProof`, a JWT \
                 of at most 2800 bytes"
            }
            R::SettingRegisterNotConnected => {
                "the register at which it would hold has never been connected here; nothing was \
                 changed: try again later, or write to the register"
            }
            R::SettingsUnavailable => {
                "the change cannot be kept now, and was not made; try again with the same name"
            }
            R::Case(refusal) => refusal.detail(),
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            R::Token => StatusCode::UNAUTHORIZED,
            R::ScopeMissing
            | R::ClientUnknown
            | R::PersonMissing
            | R::SubjectMismatch
            | R::RepresentationNotUnderstood
            | R::NotForSettings
            | R::Denied(_) => StatusCode::FORBIDDEN,
            R::NationalId(_)
            | R::NotAdmitted(_)
            | R::Deadline
            | R::BodyNotJson
            | R::BodyNotUnderstood
            | R::SettingEnd
            | R::ChangeId
            | R::RepresentationProof
            | R::UsesRequest
            | R::FieldUnknown => StatusCode::BAD_REQUEST,
            R::SettingTextChanged => StatusCode::CONFLICT,
            R::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            R::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            R::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            R::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            R::NotFound | R::SettingUnknown | R::SettingsNotOffered => StatusCode::NOT_FOUND,
            R::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            R::Overloaded | R::SettingsUnavailable | R::SettingRegisterNotConnected => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            R::Case(refusal) => refusal.status(),
        }
    }

    /// The gRPC code.
    pub const fn code(self) -> Code {
        match self {
            R::Token => Code::Unauthenticated,
            R::ScopeMissing
            | R::ClientUnknown
            | R::PersonMissing
            | R::SubjectMismatch
            | R::RepresentationNotUnderstood
            | R::NotForSettings
            | R::Denied(_) => Code::PermissionDenied,
            R::NationalId(_)
            | R::NotAdmitted(_)
            | R::Deadline
            | R::BodyNotJson
            | R::BodyNotUnderstood
            | R::FieldUnknown
            | R::SettingEnd
            | R::ChangeId
            | R::RepresentationProof
            | R::UsesRequest
            | R::BodyTooLarge
            | R::ContentType
            | R::NotAcceptable => Code::InvalidArgument,
            R::BodyTooSlow => Code::DeadlineExceeded,
            R::NotFound | R::MethodNotAllowed | R::SettingsNotOffered => Code::Unimplemented,
            R::Overloaded => Code::ResourceExhausted,
            R::SettingUnknown => Code::NotFound,
            R::SettingTextChanged => Code::FailedPrecondition,
            R::SettingsUnavailable | R::SettingRegisterNotConnected => Code::Unavailable,
            R::Case(refusal) => refusal.code(),
        }
    }
}

/// A problem as RFC 9457 writes it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Names the problem: `urn:innsyn:problem:` and the reason in lower case with hyphens.
    #[serde(rename = "type")]
    kind: String,
    /// The HTTP status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong and what to do. Never what was sent.
    detail: &'static str,
    /// The stable word for it, the same as in gRPC's `ErrorInfo`.
    reason: &'static str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let reason = self.reason();
        let problem = Problem {
            kind: format!(
                "urn:innsyn:problem:{}",
                reason.to_ascii_lowercase().replace('_', "-")
            ),
            title: self.status().canonical_reason().unwrap_or_default(),
            status: self.status().as_u16(),
            detail: self.detail(),
            reason,
        };
        let content_type = (header::CONTENT_TYPE, "application/problem+json");
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (self.status(), [content_type], body).into_response();
        if let Some((name, value)) = self.extra_header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl Refusal {
    const fn extra_header(self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            R::Token => Some((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            )),
            R::ScopeMissing => Some((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"insufficient_scope\""),
            )),
            R::Overloaded | R::SettingsUnavailable | R::Case(CaseRefusal::NotDelivered) => {
                Some((header::RETRY_AFTER, HeaderValue::from_static("1")))
            }
            _ => None,
        }
    }
}

impl From<Refusal> for tonic::Status {
    fn from(refusal: Refusal) -> Self {
        let details = ErrorDetails::with_error_info(refusal.reason(), ERROR_DOMAIN, HashMap::new());
        Self::with_error_details(refusal.code(), refusal.detail(), details)
    }
}
