//! What an invented person falls ill with, is treated for and dies of.
//!
//! Registers tell parts of one story: whoever is in a quality register has its disease, a cancer
//! leads to hospital stays and often to the death that the population knows of, diabetes to
//! years of prescriptions. The story is a function of the seed, the person and the person's
//! registrations; it is made when it is asked for and kept nowhere.
//!
//! What holds:
//!
//! - **Nothing happens to the unborn, the dead, those not yet arrived or those who have left.**
//! - **On one day there is at most one contact and one dispensing**, so that "first" and "last"
//!   leave no choice.
//!
//! The chances are of the right order and no more; nobody may learn medicine from them.

use jiff::civil::Date;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::population::{Day, Life, Population, Topic, dice};

pub(crate) use disease::Disease;

mod disease;
#[cfg(test)]
mod tests;

/// No register here tells of contacts before it.
const CONTACTS_SINCE: i16 = 2008;
/// Days in a year, nearly.
const YEAR: u32 = 365;
/// Of a thousand of the living, so many have moved abroad.
const EMIGRATED_PERMILLE: u32 = 8;
/// How long before death the disease that causes it begins, in days, at most.
const LAST_ILLNESS_DAYS: u32 = 4 * YEAR;
/// The drug of an infection: phenoxymethylpenicillin.
const ANTIBIOTIC: &str = "J01CE02";

/// One person's story.
#[derive(Debug)]
pub(crate) struct History {
    /// By their beginning.
    pub(crate) illnesses: Vec<Illness>,
    /// By day, since 2008.
    pub(crate) contacts: Vec<Contact>,
    /// By day, since 2008.
    pub(crate) dispensings: Vec<Dispensing>,
    /// Of whoever has died.
    pub(crate) cause_of_death: Option<&'static Disease>,
    /// When somebody moved abroad for good.
    pub(crate) emigrated: Option<Day>,
    /// The first day on which nothing happens any more; a death is on it.
    pub(crate) end: Day,
}

/// A disease that somebody has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Illness {
    pub(crate) disease: &'static Disease,
    /// When it was found.
    pub(crate) onset: Day,
}

/// A visit, or a stay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contact {
    pub(crate) day: Day,
    /// The main diagnosis in ICD-10.
    pub(crate) code: &'static str,
    pub(crate) place: Place,
}

/// Where a contact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A general practitioner.
    Municipality,
    /// A hospital, without a bed.
    Outpatient,
    /// A bed in a hospital, for so many days.
    Ward(u16),
}

/// A drug handed out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dispensing {
    pub(crate) day: Day,
    /// The drug in ATC.
    pub(crate) drug: &'static str,
    /// How much of it, in defined daily doses.
    pub(crate) doses: u16,
}

impl History {
    /// What happened to person `number` until `population` was counted. `known` are the diseases
    /// that registers say the person has, and since when, where they say it.
    pub(crate) fn of(
        population: &Population,
        number: u32,
        life: &Life,
        known: &[(&'static Disease, Option<Date>)],
    ) -> Self {
        let spec = population.spec();
        let mut dice = dice(spec.seed, Topic::Health, number);
        let as_of = Day::of(spec.as_of);
        let emigrated = emigrated(life, as_of, &mut dice);
        let mut story = Story {
            life,
            end: emigrated.or(life.died).unwrap_or(as_of).min(as_of),
            dice,
        };
        let mut illnesses = story.illnesses(known);
        let cause_of_death = life
            .died
            .map(|died| story.cause_of_death(died, &mut illnesses));
        illnesses.sort_by_key(|illness| illness.onset);
        let contacts = story.contacts(&illnesses, cause_of_death);
        let dispensings = story.dispensings(&illnesses);
        Self {
            illnesses,
            contacts,
            dispensings,
            cause_of_death,
            emigrated,
            end: story.end,
        }
    }

    /// Whether the person has a disease whose code begins with `code`.
    pub(crate) fn has(&self, code: &str) -> bool {
        let mut illnesses = self.illnesses.iter();
        illnesses.any(|illness| illness.disease.code.starts_with(code))
    }
}

fn emigrated(life: &Life, as_of: Day, dice: &mut ChaCha8Rng) -> Option<Day> {
    let since = life.arrived.max(Day::first_of(2000));
    let leaves = dice.random_ratio(EMIGRATED_PERMILLE, 1000);
    let day = dice.random_range(since.number()..as_of.number().max(since.number() + 1));
    (leaves && life.died.is_none() && since < as_of).then(|| Day::new(day))
}

/// A story while it is made up.
struct Story<'a> {
    life: &'a Life,
    /// See [`History::end`].
    end: Day,
    dice: ChaCha8Rng,
}

impl Story<'_> {
    fn illnesses(&mut self, known: &[(&'static Disease, Option<Date>)]) -> Vec<Illness> {
        let Self { life, end, dice } = self;
        let mut illnesses = Vec::new();
        for disease in disease::ALL {
            // Rolled the same number of times either way, so that a registration changes one
            // disease and not those after it.
            let chosen = dice.random_range(0..1000) < disease.permille(life.sex);
            let by_chance = life.born.plus_days(disease.age_days(dice));
            let told = known.iter().find(|(one, _)| std::ptr::eq(*one, disease));
            let onset = match told {
                Some((_, since)) => {
                    let latest = end.minus_days(1);
                    since.map_or(by_chance, Day::of).min(latest)
                }
                None if chosen => by_chance,
                None => continue,
            };
            let onset = if told.is_some() {
                onset.max(life.arrived)
            } else {
                onset
            };
            if life.arrived <= onset && onset < *end {
                illnesses.push(Illness { disease, onset });
            }
        }
        illnesses
    }

    /// Why somebody died: likeliest of what they had; else of something that began late, which
    /// is put among the illnesses.
    fn cause_of_death(&mut self, died: Day, illnesses: &mut Vec<Illness>) -> &'static Disease {
        let life = self.life;
        let years = (died.number() - life.born.number()) / YEAR;
        let had = |disease: &Disease| {
            illnesses
                .iter()
                .any(|illness| std::ptr::eq(illness.disease, disease))
        };
        let weight = |disease: &Disease| {
            let weight = disease.deaths_weight(life.sex, years);
            if had(disease) { weight * 6 } else { weight }
        };
        let all = disease::ALL.iter();
        let total: u32 = all.clone().map(weight).sum();
        let mut left = self.dice.random_range(0..total.max(1));
        let before = self.dice.random_range(0..LAST_ILLNESS_DAYS);
        let cause = all
            .clone()
            .find(|disease| {
                let weight = weight(disease);
                let found = left < weight;
                left = left.saturating_sub(weight);
                found
            })
            .unwrap_or(&disease::UNKNOWN);
        let onset = died.minus_days(before).max(life.arrived);
        let is_known = !std::ptr::eq(cause, &raw const disease::UNKNOWN);
        if is_known && !had(cause) && onset < self.end {
            illnesses.push(Illness {
                disease: cause,
                onset,
            });
        }
        cause
    }

    fn contacts(
        &mut self,
        illnesses: &[Illness],
        cause_of_death: Option<&'static Disease>,
    ) -> Vec<Contact> {
        let first = self.life.arrived.max(Day::first_of(CONTACTS_SINCE));
        let mut contacts = Vec::new();
        for Illness { disease, onset } in illnesses {
            let code = disease.code;
            if *onset >= first {
                let place = self.place(disease.stay_days, 1);
                contacts.push(Contact {
                    day: *onset,
                    code,
                    place,
                });
            }
            if disease.is_lasting {
                for day in self.every(YEAR, 3 * YEAR, (*onset).max(first)) {
                    let place = self.place(disease.stay_days, 6);
                    contacts.push(Contact { day, code, place });
                }
            }
        }
        // What everybody has now and then.
        for day in self.every(2 * YEAR, 16 * YEAR, first) {
            let years = (day.number() - self.life.born.number()) / YEAR;
            let acute = disease::acute(self.life.sex, years, &mut self.dice);
            let place = self.place(acute.stay_days, 2);
            contacts.push(Contact {
                day,
                code: acute.code,
                place,
            });
        }
        if let (Some(cause), Some(died)) = (cause_of_death, self.life.died) {
            let last_year = died.minus_days(YEAR).max(first);
            for day in self.every(20, YEAR, last_year) {
                let place = Place::Ward(self.days(cause.stay_days.max(4)));
                contacts.push(Contact {
                    day,
                    code: cause.code,
                    place,
                });
            }
        }
        contacts.sort_by_key(|contact| contact.day);
        contacts.dedup_by_key(|contact| contact.day);
        contacts
    }

    fn dispensings(&mut self, illnesses: &[Illness]) -> Vec<Dispensing> {
        let first = self.life.arrived.max(Day::first_of(CONTACTS_SINCE));
        let mut dispensings = Vec::new();
        for Illness { disease, onset } in illnesses {
            let Some(drug) = disease.drug else { continue };
            let (shortest, longest) = if disease.is_lasting {
                (YEAR / 2, 3 * YEAR)
            } else {
                (20 * YEAR, 40 * YEAR)
            };
            let begin = (*onset).max(first);
            let later = self.every(shortest, longest, begin);
            for day in std::iter::once(begin).chain(later) {
                if day < self.end {
                    let doses = self.dice.random_range(20..=120);
                    dispensings.push(Dispensing { day, drug, doses });
                }
            }
        }
        for day in self.every(4 * YEAR, 24 * YEAR, first) {
            let doses = self.dice.random_range(5..=15);
            dispensings.push(Dispensing {
                day,
                drug: ANTIBIOTIC,
                doses,
            });
        }
        dispensings.sort_by_key(|dispensing| dispensing.day);
        dispensings.dedup_by_key(|dispensing| dispensing.day);
        dispensings
    }

    /// Days after `begin` and before the end, from `shortest` to `longest` days apart.
    fn every(&mut self, shortest: u32, longest: u32, begin: Day) -> Vec<Day> {
        let mut days = Vec::new();
        // The first comes somewhere within a pause, as if there had been others before.
        let mut day = begin.plus_days(self.dice.random_range(1..longest));
        while day < self.end {
            days.push(day);
            day = day.plus_days(self.dice.random_range(shortest..longest));
        }
        days
    }

    /// Where a contact is; of those for a disease that may need a bed, one of `one_in` gets one.
    fn place(&mut self, stay_days: u16, one_in: u32) -> Place {
        let bed = self.dice.random_ratio(1, one_in);
        let hospital = self.dice.random_ratio(1, 2);
        let days = self.days(stay_days);
        if stay_days > 0 && bed {
            Place::Ward(days)
        } else if hospital {
            Place::Outpatient
        } else {
            Place::Municipality
        }
    }

    /// A length of stay with the mean `mean`; seldom a very long one.
    fn days(&mut self, mean: u16) -> u16 {
        let once = self.dice.random_range(0..=2 * mean);
        if self.dice.random_ratio(1, 50) {
            once * 5
        } else {
            once
        }
    }
}
