//! The legal clock of a case (GDPR article 12 no. 3).
//!
//! One calendar month, counted by dates in Norway: what is received on the 31st of January is due
//! on the last of February. It can be extended by two further months, so that the whole is three
//! months from receipt. The last day counts to its end. That a last day which is a holiday could
//! move to the next working day (Regulation 1182/71) is not made use of.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::time::Timestamp;

/// What a register sets itself, in days.
const TARGET_DAYS: i64 = 30;
const MONTHS: i32 = 1;
const MONTHS_EXTENDED: i32 = 3;

/// Until when an answer is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    received: Date,
    target: Date,
    due: Date,
    extended: bool,
}

/// How a case stands against its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Within the register's own target.
    InTime,
    /// The target of 30 days has passed, the law's limit has not.
    PastTarget,
    /// The law's limit has passed.
    Overdue,
}

impl Deadline {
    /// The deadline of what is received at `at`; `None` where the calendar does not reach.
    pub fn from_receipt(at: Timestamp) -> Option<Self> {
        let received = at.date_in_norway()?;
        let due = received.checked_add(MONTHS.months()).ok()?;
        let target = received.checked_add(TARGET_DAYS.days()).ok()?.min(due);
        let deadline = Self {
            received,
            target,
            due,
            extended: false,
        };
        // So that it can be told when it ends, extended or not.
        deadline.extended()?.ends()?;
        Some(deadline)
    }

    /// With two further months. The target was for the first.
    pub(super) fn extended(self) -> Option<Self> {
        Some(Self {
            due: self.received.checked_add(MONTHS_EXTENDED.months()).ok()?,
            extended: true,
            ..self
        })
    }

    /// The day by which the register wants to have answered.
    pub const fn target(self) -> Date {
        self.target
    }

    /// The last day on which the answer is in time.
    pub const fn due(self) -> Date {
        self.due
    }

    /// Whether the two further months were taken.
    pub const fn is_extended(self) -> bool {
        self.extended
    }

    /// The first moment after the last day.
    pub fn ends(self) -> Option<Timestamp> {
        end_of(self.due)
    }

    /// How it stands at `now`. What no calendar reaches is overdue.
    pub fn standing(self, now: Timestamp) -> Standing {
        let passed = |day| end_of(day).is_none_or(|end| end <= now);
        if passed(self.due) {
            Standing::Overdue
        } else if passed(self.target) && !self.extended {
            Standing::PastTarget
        } else {
            Standing::InTime
        }
    }
}

fn end_of(day: Date) -> Option<Timestamp> {
    Timestamp::start_of_day_in_norway(day.tomorrow().ok()?)
}
