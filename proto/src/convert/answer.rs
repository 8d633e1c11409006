//! A node's answer, all of one size.

use std::hint::black_box;

use bytes::Bytes;
use innsyn_policy::{Outcome, Presence};
use jiff::civil::{Date, date};

use super::outcome::{ReadOutcomeError, outcome_from_node, outcome_to_wire};
use crate::wire::node::v1 as wire;
use crate::wire::types::v1 as types;

/// "Not given", where a day stands in an answer.
const NO_DAY: i32 = i32::MIN;
/// Worked out, and thrown away, where no day is given.
const ANY_DAY: Date = date(2020, 1, 1);

/// What a node says to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAnswer {
    /// The question's number on this stream.
    pub number: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// The hash of the entry that it left in the log of use; `None` if it left none.
    pub use_log_leaf: Option<[u8; 32]>,
}

/// Why an answer is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadAnswerError {
    /// A field that is always written is not there.
    #[error("the answer lacks a field that is always written")]
    FieldMissing,
    /// The outcome makes no sense.
    #[error(transparent)]
    Outcome(#[from] ReadOutcomeError),
    /// A day is outside the calendar.
    #[error("a day in the answer is outside the calendar")]
    Day,
    /// A hash that is not 32 bytes.
    #[error("the use-log hash is not 32 bytes")]
    Leaf,
}

/// Writes an answer. Every answer has the same encoded size: all fields are always present and
/// of fixed width, and the enums are below 128.
pub fn answer_to_wire(answer: &NodeAnswer) -> wire::Answer {
    let (outcome, reason) = outcome_to_wire(&answer.outcome);
    let presence = match answer.outcome {
        Outcome::Registered(presence) | Outcome::Deleted(presence) => presence,
        _ => Presence::default(),
    };
    wire::Answer {
        number: Some(answer.number),
        outcome: Some(outcome.into()),
        reason: Some(reason.into()),
        since_day: Some(day_to_wire(presence.since)),
        last_changed_day: Some(day_to_wire(presence.last_changed)),
        use_log_leaf: Some(Bytes::copy_from_slice(
            &answer.use_log_leaf.unwrap_or([0; 32]),
        )),
    }
}

/// Reads an answer. The number comes back beside an error where there is one, so that the
/// question can be accounted for.
pub fn answer_from_wire(
    answer: &wire::Answer,
) -> Result<NodeAnswer, (Option<u64>, ReadAnswerError)> {
    read(answer).map_err(|error| (answer.number, error))
}

fn read(answer: &wire::Answer) -> Result<NodeAnswer, ReadAnswerError> {
    use ReadAnswerError as E;
    let number = answer.number.ok_or(E::FieldMissing)?;
    let outcome = answer.outcome.ok_or(E::FieldMissing)?;
    let reason = answer.reason.ok_or(E::FieldMissing)?;
    let presence = Presence {
        since: day_from_wire(answer.since_day.ok_or(E::FieldMissing)?)?,
        last_changed: day_from_wire(answer.last_changed_day.ok_or(E::FieldMissing)?)?,
    };
    let outcome = outcome_from_node(
        types::Outcome::try_from(outcome).unwrap_or(types::Outcome::Unspecified),
        types::Reason::try_from(reason).map_err(|_| ReadOutcomeError)?,
        presence,
    )?;
    let leaf: [u8; 32] = answer
        .use_log_leaf
        .as_deref()
        .ok_or(E::FieldMissing)?
        .try_into()
        .map_err(|_| E::Leaf)?;
    Ok(NodeAnswer {
        number,
        outcome,
        use_log_leaf: (leaf != [0; 32]).then_some(leaf),
    })
}

/// A day is worked out also where there is none, so that the time taken does not tell.
fn day_to_wire(day: Option<Date>) -> i32 {
    let days = black_box(super::question::days_since_epoch(black_box(
        day.unwrap_or(ANY_DAY),
    )));
    if day.is_some() { days } else { NO_DAY }
}

fn day_from_wire(day: i32) -> Result<Option<Date>, ReadAnswerError> {
    if day == NO_DAY {
        return Ok(None);
    }
    super::question::date_from_days(day)
        .map(Some)
        .ok_or(ReadAnswerError::Day)
}
