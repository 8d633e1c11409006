//! The invented people: who they are, when they were born and to whom.
//!
//! A population is made from a seed and nothing else, so that the same seed gives the same people
//! on every machine. A person is named by the generator's number, never by a national id: the
//! living are `0..persons`, the dead follow after them. An id is made from the birth date when it
//! is asked for, which keeps a million people in a few tens of megabytes.
//!
//! What holds:
//!
//! - **Every number is synthetic** (month + 80), unique, and valid under the strictest reading of
//!   the control digits and the century series.
//! - **The first few people are a fixed cast** (see `households.rs`), so that every population
//!   has each family the stories need, whatever the seed.
//! - **Nobody here knows a register**; see [`crate::registers`].

use innsyn_policy::{NationalId, NumberRules};
use jiff::civil::Date;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

pub use day::Day;
pub use municipality::{Municipality, Region};

mod day;
mod households;
mod municipality;
mod number;
#[cfg(test)]
mod tests;

/// The fewest people a population may have; below it the fixed cast would be most of them.
pub const PERSONS_MIN: u32 = 100;
/// The most people a population may have; above it a day would run out of synthetic numbers.
pub const PERSONS_MAX: u32 = 2_000_000;

/// What a population is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PopulationSpec {
    /// How many living people.
    pub persons: u32,
    /// Decides everything else.
    pub seed: u64,
    /// The day on which the people are as old as the age pyramid says.
    pub as_of: Date,
}

impl PopulationSpec {
    /// A population of `persons` as they stand on 1 January 2026.
    pub const fn new(persons: u32, seed: u64) -> Self {
        Self {
            persons,
            seed,
            as_of: jiff::civil::date(2026, 1, 1),
        }
    }
}

/// The `rank`-th synthetic number of those who were born on a day and have a sex, for whoever needs
/// numbers without people; there are [`NUMBERS_OF_A_DAY`] of each.
pub(crate) fn synthetic_number(born: Day, sex: Sex, rank: u8) -> Option<[u8; 11]> {
    number::nth(born, sex, false, rank)
}

/// How many synthetic numbers there are of each day and sex.
pub(crate) const NUMBERS_OF_A_DAY: u8 = number::RANKS;

/// Why a population cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PopulationError {
    /// Too few or too many.
    #[error(
        "a population has {PERSONS_MIN} to {PERSONS_MAX} persons, not {0}; ask for another number"
    )]
    Persons(u32),
    /// The day lies outside what the numbers and ages allow.
    #[error("a population stands on a day from 2000 to 2039, not {0}")]
    AsOf(Date),
    /// A day has no synthetic numbers left.
    #[error(
        "more people were born on one day than it has synthetic numbers; ask for fewer persons"
    )]
    DayExhausted,
}

/// The invented people.
#[derive(Debug)]
pub struct Population {
    spec: PopulationSpec,
    lives: Vec<Life>,
}

/// Male or female, as the classic number tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Even third digit of the individual number.
    Female,
    /// Odd third digit.
    Male,
}

/// One invented person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The generator's number.
    pub number: u32,
    /// The national id: synthetic, and still never printed.
    pub id: NationalId,
    /// The birth date.
    pub born: Date,
    /// The day of death; the dead are in registers and never log in.
    pub died: Option<Date>,
    /// The sex.
    pub sex: Sex,
    /// The mother's number, if she is in the population.
    pub mother: Option<u32>,
    /// The father's number, if he is in the population.
    pub father: Option<u32>,
    /// Where the person lives.
    pub municipality: &'static Municipality,
}

/// What is kept of a person: 28 bytes, from which the rest is derived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) born: Day,
    /// The day of immigration; the birth date of whoever was born here.
    pub(crate) arrived: Day,
    pub(crate) died: Option<Day>,
    /// When the first child was born, in or out of the population.
    pub(crate) first_child: Option<Day>,
    mother: Option<Kin>,
    father: Option<Kin>,
    /// Which of the numbers of the birth date and sex.
    rank: u8,
    municipality: u8,
    pub(crate) sex: Sex,
    traits: u8,
}

/// A number of a person, stored plus one so that `Option` takes no more room.
type Kin = std::num::NonZeroU32;

/// Bits of [`Life::traits`].
pub(crate) mod traits {
    /// Has a D-number.
    pub(crate) const D_NUMBER: u8 = 1;
    /// Was born a twin.
    pub(crate) const TWIN: u8 = 2;
    /// Is in no register whatever.
    pub(crate) const NOWHERE: u8 = 4;
}

impl Life {
    pub(crate) const fn has(&self, r#trait: u8) -> bool {
        self.traits & r#trait != 0
    }

    /// The number of the mother, or else of the father.
    pub(crate) fn parent(&self) -> Option<u32> {
        self.mother.or(self.father).map(|kin| kin.get() - 1)
    }

    pub(crate) fn municipality(&self) -> &'static Municipality {
        municipality::by_index(self.municipality)
    }
}

impl Population {
    /// Makes the people that `spec` asks for.
    pub fn new(spec: PopulationSpec) -> Result<Self, PopulationError> {
        if !(PERSONS_MIN..=PERSONS_MAX).contains(&spec.persons) {
            return Err(PopulationError::Persons(spec.persons));
        }
        if !(2000..=2039).contains(&spec.as_of.year()) {
            return Err(PopulationError::AsOf(spec.as_of));
        }
        let lives = households::settle(spec, &mut dice(spec.seed, Topic::Households, 0))?;
        Ok(Self { spec, lives })
    }

    /// What the people were made from.
    pub const fn spec(&self) -> PopulationSpec {
        self.spec
    }

    /// How many are alive; their numbers are `0..living()`.
    pub const fn living(&self) -> u32 {
        self.spec.persons
    }

    /// How many there are with the dead; all numbers are `0..everyone()`.
    pub fn everyone(&self) -> u32 {
        u32::try_from(self.lives.len()).unwrap_or(u32::MAX)
    }

    /// The person with the generator's number `number`, if there is one.
    pub fn person(&self, number: u32) -> Option<Person> {
        let life = self.life(number)?;
        let digits = number::nth(life.born, life.sex, life.has(traits::D_NUMBER), life.rank)?;
        let rules = NumberRules {
            accept_2032: false,
            strict_series: true,
        };
        Some(Person {
            number,
            id: NationalId::parse(std::str::from_utf8(&digits).ok()?, rules).ok()?,
            born: life.born.date(),
            died: life.died.map(Day::date),
            sex: life.sex,
            mother: life.mother.map(|kin| kin.get() - 1),
            father: life.father.map(|kin| kin.get() - 1),
            municipality: life.municipality(),
        })
    }

    pub(crate) fn life(&self, number: u32) -> Option<&Life> {
        self.lives.get(usize::try_from(number).ok()?)
    }
}

/// What randomness is for; each topic has its own, so that a change to one leaves the others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Topic {
    Households = 1,
    Registers = 2,
    Records = 3,
    Health = 4,
    Views = 5,
}

/// The randomness of one person (or thing) in one topic.
pub(crate) fn dice(seed: u64, topic: Topic, number: u32) -> ChaCha8Rng {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    dice.set_stream((topic as u64) << 32 | u64::from(number));
    dice
}
