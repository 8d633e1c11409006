//! What is refused of dialogs, beside what is refused of all calls.

use http::StatusCode;
use innsyn_proto::wire::node::v1 as node;
use tonic::Code;

use crate::gateway::refusal::Refusal;

/// Why a call about a case is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseRefusal {
    /// The body is not as the document says.
    Body,
    /// No register is called so.
    RegisterUnknown,
    /// The register has no dialogs through here.
    RegisterWithoutDialogs,
    /// What is asked for is not said.
    Kind,
    /// Not a message's name.
    MessageId,
    /// Not a case's name.
    CaseId,
    /// The text is none.
    Text,
    /// Too many or too large files.
    Attachments,
    /// The register has not said that it has it.
    NotDelivered,
    /// The register is absent, and the files are too large to wait for it.
    FilesCannotWait,
    /// Nobody has a message of this name.
    MessageUnknown,
    /// The register does not take part.
    NotServed,
    /// The register says that this caller may not.
    Denied,
    /// The person has no such case there.
    NoSuchCase,
    /// It has been answered.
    Answered,
    /// It has not been answered.
    NotAnswered,
    /// It was appealed before.
    AppealedBefore,
    /// The message's name is used.
    MessageIdUsed,
    /// Too many cases or messages.
    TooMany,
    /// Over the register's cap.
    OverCap,
    /// The register refused what was sent.
    Malformed,
    /// The register cannot log or keep it now.
    Unavailable,
    /// The register's answer could not be understood.
    NotUnderstood,
}

use CaseRefusal as C;

impl From<CaseRefusal> for Refusal {
    fn from(refusal: CaseRefusal) -> Self {
        Self::Case(refusal)
    }
}

/// The register's own no, if it is one.
pub(super) fn check(refusal: node::CaseRefusal) -> Result<(), Refusal> {
    use node::CaseRefusal as Wire;
    Err(match refusal {
        Wire::Unspecified => return Ok(()),
        Wire::Denied => C::Denied,
        Wire::NoSuchCase => C::NoSuchCase,
        Wire::Answered => C::Answered,
        Wire::NotAnswered => C::NotAnswered,
        Wire::AppealedBefore => C::AppealedBefore,
        Wire::MessageIdUsed => C::MessageIdUsed,
        Wire::TooMany => C::TooMany,
        Wire::OverCap => C::OverCap,
        Wire::Malformed => C::Malformed,
        Wire::LogUnavailable | Wire::RecordsUnavailable => C::Unavailable,
    }
    .into())
}

impl CaseRefusal {
    /// The stable word for it.
    pub(in crate::gateway) const fn reason(self) -> &'static str {
        match self {
            C::Body => "CASE_BODY_NOT_UNDERSTOOD",
            C::RegisterUnknown => "CASE_REGISTER_UNKNOWN",
            C::RegisterWithoutDialogs => "CASE_REGISTER_WITHOUT_DIALOGS",
            C::Kind => "CASE_KIND_MISSING",
            C::MessageId => "CASE_MESSAGE_ID_MALFORMED",
            C::CaseId => "CASE_ID_MALFORMED",
            C::Text => "CASE_TEXT_REFUSED",
            C::Attachments => "CASE_ATTACHMENTS_TOO_LARGE",
            C::NotDelivered => "CASE_NOT_DELIVERED",
            C::FilesCannotWait => "CASE_ATTACHMENTS_CANNOT_WAIT",
            C::MessageUnknown => "CASE_MESSAGE_NOT_FOUND",
            C::NotServed => "CASE_REGISTER_DOES_NOT_TAKE_PART",
            C::Denied => "CASE_DENIED_BY_REGISTER",
            C::NoSuchCase => "CASE_NOT_FOUND",
            C::Answered => "CASE_ANSWERED",
            C::NotAnswered => "CASE_NOT_ANSWERED",
            C::AppealedBefore => "CASE_APPEALED_BEFORE",
            C::MessageIdUsed => "CASE_MESSAGE_ID_USED",
            C::TooMany => "CASE_TOO_MANY",
            C::OverCap => "CASE_OVER_CAP",
            C::Malformed => "CASE_MALFORMED",
            C::Unavailable => "CASE_REGISTER_UNAVAILABLE",
            C::NotUnderstood => "CASE_ANSWER_NOT_UNDERSTOOD",
        }
    }

    /// What was wrong and what to do.
    pub(in crate::gateway) const fn detail(self) -> &'static str {
        match self {
            C::Body => "the body is not an object as /openapi.json describes it",
            C::RegisterUnknown => "the catalogue has no register of this id; see /v1/registers",
            C::RegisterWithoutDialogs => {
                "this register cannot be written to through this service; see its contact in the \
                 catalogue"
            }
            C::Kind => {
                "say what is asked for: insight, correction, deletion, blocking, reservation"
            }
            C::MessageId => {
                "a message id is 16 random bytes, not all zero, that the caller makes and keeps"
            }
            C::CaseId => "a case id is 16 bytes, as the list of cases gives it",
            C::Text => {
                "a text is 1 to 4000 bytes, without control characters but line ends and tabs"
            }
            C::Attachments => "at most four files, of 262144 bytes together",
            C::NotDelivered => {
                "the register did not say that it has it; send it again with the same message id"
            }
            C::FilesCannotWait => {
                "the register is absent, and only files of 7 KiB together can wait for it; send it \
                 without them, or again later"
            }
            C::MessageUnknown => {
                "neither the register nor this service has a message of this id; send it again"
            }
            C::NotServed => "the register does not take part in dialogs through this service",
            C::Denied => "the register does not let this caller do this for this person",
            C::NoSuchCase => "the person has no such case at this register",
            C::Answered => "the case has been answered; it can be appealed once",
            C::NotAnswered => "the case has not been answered, so there is nothing to appeal",
            C::AppealedBefore => {
                "the case was appealed before; the way on is a complaint to Datatilsynet"
            }
            C::MessageIdUsed => "this message id was used for another message; make a new one",
            C::TooMany => "there is no room for more cases, or for more messages in this one",
            C::OverCap => "the register is asked too often; try again in a minute",
            C::Malformed => "the register refused what was sent; look at names and types of files",
            C::Unavailable => "the register cannot take or show cases now; send it again later",
            C::NotUnderstood => "the register's answer could not be understood",
        }
    }

    /// The HTTP status.
    pub(in crate::gateway) const fn status(self) -> StatusCode {
        match self {
            C::Body
            | C::RegisterUnknown
            | C::RegisterWithoutDialogs
            | C::Kind
            | C::MessageId
            | C::CaseId
            | C::Text
            | C::Attachments
            | C::Malformed => StatusCode::BAD_REQUEST,
            C::NotDelivered
            | C::FilesCannotWait
            | C::NotServed
            | C::OverCap
            | C::Unavailable
            | C::NotUnderstood => StatusCode::SERVICE_UNAVAILABLE,
            C::Denied => StatusCode::FORBIDDEN,
            C::NoSuchCase | C::MessageUnknown => StatusCode::NOT_FOUND,
            C::Answered | C::NotAnswered | C::AppealedBefore | C::MessageIdUsed | C::TooMany => {
                StatusCode::CONFLICT
            }
        }
    }

    /// The gRPC code.
    pub(in crate::gateway) const fn code(self) -> Code {
        match self {
            C::Body
            | C::RegisterUnknown
            | C::RegisterWithoutDialogs
            | C::Kind
            | C::MessageId
            | C::CaseId
            | C::Text
            | C::Attachments
            | C::Malformed => Code::InvalidArgument,
            C::NotDelivered
            | C::FilesCannotWait
            | C::NotServed
            | C::Unavailable
            | C::NotUnderstood => Code::Unavailable,
            C::OverCap | C::TooMany => Code::ResourceExhausted,
            C::Denied => Code::PermissionDenied,
            C::NoSuchCase | C::MessageUnknown => Code::NotFound,
            C::Answered | C::NotAnswered | C::AppealedBefore => Code::FailedPrecondition,
            C::MessageIdUsed => Code::AlreadyExists,
        }
    }
}
