//! One person's 24 bytes.

use std::hint::black_box;

use innsyn_policy::Presence;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::builder::ENTRIES_MAX;
use super::{Found, Tag};

/// The day before day 1.
const DAY_ZERO: Date = date(1899, 12, 31);
/// Worked out, and thrown away, where there is no day.
const ANY_DAY: u16 = 40_000;

/// A day as the index keeps it: 1 is 1900-01-01, the last is 2079-06-05.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u16);

impl Day {
    /// The day of `date`; `None` outside 1900-01-01 to 2079-06-05.
    pub fn new(date: Date) -> Option<Self> {
        let days = (date - DAY_ZERO).get_days();
        u16::try_from(days).ok().filter(|days| *days > 0).map(Self)
    }
}

/// Whether somebody is in the register now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In the register.
    Registered,
    /// Was in it, and has been deleted.
    Deleted,
}

/// What one row of a source says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// Whether the person is in the register now.
    pub standing: Standing,
    /// The day of the first registration, where it is given.
    pub since: Option<Day>,
    /// The day of the last change, where it is given.
    pub last_changed: Option<Day>,
}

/// A [`Membership`] and the person's number in 64 bits, so that they can be picked with a mask:
/// since (16), last change (16), registered (1), deleted (1), number (30). Nobody is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts(u64);

const REGISTERED: u64 = 1 << 32;
const DELETED: u64 = 1 << 33;
const NUMBER_FROM_BIT: u32 = 34;

const _: () = assert!(
    ENTRIES_MAX <= 1 << (u64::BITS - NUMBER_FROM_BIT),
    "every entry's number has room"
);

impl Facts {
    pub(super) const NONE: Self = Self(0);

    /// `number` is less than [`ENTRIES_MAX`].
    pub(super) fn new(membership: Membership, number: u32) -> Self {
        let day = |day: Option<Day>| day.map_or(0, |day| u64::from(day.0));
        let standing = match membership.standing {
            Standing::Registered => REGISTERED,
            Standing::Deleted => DELETED,
        };
        let facts = day(membership.since) | day(membership.last_changed) << 16 | standing;
        Self(facts | u64::from(number) << NUMBER_FROM_BIT)
    }

    /// The number of the person, or of the row before the person has one.
    pub(super) const fn number(self) -> u32 {
        (self.0 >> NUMBER_FROM_BIT) as u32
    }

    /// The same with another number, less than [`ENTRIES_MAX`].
    pub(super) fn numbered(self, number: u32) -> Self {
        let facts = self.0 & ((1 << NUMBER_FROM_BIT) - 1);
        Self(facts | u64::from(number) << NUMBER_FROM_BIT)
    }

    pub(super) const fn is_registered(self) -> bool {
        self.0 & REGISTERED != 0
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Two rows about one person make one: registered beats deleted, the earliest "since", the
    /// latest change and the first row's number stand.
    pub(super) fn merge(self, other: Self) -> Self {
        let since = match (self.since(), other.since()) {
            (0, day) | (day, 0) => day,
            (one, two) => one.min(two),
        };
        let last_changed = self.last_changed().max(other.last_changed());
        let standing = match (self.0 | other.0) & REGISTERED {
            0 => DELETED,
            registered => registered,
        };
        let facts = Self(u64::from(since) | u64::from(last_changed) << 16 | standing);
        facts.numbered(self.number().min(other.number()))
    }

    /// Both dates are worked out whether or not anybody was found.
    pub(super) fn found(self) -> Found {
        let presence = Presence {
            since: to_date(self.since()),
            last_changed: to_date(self.last_changed()),
        };
        match self.0 & (REGISTERED | DELETED) {
            0 => Found::Absent,
            DELETED => Found::Deleted(presence),
            _ => Found::Registered(presence),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "takes the lowest 16 bits")]
    const fn since(self) -> u16 {
        self.0 as u16
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "takes 16 bits from the middle"
    )]
    const fn last_changed(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// Adds as much where there is no day: adding nothing would be quicker.
fn to_date(days: u16) -> Option<Date> {
    let added = if days > 0 { days } else { ANY_DAY };
    let date = black_box(
        DAY_ZERO
            .checked_add(i32::from(black_box(added)).days())
            .ok(),
    );
    date.filter(|_| days > 0)
}

/// One person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) tag: Tag,
    pub(super) facts: Facts,
}

const _: () = assert!(size_of::<Entry>() == 24, "a person takes 24 bytes");

impl Entry {
    /// The facts if this is the entry of `tag`, and nothing if not; without a branch.
    pub(super) const fn facts_if(&self, tag: Tag) -> Facts {
        let differs = self.tag.differs(tag);
        // All ones where the tags are equal, zero where they differ.
        let mask = ((differs | differs.wrapping_neg()) >> 63).wrapping_sub(1);
        Facts(self.facts.0 & mask)
    }
}
