//! Who is in which register, since when, and what they have said about it.
//!
//! A person's records are a function of the seed and the person: they are computed when asked
//! for and kept nowhere, so that a million people need no memory for ten million records. How
//! likely somebody is in a register follows from its estimated size and from how many people
//! could be in it, which is counted on a sample.

use innsyn_policy::LegalBasis;
use jiff::civil::Date;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{INHABITANTS, Layout, Register, Registers, Who};
use crate::population::{Day, Life, Population, Topic, dice, traits};

/// How many people the chances are measured on.
const SAMPLE_PERSONS: u32 = 8_192;
/// However small the register, so many of the population are expected in it.
const MEMBERS_MIN: f64 = 12.0;
/// Nobody is in a register for certain, except where the rule itself says so.
const CHANCE_MAX: f64 = 0.99;
/// The sizes come to 10.7 (person, register) pairs for each living person. Five registers have no
/// rows here; the registers that only some people are in make up for them by this factor.
const DENSITY: f64 = 1.35;

/// A person in a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which register: its place in the list.
    pub register: usize,
    /// In it, or deleted from it.
    pub status: Status,
    /// The day of the first registration, where the register gives it.
    pub since: Option<Date>,
    /// The day of the last change, where the register gives it.
    pub last_changed: Option<Date>,
    /// What the person has said.
    pub settings: Vec<SettingRow>,
}

/// Whether somebody is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In the register.
    Registered,
    /// Deleted from it.
    Deleted,
}

/// A row of a register's settings table, as text: not every one has a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// `consent`, `reservation`, `block`, or something undefined.
    pub kind: &'static str,
    /// The purpose; empty for every secondary use.
    pub purpose: &'static str,
    /// The first day.
    pub from: Date,
    /// The day on which it ended.
    pub until: Option<Date>,
}

/// Says who is in which register.
#[derive(Debug)]
pub struct Memberships {
    seed: u64,
    as_of: Day,
    chances: Vec<f64>,
}

/// The days on which somebody may have come into a register, both included.
#[derive(Debug, Clone, Copy)]
struct Window {
    first: Day,
    last: Day,
}

impl Memberships {
    /// Measures `population` and sets the chances so that each of `registers` gets its size.
    pub fn of(population: &Population, registers: &Registers) -> Self {
        let spec = population.spec();
        let as_of = Day::of(spec.as_of);
        let step = (population.everyone() / SAMPLE_PERSONS).max(1);
        let mut sample: Vec<(&Life, ChaCha8Rng, Vec<Option<Day>>)> = (0..population.everyone())
            .step_by(step as usize)
            .filter_map(|number| {
                let dice = dice(spec.seed, Topic::Registers, number);
                Some((population.life(number)?, dice, Vec::new()))
            })
            .collect();
        let mut chances = Vec::with_capacity(registers.len());
        for register in registers.iter() {
            let may: Vec<Option<Window>> = sample
                .iter()
                .map(|(life, _, since)| window(register, life, since, as_of))
                .collect();
            let eligible = may.iter().flatten().count();
            let chance = chance(register, population, eligible, f64::from(step));
            for ((_, dice, since), window) in sample.iter_mut().zip(may) {
                since.push(window.and_then(|window| joins(register, chance, window, dice)));
            }
            chances.push(chance);
        }
        Self {
            seed: spec.seed,
            as_of,
            chances,
        }
    }

    /// What person `number` has in each of `registers`, in their order.
    pub fn records_of(
        &self,
        population: &Population,
        registers: &Registers,
        number: u32,
    ) -> Vec<Record> {
        let Some(life) = population.life(number) else {
            return Vec::new();
        };
        let mut joining = dice(self.seed, Topic::Registers, number);
        let mut story = dice(self.seed, Topic::Records, number);
        let mut since = Vec::with_capacity(registers.len());
        let mut records = Vec::new();
        for (index, (register, chance)) in registers.iter().zip(&self.chances).enumerate() {
            let joined = window(register, life, &since, self.as_of)
                .and_then(|window| joins(register, *chance, window, &mut joining));
            since.push(joined);
            if let Some(joined) = joined
                && register.holds_identities()
            {
                records.extend(record(index, register, joined, self.as_of, &mut story));
            }
        }
        records
    }
}

/// When `life` could have come into `register`, or `None` if never. `since` says when it came
/// into the registers further up.
fn window(register: &Register, life: &Life, since: &[Option<Day>], as_of: Day) -> Option<Window> {
    let rule = &register.rule;
    let fits = rule.sex.is_none_or(|sex| sex == life.sex)
        && rule
            .region
            .is_none_or(|region| region == life.municipality().region)
        && !life.has(traits::NOWHERE);
    if !fits {
        return None;
    }
    let (youngest, oldest) = rule.ages;
    let opened = Day::first_of(register.year_started);
    let within = match rule.within {
        Some(index) => (*since.get(index)?)?,
        None => opened,
    };
    let end = life.died.unwrap_or(as_of);
    let window = match rule.who {
        Who::Everyone | Who::Twins => {
            if rule.who == Who::Twins && !life.has(traits::TWIN) {
                return None;
            }
            let grown = life.born.plus_years(youngest);
            Window {
                first: grown.max(life.arrived).max(opened).max(within),
                last: end.min(life.born.plus_years(oldest + 1)),
            }
        }
        Who::Dead => Window {
            first: life.died?.max(opened),
            last: life.died?.max(opened).plus_days(90).min(as_of),
        },
        Who::Births => {
            let born_here = (life.arrived == life.born).then_some(life.born);
            // A register for newborns (no age but the first year) is not about their parents.
            let child = life.first_child.filter(|_| oldest > 0);
            let day = [born_here, child]
                .into_iter()
                .flatten()
                .filter(|day| *day >= opened && *day <= as_of)
                .min()?;
            Window {
                first: day.max(within),
                last: day.max(within),
            }
        }
    };
    (window.first <= window.last).then_some(window)
}

/// How likely a person who may be in `register` is in it.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of people, far below 2^52"
)]
fn chance(register: &Register, population: &Population, eligible: usize, step: f64) -> f64 {
    let share = f64::from(register.persons_estimated) / INHABITANTS;
    let density = if share < 0.5 && register.rule.who == Who::Everyone {
        DENSITY
    } else {
        1.0
    };
    let wanted = (share * density * f64::from(population.living())).max(MEMBERS_MIN);
    let could = (eligible.max(1) as f64) * step;
    (wanted / could).min(CHANCE_MAX)
}

/// The day on which a person came into `register`, or `None` if it never happened. Rolls the
/// same number of dice either way.
fn joins(register: &Register, chance: f64, window: Window, dice: &mut ChaCha8Rng) -> Option<Day> {
    let roll: f64 = dice.random();
    let day = dice.random_range(window.first.number()..=window.last.number());
    if roll >= chance {
        return None;
    }
    // Whatever takes in nearly everybody does so at the first opportunity.
    let at_once = f64::from(register.persons_estimated) / INHABITANTS > 0.5;
    let first = window.first.number();
    Some(Day::new(if at_once {
        first + (day - first) % 365
    } else {
        day
    }))
}

/// What the register keeps of somebody who came into it on `joined`; `None` where it has
/// forgotten them.
fn record(
    index: usize,
    register: &Register,
    joined: Day,
    as_of: Day,
    dice: &mut ChaCha8Rng,
) -> Option<Record> {
    let consent = register.policy.legal_basis == LegalBasis::Consent;
    let deleted = dice.random_ratio(if consent { 20 } else { 4 }, 1000);
    let gives_since = dice.random_ratio(97, 100);
    let gives_change = dice.random_ratio(9, 10);
    let changed =
        Day::new(dice.random_range(joined.number()..=as_of.number().max(joined.number())));
    let status = if deleted {
        Status::Deleted
    } else {
        Status::Registered
    };
    let bare = register.layout == Layout::ParquetBare;
    if bare && deleted {
        return None;
    }
    Some(Record {
        register: index,
        status,
        since: (gives_since && !bare).then(|| joined.date()),
        last_changed: (gives_change && !bare).then(|| changed.date()),
        settings: settings(register, deleted, joined, changed, dice),
    })
}

/// What a person has said about the use of their data in `register`.
fn settings(
    register: &Register,
    deleted: bool,
    joined: Day,
    changed: Day,
    dice: &mut ChaCha8Rng,
) -> Vec<SettingRow> {
    let row = |kind, purpose, from: Day, until: Option<Day>| SettingRow {
        kind,
        purpose,
        from: from.date(),
        until: until.map(Day::date),
    };
    let mut rows = Vec::new();
    match register.policy.legal_basis {
        LegalBasis::Consent => {
            let withdrawn = deleted || dice.random_ratio(4, 100);
            rows.push(row("consent", "", joined, withdrawn.then_some(changed)));
        }
        LegalBasis::Reservation | LegalBasis::MandatoryWithReservation => {
            if dice.random_ratio(2, 100) {
                let purpose = if dice.random_ratio(1, 2) {
                    "research"
                } else {
                    ""
                };
                rows.push(row("reservation", purpose, changed, None));
            }
        }
        LegalBasis::Mandatory | LegalBasis::Pseudonymous | LegalBasis::Deidentified => {}
    }
    if dice.random_ratio(3, 1000) {
        rows.push(row("block", "", changed, None));
    }
    // Nobody knows any more what these once meant.
    if dice.random_ratio(1, 2000) {
        rows.push(row("gammel-kode-7", "", joined, None));
    }
    rows
}
