//! Sums of tables: what three and four of them tell together.
//!
//! Whoever has the halves of one set and the halves of another can add each two up and subtract.
//! So the whole of a new table is combined with up to three earlier wholes, each added or
//! subtracted, and is refused where so few persons make the result that it tells of them. With
//! f(person) how often somebody is in what is added, less how often in what is subtracted, W the
//! wholes and c their signs:
//!
//! ```text
//!   f = Σ cᵢ Wᵢ      Σ f(person) = Σ cᵢ |Wᵢ|      Σ f(person)² = cᵀ G c      Gᵢⱼ = |Wᵢ ∩ Wⱼ|
//! ```
//!
//! What holds:
//!
//! - **Whoever counts only needs to know how many persons every two wholes have in common.**
//! - **Few persons cannot pass for many.** Somebody of whom twice or three times as much is left
//!   makes four or nine of the squares; how many can do so is bounded by how many are in two of the
//!   wholes that are added, or subtracted. If 1 to k − 1 persons could make these sums, they are
//!   taken to.
//! - **Nobody at all is fine**: a set, one part of it and the other part is what researchers ask.

use super::CompareError;

#[cfg(test)]
mod tests;

/// Tables in a combination, the new one with them.
const TERMS_MAX: usize = 4;
/// Earlier tables beyond which one term less is combined: there are half a million choices of
/// three among so many.
const EARLIER_OF_ALL_TERMS: usize = 150;

/// How many persons every two wholes have in common, at one register or added up over some. The
/// last whole is the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::research) struct InCommon {
    /// Row by row, to the diagonal.
    lower: Vec<u64>,
}

/// A whole, and whether it is added; or else it is subtracted.
type Term = (usize, bool);

/// What is left of a combination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Left {
    /// Each person's share, added up.
    sum: i128,
    /// And squared and added up.
    squares: u128,
    added: Together,
    subtracted: Together,
}

/// The wholes of one sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Together {
    wholes: u64,
    /// How many persons two of them have in common, added up over all two.
    in_two: u128,
}

impl InCommon {
    /// From the lower triangle, row by row, with the diagonal.
    pub(super) const fn of(lower: Vec<u64>) -> Self {
        Self { lower }
    }

    /// That of the wholes at these places, rising; `None` if there is none at one.
    pub(super) fn of_these(&self, places: &[usize]) -> Option<Self> {
        let rows = places.iter().enumerate();
        let pairs = rows.flat_map(|(at, one)| {
            let others = places.iter().take(at + 1);
            others.map(|other| self.at(*one, *other))
        });
        pairs.collect::<Option<_>>().map(Self::of)
    }

    /// How many persons two wholes have in common, or one has.
    pub(super) fn at(&self, one: usize, other: usize) -> Option<u64> {
        let (row, column) = (one.max(other), one.min(other));
        self.lower.get(triangle(row) + column).copied()
    }

    fn and(mut self, other: &Self) -> Self {
        for (sum, one) in self.lower.iter_mut().zip(&other.lower) {
            *sum = sum.saturating_add(*one);
        }
        self
    }

    /// What is left of `terms`; `None` if there are no sets with so many in common.
    fn left_of(&self, terms: &[Term]) -> Option<Left> {
        let mut left = Left::default();
        let mut squares = 0_i128;
        for (number, (one, is_added)) in terms.iter().enumerate() {
            let own = i128::from(self.at(*one, *one)?);
            squares += own;
            left.sum += if *is_added { own } else { -own };
            let together = if *is_added {
                &mut left.added
            } else {
                &mut left.subtracted
            };
            together.wholes += 1;
            for (other, is_other_added) in terms.iter().take(number) {
                let both = self.at(*one, *other)?;
                if is_added == is_other_added {
                    together.in_two += u128::from(both);
                    squares += 2 * i128::from(both);
                } else {
                    squares -= 2 * i128::from(both);
                }
            }
        }
        left.squares = u128::try_from(squares).ok()?;
        Some(left)
    }
}

impl Left {
    /// Whether fewer than `k` persons could make these sums.
    fn can_be_fewer_than(&self, k: u64) -> bool {
        // No share is more than three.
        if self.squares > 9 * u128::from(k.saturating_sub(1)) {
            return false;
        }
        let mut added = self.added.twice_and_three_times(k);
        added.any(|(plus_2, plus_3)| {
            let mut subtracted = self.subtracted.twice_and_three_times(k);
            subtracted.any(|(minus_2, minus_3)| {
                let more = plus_2 + plus_3 + minus_2 + minus_3;
                let squares = u128::from(4 * (plus_2 + minus_2) + 9 * (plus_3 + minus_3));
                let sum = i128::from(2 * plus_2 + 3 * plus_3);
                let sum = self.sum - sum + i128::from(2 * minus_2 + 3 * minus_3);
                // The others have a share of one, either way.
                let others = self.squares.checked_sub(squares);
                others.is_some_and(|others| {
                    sum.unsigned_abs() <= others && others + u128::from(more) < u128::from(k)
                })
            })
        })
    }
}

impl Together {
    /// How many of fewer than `k` persons can have a share of two, and how many one of three.
    fn twice_and_three_times(self, k: u64) -> impl Iterator<Item = (u64, u64)> {
        let three_most = if self.wholes > 2 { k } else { 1 };
        let two_most = if self.wholes > 1 { k } else { 1 };
        let all = (0..three_most).flat_map(move |three| (0..two_most).map(move |two| (two, three)));
        all.filter(move |(two, three)| {
            two + three < k && u128::from(two + 3 * three) <= self.in_two
        })
    }
}

/// The wholes that are combined.
#[derive(Debug)]
pub(in crate::research) struct Sums {
    /// Of each register.
    registers: Vec<InCommon>,
    all: InCommon,
    /// Of each whole, the new one last: whether two registers may hold the same person.
    persons_shared: Vec<bool>,
    k: u64,
}

impl Sums {
    /// The wholes of tables of at least `k` persons of which `persons_shared` tells whether two
    /// registers may hold the same person, the new one last; and what they have in common at each
    /// register.
    pub(in crate::research) fn of(
        registers: Vec<InCommon>,
        persons_shared: Vec<bool>,
        k: u64,
    ) -> Self {
        let none = InCommon::of(vec![0; triangle(persons_shared.len())]);
        Self {
            all: registers.iter().fold(none, InCommon::and),
            registers,
            persons_shared,
            k,
        }
    }

    /// Whether a combination of the new whole with earlier ones is of 1 to k − 1 persons, or could
    /// be.
    pub(in crate::research) fn tell_of_few(&self) -> Result<bool, CompareError> {
        let Some(new) = self.persons_shared.len().checked_sub(1) else {
            return Ok(false);
        };
        let is_many = new > EARLIER_OF_ALL_TERMS;
        let terms_max = TERMS_MAX - usize::from(is_many);
        self.search(&mut vec![(new, true)], 0..new, terms_max)
    }

    /// Continues `terms` with some of the `earlier` wholes, up to so many terms.
    fn search(
        &self,
        terms: &mut Vec<Term>,
        earlier: std::ops::Range<usize>,
        terms_max: usize,
    ) -> Result<bool, CompareError> {
        for at in earlier.clone() {
            for is_added in [false, true] {
                terms.push((at, is_added));
                let finds_few = self.is_few(terms)?
                    || (terms.len() < terms_max
                        && self.search(terms, at + 1..earlier.end, terms_max)?);
                if finds_few {
                    return Ok(true);
                }
                terms.pop();
            }
        }
        Ok(false)
    }

    fn is_few(&self, terms: &[Term]) -> Result<bool, CompareError> {
        // Of what is only added there are at least as many as are in the new whole.
        if terms.iter().all(|(_, is_added)| *is_added) {
            return Ok(false);
        }
        let is_shared = |(at, _): &Term| self.persons_shared.get(*at).is_none_or(|shared| *shared);
        let parts = if terms.iter().any(is_shared) {
            self.registers.as_slice()
        } else {
            std::slice::from_ref(&self.all)
        };
        let mut is_anybody = false;
        for part in parts {
            let left = part.left_of(terms).ok_or(CompareError::Impossible)?;
            if !left.can_be_fewer_than(self.k) {
                return Ok(false);
            }
            is_anybody |= left.squares > 0;
        }
        Ok(is_anybody)
    }
}

/// How many numbers the lower triangle of a square with so many rows has, with the diagonal.
pub(super) const fn triangle(rows: usize) -> usize {
    rows * (rows + 1) / 2
}
