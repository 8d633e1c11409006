//! What a person says on paper (the *analogue channel*): two clerks, and its place beside what is
//! said over a gateway.
//!
//! ```text
//!   one clerk enters ─▶ waiting ──another confirms──▶ a setting
//!                          ├──any clerk withdraws──▶ nothing
//!                          └──CONFIRM_WITHIN──────▶ lapsed, nothing
//! ```
//!
//! What holds:
//!
//! - **Two clerks, never one twice.** Until the second has confirmed it, a paper is no setting.
//! - **Later wins, by when it was said**, not by when it was entered: a paper counts as of the day
//!   that stands on it, so that one that lay in a tray takes nothing back that was said since.
//! - **Within that day the no wins.** A paper has no hour: one that says no counts as of the day's
//!   last moment, or of now where that is earlier, and one that says yes as of its first.

use std::fmt;
use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// How long an entered paper waits for a second clerk: 14 days.
pub const CONFIRM_WITHIN: Duration = Duration::from_hours(14 * 24);
/// The longest name of a clerk, in bytes.
const CLERK_BYTES_MAX: usize = 48;

/// What a clerk of a register is called: 1 to 48 of a-z, 0-9, `.`, `_`, `-` and `@`.
///
/// People whom a paper is about see it, so it is never a national id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClerkName(String);

/// The string is not the name of a clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a clerk is called by 1 to 48 of a-z, 0-9, `.`, `_`, `-` and `@`, without eleven digits in a row"
)]
pub struct ParseClerkNameError;

/// How an entered paper ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperEnd {
    /// A second clerk confirmed it: it is a setting.
    Confirmed,
    /// It was taken back before that.
    Withdrawn,
}

/// A paper as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnteredPaper {
    /// Who entered it.
    pub entered_by: ClerkName,
    /// When.
    pub entered_at: Timestamp,
    /// How it ended; `None` while it waits.
    pub ended: Option<PaperEnd>,
}

/// Why nothing is done with a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// One clerk alone.
    #[error("it was entered by the same clerk; another one must confirm it")]
    SameClerk,
    /// It waited too long.
    #[error("nobody confirmed it within 14 days, so that it lapsed; enter it again")]
    Lapsed,
    /// It is done.
    #[error("it was confirmed before, and is a setting")]
    ConfirmedBefore,
    /// It was taken back.
    #[error("it was withdrawn before; enter it again if that was wrong")]
    WithdrawnBefore,
    /// Its date is still to come.
    #[error("the date on the paper is after today")]
    DatedAhead,
    /// Its date is none that the calendar has a day for.
    #[error("the date on the paper is no day that can be counted from")]
    NoSuchDay,
}

impl ClerkName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, ParseClerkNameError> {
        let allowed = |b: u8| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-' | b'@')
        };
        let like_a_person = text
            .split(|c: char| !c.is_ascii_digit())
            .any(|digits| digits.len() >= 11);
        let well_formed = (1..=CLERK_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        if well_formed && !like_a_person {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseClerkNameError)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClerkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EnteredPaper {
    /// The first moment at which it has lapsed, if nobody confirms it before.
    pub fn lapses_at(&self) -> Timestamp {
        self.entered_at.plus(CONFIRM_WITHIN)
    }

    /// Whether it still waits for a second clerk at `now`.
    pub fn waits_at(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.lapses_at()
    }

    /// Whether `clerk` may confirm it at `now`.
    pub fn may_confirm(&self, clerk: &ClerkName, now: Timestamp) -> Result<(), PaperError> {
        self.may_end(now)?;
        if *clerk == self.entered_by {
            return Err(PaperError::SameClerk);
        }
        Ok(())
    }

    /// Whether a clerk, whichever, may withdraw it at `now`.
    pub fn may_withdraw(&self, now: Timestamp) -> Result<(), PaperError> {
        self.may_end(now)
    }

    fn may_end(&self, now: Timestamp) -> Result<(), PaperError> {
        match self.ended {
            Some(PaperEnd::Confirmed) => Err(PaperError::ConfirmedBefore),
            Some(PaperEnd::Withdrawn) => Err(PaperError::WithdrawnBefore),
            None if now >= self.lapses_at() => Err(PaperError::Lapsed),
            None => Ok(()),
        }
    }
}

/// What orders a paper of the day `dated` among all that is said of one definition, if it is
/// confirmed at `now`; `says_no` as [`SettingDefinition::says_no`](super::SettingDefinition::says_no)
/// tells it.
pub fn paper_sequence(dated: Date, says_no: bool, now: Timestamp) -> Result<i64, PaperError> {
    let begins = Timestamp::start_of_day_in_norway(dated).ok_or(PaperError::NoSuchDay)?;
    if begins > now {
        return Err(PaperError::DatedAhead);
    }
    if !says_no {
        return Ok(begins.as_micros());
    }
    let next = dated.checked_add(1.day()).ok();
    let ends = next.and_then(Timestamp::start_of_day_in_norway);
    let ends = ends.ok_or(PaperError::NoSuchDay)?;
    Ok((ends.as_micros() - 1).min(now.as_micros()))
}
