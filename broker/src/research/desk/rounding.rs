//! The permit's threshold and rounding base, and what a rounded count gives away.

/// The permit's k and rounding base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    k: u64,
    base: u64,
}

/// The permit's numbers make no rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// With k below 2, nobody would be hidden.
    #[error("a threshold is from 2 to 100")]
    Threshold,
    /// With a base of 1, every margin would be exact and nothing could protect a cell.
    #[error("a rounding base is from 2 to 100")]
    Base,
}

/// What may be known of a count: it is from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Interval {
    /// Nobody is there.
    pub(super) const NOBODY: Self = Self { low: 0, high: 0 };
    /// Nothing is known. The sum of a table at its limits is below 2^60.
    pub(super) const ANY: Self = Self {
        low: 0,
        high: 1 << 60,
    };

    /// What is known if both are.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
        }
    }
}

impl Rules {
    /// Rules that show cells of `k` persons or more, rounded to multiples of `base`.
    pub fn new(k: u64, base: u64) -> Result<Self, RulesError> {
        if !(2..=100).contains(&k) {
            return Err(RulesError::Threshold);
        }
        if !(2..=100).contains(&base) {
            return Err(RulesError::Base);
        }
        Ok(Self { k, base })
    }

    /// The smallest count that is shown.
    pub fn k(self) -> u64 {
        self.k
    }

    /// To multiples of what counts are rounded.
    pub fn base(self) -> u64 {
        self.base
    }

    /// The nearest multiple of the base, the upper one from the middle.
    pub fn rounded(self, count: u64) -> u64 {
        (count + self.base / 2) / self.base * self.base
    }

    /// What is known of a count that is shown: its rounding, and that it is not below k, for no
    /// cell that is shown has fewer persons, or events where each person has one at least.
    pub(super) fn known(self, count: u64) -> Interval {
        let (rounded, middle) = (self.rounded(count), self.base / 2);
        let least = if count < self.k { 0 } else { self.k };
        Interval {
            low: rounded.saturating_sub(middle).max(least).cast_signed(),
            high: (rounded + self.base - 1)
                .saturating_sub(middle)
                .cast_signed(),
        }
    }
}
