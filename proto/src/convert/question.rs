//! A question to a node, all of one size.

use bytes::Bytes;
use innsyn_policy::{
    Area, Areas, Assurance, Caller, NationalId, NumberRules, Organisation, ParseNationalIdError,
    QuestionId, RegisterId, Representation, Request, Timestamp, Validity,
};
use jiff::civil::Date;
use prost::Message as _;

use super::purpose::{purpose_from_wire, purpose_to_wire};
use super::register::{kind_from_wire, kind_to_wire};
use crate::wire::node::v1 as wire;
use crate::wire::types::v1 as types;

/// An encoded question is a multiple of this many bytes; nearly all are exactly one step.
pub const QUESTION_STEP_BYTES: usize = 128;
/// The tag and the length of `padding`, which is always written and always under 128 bytes.
const PADDING_HEAD_BYTES: usize = 2;
/// Areas that one mandate may have.
const AREAS_MAX: usize = 128;

/// A question as an agent reads it.
#[derive(Debug, Clone)]
pub struct NodeQuestion {
    /// The same at every register.
    pub id: QuestionId,
    /// The gateway's number for it on this stream.
    pub number: u64,
    /// Who asks about whom, and what for.
    pub request: Request,
    /// How long the gateway still waits, in milliseconds.
    pub deadline_ms: u32,
}

/// Why a question is not one. Never quotes what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadQuestionError {
    /// A person is not named by a national id.
    #[error("the {0} is not a national id")]
    Person(&'static str, #[source] ParseNationalIdError),
    /// The organisation is not one.
    #[error("the organisation is not 1 to 16 printable characters")]
    Organisation,
    /// An enum is unspecified or unknown, or a oneof is absent.
    #[error("`{0}` is absent or unknown")]
    Absent(&'static str),
    /// A day or an area is malformed.
    #[error("the representation is malformed")]
    Representation,
}

/// Encodes a question once for all links. The length is a multiple of [`QUESTION_STEP_BYTES`].
pub fn encode_question(id: QuestionId, number: u64, request: &Request, deadline_ms: u32) -> Bytes {
    question_to_wire(id, number, request, deadline_ms)
        .encode_to_vec()
        .into()
}

/// The question as it is encoded.
pub fn question_to_wire(
    id: QuestionId,
    number: u64,
    request: &Request,
    deadline_ms: u32,
) -> wire::Question {
    let id = u128::from_be_bytes(id.0);
    #[expect(clippy::cast_possible_truncation, reason = "each half is taken")]
    let (id_high, id_low) = ((id >> 64) as u64, id as u64);
    let mut question = wire::Question {
        id_high,
        id_low,
        number,
        subject: request.subject.expose_number(),
        caller: request.caller.person.expose_number(),
        organisation: request.caller.organisation.as_str().to_owned(),
        purpose: purpose_to_wire(request.purpose).into(),
        representation: Some(representation_to_wire(&request.representation)),
        deadline_ms,
        assurance: match request.caller.assurance {
            Assurance::Substantial => wire::Assurance::Substantial,
            Assurance::High => wire::Assurance::High,
        }
        .into(),
        padding: None,
    };
    let bare = question.encoded_len() + PADDING_HEAD_BYTES;
    let padding = bare.next_multiple_of(QUESTION_STEP_BYTES) - bare;
    question.padding = Some(Bytes::from(vec![0; padding]));
    question
}

/// Reads and checks a question.
pub fn question_from_wire(
    question: &wire::Question,
    rules: NumberRules,
) -> Result<NodeQuestion, ReadQuestionError> {
    use ReadQuestionError as E;
    let person = |number, role| {
        NationalId::from_number(number, rules).map_err(|error| E::Person(role, error))
    };
    let id = u128::from(question.id_high) << 64 | u128::from(question.id_low);
    if id == 0 {
        return Err(E::Absent("id"));
    }
    let representation = question
        .representation
        .as_ref()
        .ok_or(E::Absent("representation"))?;
    Ok(NodeQuestion {
        id: QuestionId(id.to_be_bytes()),
        number: question.number,
        request: Request {
            subject: person(question.subject, "subject")?,
            caller: Caller {
                person: person(question.caller, "caller")?,
                organisation: Organisation::parse(&question.organisation)
                    .map_err(|_| E::Organisation)?,
                assurance: match question.assurance() {
                    wire::Assurance::Unspecified => return Err(E::Absent("assurance")),
                    wire::Assurance::Substantial => Assurance::Substantial,
                    wire::Assurance::High => Assurance::High,
                },
            },
            representation: representation_from_wire(representation)?,
            purpose: purpose_from_wire(question.purpose()).ok_or(E::Absent("purpose"))?,
        },
        deadline_ms: question.deadline_ms,
    })
}

fn representation_to_wire(representation: &Representation) -> wire::question::Representation {
    use wire::question::Representation as Wire;
    match representation {
        Representation::Own => Wire::Own(wire::Own {}),
        Representation::Parent { child_born } => Wire::Parent(wire::Parent {
            child_born_day: child_born.map(days_since_epoch),
        }),
        Representation::Guardian { areas, validity } => {
            Wire::Guardian(mandate_to_wire(areas, *validity))
        }
        Representation::PowerOfAttorney { areas, validity } => {
            Wire::PowerOfAttorney(mandate_to_wire(areas, *validity))
        }
    }
}

fn representation_from_wire(
    representation: &wire::question::Representation,
) -> Result<Representation, ReadQuestionError> {
    use wire::question::Representation as Wire;
    Ok(match representation {
        Wire::Own(wire::Own {}) => Representation::Own,
        Wire::Parent(parent) => Representation::Parent {
            child_born: parent
                .child_born_day
                .map(|day| date_from_days(day).ok_or(ReadQuestionError::Representation))
                .transpose()?,
        },
        Wire::Guardian(mandate) => {
            let (areas, validity) = mandate_from_wire(mandate)?;
            Representation::Guardian { areas, validity }
        }
        Wire::PowerOfAttorney(mandate) => {
            let (areas, validity) = mandate_from_wire(mandate)?;
            Representation::PowerOfAttorney { areas, validity }
        }
    })
}

fn mandate_to_wire(areas: &Areas, validity: Validity) -> wire::Mandate {
    let area = |area: &Area| wire::Area {
        area: Some(match area {
            Area::AllInsight => wire::area::Area::AllInsight(wire::AllInsight {}),
            Area::Kind(kind) => wire::area::Area::Kind(kind_to_wire(*kind).into()),
            Area::Register(id) => wire::area::Area::RegisterId(id.as_str().to_owned()),
            Area::Dialogs => wire::area::Area::Dialogs(wire::Dialogs {}),
            Area::Settings => wire::area::Area::Settings(wire::ChangeSettings {}),
        }),
    };
    wire::Mandate {
        areas: areas.iter().map(area).collect(),
        valid_from: validity.from.as_seconds(),
        valid_until: validity.until.as_seconds(),
    }
}

fn mandate_from_wire(mandate: &wire::Mandate) -> Result<(Areas, Validity), ReadQuestionError> {
    use ReadQuestionError::Representation as Malformed;
    if mandate.areas.len() > AREAS_MAX {
        return Err(Malformed);
    }
    let area = |area: &wire::Area| match area.area.as_ref().ok_or(Malformed)? {
        wire::area::Area::AllInsight(wire::AllInsight {}) => Ok(Area::AllInsight),
        wire::area::Area::Kind(kind) => {
            let kind = types::RegisterKind::try_from(*kind).map_err(|_| Malformed)?;
            kind_from_wire(kind).map(Area::Kind).ok_or(Malformed)
        }
        wire::area::Area::RegisterId(id) => RegisterId::parse(id)
            .map(Area::Register)
            .map_err(|_| Malformed),
        wire::area::Area::Dialogs(wire::Dialogs {}) => Ok(Area::Dialogs),
        wire::area::Area::Settings(wire::ChangeSettings {}) => Ok(Area::Settings),
    };
    let areas = mandate
        .areas
        .iter()
        .map(area)
        .collect::<Result<Areas, _>>()?;
    let validity = Validity {
        from: Timestamp::from_seconds(mandate.valid_from),
        until: Timestamp::from_seconds(mandate.valid_until),
    };
    Ok((areas, validity))
}

/// Days from 1970-01-01 to `date`.
pub(super) fn days_since_epoch(date: Date) -> i32 {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    date.since(EPOCH).map_or(0, |span| span.get_days())
}

/// The date `days` days after 1970-01-01.
pub(super) fn date_from_days(days: i32) -> Option<Date> {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    let span = jiff::Span::new().try_days(days).ok()?;
    EPOCH.checked_add(span).ok()
}
