//! The complementary check over tables: what tables that left apart tell together.
//!
//! Each table is settled as if its margins were known (`settle.rs`). But two tables of the same
//! persons, by region and by age, are margins of a table by both that nobody may have asked for: of
//! 17 persons, 13 in one region and 8 of one age, 4 at least are both. So before a table leaves, it
//! is held beside the others that its permit has had of the same persons:
//!
//! ```text
//!   by region and age          the new table and each earlier one make a joint table, which is
//!   ┌──┬──┐                    known exactly from how many persons two cells share: there, each
//!   │  │ 4│ 13   by region     cell of fewer than k persons, and each cell that a table hides for
//!   ├──┼──┤                    being few, must be able to hold any number from 1 to k−1, whatever
//!   │  │  │  4                 all tables show        (`joint.rs`)
//!   └──┴──┘                    and of three tables and more, no cell that could be few may be known
//!     9  8     by age          to hold 2 persons at least        (`star.rs`)
//! ```
//!
//! What holds:
//!
//! - **Of a table and its margins, asked for in any order, every value from 1 to k−1 stays
//!   possible**, of up to three dimensions of different variables. The attacker with an integer programme looks for
//!   another (`tests/attacker.rs`).
//! - **Margins of what has left are taken as known** before they are asked for, so that the total
//!   leaves after the tables that it is a total of.
//! - **The new table leaves whole or not at all.** What it shows has been settled; hiding more of it
//!   because of earlier tables would tell of those.
//! - **Where somebody has moved** from one category to another since a table left, no other leaves
//!   that shares the dimension: there is no joint table that would tell that it is safe.
//!
//! What this does not do:
//!
//! - It holds tables together that are asked of one population, over the same registers, and of
//!   which the persons are the same. Others are the overlap audit's (`overlap.rs`).
//! - Beside more than 64 earlier tables by different dimensions it sees the latest.
//! - Of four dimensions and more it sees what two tables tell with those within their dimensions,
//!   and what up to four tell of which each two have the same dimensions in common.
//! - A joint table of more than [`CELLS_MAX`](super::CELLS_MAX) cells is looked at where somebody is,
//!   and of one where too many have somebody only what `star.rs` sees.
//! - Of a variable of which the tables have two levels, categories that nobody has together are not
//!   looked at, nor does `star.rs` know that it is one variable.
//! - The search for a witness has a bound, and so some tables are refused that an exact one would
//!   let go; `nearly_all_tables_leave` bounds how many.
//! - A table by a single period is not held beside one without it, nor one of registers that may share
//!   persons beside one of a single register.
//! - It takes earlier tables by the rules of today: of a permit whose k or base was raised meanwhile
//!   more is known than it thinks.
//! - Events are not held together, persons are.

use std::collections::{BTreeSet, VecDeque};

use super::rounding::Rules;
use crate::research::merge::{Category, Key};

mod axis;
mod joint;
mod star;

pub use axis::Axis;

/// Cells with somebody that two tables may have together, beyond which only bounds are looked at.
pub const JOINT_CELLS_MAX: usize = 20_000;
/// Steps in search of witnesses for one table, in all; where they do not do, it is refused.
const STEPS_MAX: u64 = 5_000_000;
/// Earlier tables that the new one is held beside, the latest ones.
const EARLIER_MAX: usize = 64;

/// So many persons, as the desk counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// At all registers.
    pub persons: u64,
    /// Those that the threshold is asked of: all, or where registers may share persons those of the
    /// largest register.
    pub threshold: u64,
}

impl Count {
    /// What each register has, which may hold persons that others have too.
    pub fn of(registers: impl Iterator<Item = u64>, persons_shared: bool) -> Self {
        registers.fold(Self::default(), |sum, persons| Self {
            persons: sum.persons + persons,
            threshold: if persons_shared {
                sum.threshold.max(persons)
            } else {
                sum.threshold + persons
            },
        })
    }
}

/// A table as it is and as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its dimensions.
    pub axes: Vec<Axis>,
    /// Which of them is the period in each of which a person counts once.
    pub period: Option<usize>,
    /// The cells that hold anybody, in the order of their keys.
    pub cells: Vec<SeenCell>,
}

/// A cell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCell {
    /// Where it is.
    pub key: Key,
    /// How many are in it.
    pub count: Count,
    /// Whether that is shown.
    pub is_shown: bool,
}

/// Some persons that two tables have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InCommon {
    /// The place of the new table's cell.
    pub new: u32,
    /// And of the earlier one's.
    pub earlier: u32,
    /// Which of the registers that may hold the same person; 0 where none do.
    pub register: u16,
    /// How many of its persons are in both cells; in the same period where there are any.
    pub persons: u64,
}

/// A table that wants to leave, and those that have left and counted the same persons.
#[derive(Debug)]
pub struct Together {
    new: Seen,
    /// With what each has in common with the new one, where that is not too much.
    earlier: VecDeque<(Seen, Option<Vec<InCommon>>)>,
    /// How many registers may hold the same person.
    places: u64,
}

impl Together {
    /// A table of persons of whom each may be in so many registers.
    pub const fn of(new: Seen, registers: u64) -> Self {
        Self {
            new,
            earlier: VecDeque::new(),
            places: registers,
        }
    }

    /// Adds an earlier table, later than those before, and each two cells that have anybody in
    /// common, in order; `None` where these are too many.
    pub fn add(&mut self, earlier: Seen, in_common: Option<Vec<InCommon>>) {
        if !earlier.shows_anything() {
            return;
        }
        // The same counts with other numbers tell nothing more.
        self.earlier.retain(|(other, _)| *other != earlier);
        self.earlier.push_back((earlier, in_common));
        if self.earlier.len() > EARLIER_MAX {
            self.earlier.pop_front();
        }
    }

    /// The earlier tables, and what each has in common with the new one.
    pub fn earlier(&self) -> impl Iterator<Item = (&Seen, Option<&[InCommon]>)> {
        let earlier = self.earlier.iter();
        earlier.map(|(earlier, in_common)| (earlier, in_common.as_deref()))
    }

    fn tables(&self) -> impl Iterator<Item = &Seen> + Clone {
        let earlier = self.earlier.iter().map(|(earlier, _)| earlier);
        std::iter::once(&self.new).chain(earlier)
    }
}

/// Whether the tables tell of a cell of fewer than k persons that it cannot hold some number from 1
/// to k−1.
pub fn tell_of_few(together: &Together, rules: Rules) -> bool {
    if !together.new.shows_anything() {
        return false;
    }
    let mut steps_left = STEPS_MAX;
    // Tables by the same dimensions make the same joint table.
    let mut looked_at: Vec<BTreeSet<&Axis>> = Vec::new();
    for (earlier, in_common) in together.earlier.iter().rev() {
        let axes: BTreeSet<&Axis> = together.new.axes.iter().chain(&earlier.axes).collect();
        let (Some(in_common), false) = (in_common, looked_at.contains(&axes)) else {
            continue;
        };
        let joint = joint::Joint::of(&together.new, earlier, in_common, together.places);
        // Somebody has another category than before: what is hidden then is not known to be safe.
        let tells = joint
            .is_none_or(|joint| joint.tells_of_few(&together.tables(), rules, &mut steps_left));
        if tells {
            return true;
        }
        looked_at.push(axes);
    }
    star::tell_of_few(together, rules, &looked_at)
}

impl Seen {
    /// Whether anything is shown.
    pub fn shows_anything(&self) -> bool {
        self.cells.iter().any(|cell| cell.is_shown)
    }

    /// The categories of a dimension that somebody has or that are declared.
    fn categories(&self, dimension: usize) -> BTreeSet<&Category> {
        let used = self.cells.iter();
        let used = used.filter_map(|cell| cell.key.get(dimension));
        let declared = self.axes.get(dimension).and_then(Axis::declared);
        used.chain(declared.into_iter().flatten()).collect()
    }

    /// The place of `axis` among its dimensions.
    fn place_of(&self, axis: &Axis) -> Option<usize> {
        self.axes.iter().position(|own| own.is_same_as(axis))
    }

    /// The period, if it is a table by one.
    fn period_axis(&self) -> Option<&Axis> {
        self.period.and_then(|period| self.axes.get(period))
    }
}
