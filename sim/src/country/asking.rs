//! Who asks about whom, picked so that a command line needs to name one person only.

use std::time::Duration;

use innsyn_policy::Timestamp;
use jiff::ToSpan as _;

use super::Country;
use crate::population::Person;
use crate::sts::{Grant, Mandate, Right};

/// How long a mandate lasts, before and after now, unless it is said.
const MANDATE_LASTS: Duration = Duration::from_hours(24 * 30);
/// Who may be given a mandate, in years.
const OF_AGE_YEARS: i32 = 18;

/// As what somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// The person asked about.
    Oneself,
    /// The mother, or else the father.
    Parent,
    /// Some other adult who is the person's guardian.
    Guardian,
    /// Some other adult with the person's power of attorney.
    Poa,
}

/// A question that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The person asked about.
    pub subject: Person,
    /// The person who asks.
    pub asker: Person,
    /// By what right; whether it is good is for others to say.
    pub right: Right,
}

/// Why nobody can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskingError {
    /// No such person, or a dead one.
    #[error("{number} is none of the living, who are 0 to {}", living - 1)]
    NotAmongTheLiving {
        /// The number given.
        number: u32,
        /// How many are alive.
        living: u32,
    },
    /// No parent is in the population.
    #[error("person {0} has no parent in the population; children live with theirs, try 2 or 3")]
    NoParent(u32),
    /// No other adult is.
    #[error("person {0} has nobody of age to give a mandate to")]
    NobodyElse(u32),
}

impl Asking {
    /// What an issuer makes a token of.
    pub const fn grant(&self) -> Grant<'_> {
        Grant {
            subject: &self.subject,
            asker: &self.asker,
            right: &self.right,
        }
    }
}

impl Country {
    /// A question about person `number` as `role`. A guardian's mandate or a power of attorney
    /// is `mandate`, or else one for all insight that is valid at `now`.
    pub fn asking(
        &self,
        number: u32,
        role: Role,
        mandate: Option<Mandate>,
        now: Timestamp,
    ) -> Result<Asking, AskingError> {
        let subject = self.living_person(number)?;
        let mandate = || {
            mandate.unwrap_or_else(|| Mandate {
                areas: vec!["insight".to_owned()],
                from: now.minus(MANDATE_LASTS),
                until: now.plus(MANDATE_LASTS),
            })
        };
        let (asker, right) = match role {
            Role::Oneself => (subject, Right::Own),
            Role::Parent => {
                let parent = subject.mother.or(subject.father);
                let parent = parent.ok_or(AskingError::NoParent(number))?;
                (self.living_person(parent)?, Right::Parent)
            }
            Role::Guardian => (self.other_adult(number, now)?, Right::Guardian(mandate())),
            Role::Poa => (
                self.other_adult(number, now)?,
                Right::PowerOfAttorney(mandate()),
            ),
        };
        Ok(Asking {
            subject,
            asker,
            right,
        })
    }

    fn living_person(&self, number: u32) -> Result<Person, AskingError> {
        let living = self.population.living();
        self.person(number)
            .filter(|_| number < living)
            .ok_or(AskingError::NotAmongTheLiving { number, living })
    }

    /// The next adult after person `number`, round the population.
    fn other_adult(&self, number: u32, now: Timestamp) -> Result<Person, AskingError> {
        let of_age = |person: &Person| {
            let birthday = person.born.checked_add(OF_AGE_YEARS.years()).ok();
            birthday
                .zip(now.date_in_norway())
                .is_some_and(|(birthday, today)| birthday <= today)
        };
        (number + 1..self.population.living())
            .chain(0..number)
            .filter_map(|other| self.person(other))
            .find(of_age)
            .ok_or(AskingError::NobodyElse(number))
    }
}
