//! People worth asking about.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::Country;
use crate::population::{Life, Population, traits};
use crate::registers::Status;

/// So many of the living are looked through for the one in most registers.
const LOOKED_THROUGH_PERSONS: u32 = 2_000;

/// A situation that a test or a visitor wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// Somebody in many registers, asking about themself.
    InManyRegisters,
    /// Somebody in no register at all.
    Nowhere,
    /// A child under 12, asked about by a parent.
    YoungChild,
    /// A child of 12 to 15, asked about by a parent: sensitive registers are withheld.
    ChildFromTwelve,
    /// Somebody of 17; a parent has no right any more.
    Seventeen,
    /// Twins: the subject's sister or brother has the same birth date and is somebody else.
    Twins,
    /// Somebody with a D-number who is not nowhere.
    DNumber,
    /// Somebody who was deleted from a register.
    Deleted,
    /// Somebody old, with a grown child who may be given a power of attorney.
    Grantor,
}

/// The people of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The number of the person asked about.
    pub subject: u32,
    /// The number of the one who asks: the same, or a parent, twin or grown child.
    pub asker: u32,
}

impl Country {
    /// The first living people that `story` is about, as it stands on `today`.
    pub fn find(&self, story: Story, today: Date) -> Option<Found> {
        let population = &self.population;
        let oneself = |subject| Found {
            subject,
            asker: subject,
        };
        let child_from = |youngest, oldest| {
            population.first(|number, life| {
                let asker = life.parent()?;
                let fits = aged(life, youngest, oldest, today);
                fits.then_some(Found {
                    subject: number,
                    asker,
                })
            })
        };
        match story {
            Story::InManyRegisters => (0..population.living().min(LOOKED_THROUGH_PERSONS))
                // The first of several, so that the number stays small.
                .max_by_key(|number| (self.records_of(*number).len(), std::cmp::Reverse(*number)))
                .map(oneself),
            Story::Nowhere => {
                population.first(|number, life| life.has(traits::NOWHERE).then(|| oneself(number)))
            }
            Story::DNumber => population.first(|number, life| {
                let fits = life.has(traits::D_NUMBER) && !life.has(traits::NOWHERE);
                fits.then(|| oneself(number))
            }),
            Story::Deleted => population.first(|number, _| {
                self.records_of(number)
                    .iter()
                    .any(|record| record.status == Status::Deleted)
                    .then(|| oneself(number))
            }),
            Story::YoungChild => child_from(0, 11),
            Story::ChildFromTwelve => child_from(12, 15),
            Story::Seventeen => child_from(17, 17),
            Story::Twins => population.first(|number, life| {
                let asker = number.checked_add(1)?;
                let next = population.life(asker)?;
                let twins = life.parent().is_some()
                    && next.parent() == life.parent()
                    && next.born == life.born;
                twins.then_some(Found {
                    subject: number,
                    asker,
                })
            }),
            Story::Grantor => population.first(|number, life| {
                let subject = life.parent()?;
                let old = population
                    .life(subject)
                    .is_some_and(|p| aged(p, 67, 120, today));
                (old && aged(life, 18, 120, today)).then_some(Found {
                    subject,
                    asker: number,
                })
            }),
        }
    }
}

impl Population {
    fn first(&self, story: impl Fn(u32, &Life) -> Option<Found>) -> Option<Found> {
        (0..self.living()).find_map(|number| story(number, self.life(number)?))
    }
}

/// Whether somebody is `youngest` to `oldest` years old, both included, on `today`.
fn aged(life: &Life, youngest: i32, oldest: i32, today: Date) -> bool {
    let birthday = |years: i32| life.born.date().checked_add(years.years());
    birthday(youngest).is_ok_and(|day| day <= today)
        && birthday(oldest + 1).is_ok_and(|day| day > today)
}
