//! What a person's rows are in each view.

use jiff::civil::Date;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::super::folder::WriteError;
use super::super::{Record, Treatment};
use super::describe::{self, View};
use super::table::Value;
use crate::health::{Contact, Disease, History, Place};
use crate::population::{Day, Life, Person, Sex, traits};

/// How long after a treatment its result is asked for, in days; 0 is before it.
const FOLLOWED_UP_AFTER_DAYS: [u32; 4] = [0, 90, 365, 1826];

/// What a view is filled with; several fill one view, each at a register of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Persons,
    HospitalDiagnoses,
    MunicipalDiagnoses,
    HeartDiagnoses,
    InfectionDiagnoses,
    Stays,
    Prescriptions,
    Births,
    Deaths,
    Cancers,
    Treatments,
    Examinations,
}

/// Whom rows are about, and why the register has them.
pub(super) struct Subject<'a> {
    pub(super) person: &'a Person,
    pub(super) life: &'a Life,
    pub(super) history: &'a History,
    pub(super) record: &'a Record,
    pub(super) treatment: Option<&'a Treatment>,
    /// The first day of the register's views.
    pub(super) from: Day,
    /// The first day after them.
    pub(super) until: Day,
}

/// Takes the day and the own values of a row, if its view covers the day.
type PushCovered<'a> = &'a mut dyn FnMut(Option<Day>, &[Value<'_>]) -> Result<(), WriteError>;

/// Takes the values of a row, in the order of its view's variables.
type Push<'a> = &'a mut dyn FnMut(&[Value<'_>]) -> Result<(), WriteError>;

impl Content {
    pub(super) fn view(self) -> &'static View {
        match self {
            Self::Persons => &describe::PERSONS,
            Self::HospitalDiagnoses
            | Self::MunicipalDiagnoses
            | Self::HeartDiagnoses
            | Self::InfectionDiagnoses => &describe::DIAGNOSES,
            Self::Stays => &describe::STAYS,
            Self::Prescriptions => &describe::PRESCRIPTIONS,
            Self::Births => &describe::BIRTHS,
            Self::Deaths => &describe::DEATHS,
            Self::Cancers => &describe::CANCERS,
            Self::Treatments => &describe::TREATMENTS,
            Self::Examinations => &describe::EXAMINATIONS,
        }
    }

    /// Whether a register with such diagnoses hears of `contact`.
    fn hears_of(self, contact: &Contact) -> bool {
        match self {
            Self::HospitalDiagnoses => contact.place != Place::Municipality,
            Self::MunicipalDiagnoses => contact.place == Place::Municipality,
            Self::HeartDiagnoses => contact.code.starts_with('I'),
            Self::InfectionDiagnoses => contact.code.starts_with(['A', 'B']),
            _ => false,
        }
    }
}

/// Gives every row about `subject` in a view filled with `content` to `push`.
pub(super) fn each(
    content: Content,
    subject: &Subject<'_>,
    dice: &mut ChaCha8Rng,
    push: Push<'_>,
) -> Result<(), WriteError> {
    let of_person = subject.of_person();
    let covered = subject.from..subject.until;
    let mut row = |day: Option<Day>, own: &[Value<'_>]| {
        if day.is_none_or(|day| covered.contains(&day)) {
            push(&[own, of_person.as_slice()].concat())
        } else {
            Ok(())
        }
    };
    let history = subject.history;
    match content {
        Content::Persons => row(None, &[date(subject.record.since)]),
        Content::HospitalDiagnoses
        | Content::MunicipalDiagnoses
        | Content::HeartDiagnoses
        | Content::InfectionDiagnoses => {
            let mut contacts = history.contacts.iter();
            contacts.try_for_each(|contact| {
                if content.hears_of(contact) {
                    row(
                        Some(contact.day),
                        &[Value::Day(contact.day), Value::Code(contact.code)],
                    )
                } else {
                    Ok(())
                }
            })
        }
        Content::Stays => history.contacts.iter().try_for_each(|contact| {
            let Place::Ward(days) = contact.place else {
                return Ok(());
            };
            let own = [
                Value::Day(contact.day),
                Value::Code(contact.code),
                Value::Whole(days.into()),
            ];
            row(Some(contact.day), &own)
        }),
        Content::Prescriptions => history.dispensings.iter().try_for_each(|dispensing| {
            let own = [
                Value::Day(dispensing.day),
                Value::Code(dispensing.drug),
                Value::Whole(dispensing.doses.into()),
            ];
            row(Some(dispensing.day), &own)
        }),
        Content::Births => match subject.birth(dice) {
            Some(own) => row(Some(subject.life.born), &own),
            None => Ok(()),
        },
        Content::Deaths => match (subject.life.died, history.cause_of_death) {
            (Some(died), Some(cause)) => {
                let age = subject.years_old(died);
                row(
                    Some(died),
                    &[Value::Day(died), Value::Code(cause.code), Value::Whole(age)],
                )
            }
            _ => Ok(()),
        },
        Content::Cancers => {
            let mut day_before = None;
            for illness in &history.illnesses {
                // Of two cancers found on one day the register has one.
                if illness.disease.is_cancer() && day_before != Some(illness.onset) {
                    day_before = Some(illness.onset);
                    let own = [
                        Value::Day(illness.onset),
                        Value::Code(illness.disease.code),
                        Value::Code(subject.stage(illness.disease, dice)),
                        day(subject.life.died),
                        day(history.emigrated),
                    ];
                    row(Some(illness.onset), &own)?;
                }
            }
            Ok(())
        }
        Content::Treatments => subject.treatments(dice, &mut row),
        Content::Examinations => match subject.examination(dice) {
            Some((examined, own)) => row(Some(examined), &own),
            None => Ok(()),
        },
    }
}

impl Subject<'_> {
    fn of_person(&self) -> [Value<'static>; 3] {
        [
            Value::Code(match self.person.sex {
                Sex::Female => "female",
                Sex::Male => "male",
            }),
            Value::Whole(self.person.born.year().into()),
            Value::Code(self.person.municipality.number),
        ]
    }

    fn years_old(&self, day: Day) -> i32 {
        let days = day.number().saturating_sub(self.life.born.number());
        i32::try_from(days * 4 / 1461).unwrap_or(0)
    }

    /// The person's own birth; none of those who were born elsewhere.
    fn birth(&self, dice: &mut ChaCha8Rng) -> Option<[Value<'static>; 4]> {
        if self.life.arrived != self.life.born {
            return None;
        }
        let early = self.history.has("P07");
        let twin = self.life.has(traits::TWIN);
        let weeks = match (early, twin) {
            (true, _) => dice.random_range(24..=35),
            (false, true) => dice.random_range(35..=39),
            (false, false) => dice.random_range(37..=42),
        };
        let boy = if self.person.sex == Sex::Male { 110 } else { 0 };
        let weight = 3_450 + (weeks - 40) * 165 + boy + bell(dice, 900);
        let delivery = match dice.random_range(0..100) {
            0..10 => "instrumental",
            10..26 => "caesarean",
            _ => "spontaneous",
        };
        Some([
            Value::Day(self.life.born),
            Value::Whole(weight),
            Value::Whole(weeks),
            Value::Code(delivery),
        ])
    }

    /// How far a cancer had spread; those who die of it had it found later.
    fn stage(&self, cancer: &Disease, dice: &mut ChaCha8Rng) -> &'static str {
        let kills = self
            .history
            .cause_of_death
            .is_some_and(|cause| std::ptr::eq(cause, cancer));
        let (local, regional) = if kills { (15, 45) } else { (60, 90) };
        match dice.random_range(0..100) {
            roll if roll < local => "local",
            roll if roll < regional => "regional",
            _ => "distant",
        }
    }

    /// The treatment that the register follows up, and what the person says of its result
    /// before and after it.
    fn treatments(&self, dice: &mut ChaCha8Rng, row: PushCovered<'_>) -> Result<(), WriteError> {
        let Some(treatment) = self.treatment else {
            return Ok(());
        };
        let mut illnesses = self.history.illnesses.iter();
        let had = illnesses.find(|illness| std::ptr::eq(illness.disease, treatment.disease));
        let Some(illness) = had else { return Ok(()) };
        let unit = unit(self.person.municipality.number, dice);
        let base = 45 - self.years_old(illness.onset) / 8 + bell(dice, 25);
        for (asked, after) in (0..).zip(FOLLOWED_UP_AFTER_DAYS) {
            let day = illness.onset.plus_days(after);
            if day >= self.history.end || dice.random_ratio(asked, 6) {
                break;
            }
            let score = (base + 9 * asked.min(2).cast_signed() + bell(dice, 12)).clamp(0, 100);
            let is_answered = !dice.random_ratio(1, 12);
            let own = [
                Value::Day(day),
                Value::Code(&treatment.procedure),
                Value::Code(unit),
                if is_answered {
                    Value::Whole(score)
                } else {
                    Value::Missing
                },
            ];
            row(Some(day), &own)?;
        }
        Ok(())
    }

    /// What a survey measured, on the day on which somebody came into it.
    fn examination(&self, dice: &mut ChaCha8Rng) -> Option<(Day, [Value<'static>; 4])> {
        let examined = Day::of(self.record.since?);
        let years = self.years_old(examined).min(75);
        let smoking = match dice.random_range(0..10) {
            0..2 => "current",
            2..5 => "former",
            _ => "never",
        };
        let heavy = self.history.has("E66") || self.history.has("E11");
        let tense = self.history.has("I10");
        let bmi = 210 + years + if heavy { 60 } else { 0 } + bell(dice, 60);
        let systolic = 105 + years / 2 + if tense { 22 } else { 0 } + bell(dice, 22);
        let own = [
            Value::Day(examined),
            Value::Code(smoking),
            Value::Real(f64::from(bmi) / 10.0),
            Value::Whole(systolic),
        ];
        Some((examined, own))
    }
}

/// Where somebody from `municipality` is treated: mostly near home.
fn unit(municipality: &str, dice: &mut ChaCha8Rng) -> &'static str {
    let near = match municipality.get(..2) {
        Some("91") => "sentralsykehuset",
        Some("92") => "innlandssykehuset",
        Some("93") => "fjordsykehuset",
        Some("94") => "midtsykehuset",
        _ => "nordsykehuset",
    };
    if dice.random_ratio(1, 8) {
        "sentralsykehuset"
    } else {
        near
    }
}

/// A number about 0, most often near it and never further than `reach`.
fn bell(dice: &mut ChaCha8Rng, reach: i32) -> i32 {
    let mut sum = 0;
    for _ in 0..3 {
        sum += dice.random_range(-reach..=reach);
    }
    sum / 3
}

fn date<'a>(date: Option<Date>) -> Value<'a> {
    day(date.map(Day::of))
}

fn day<'a>(day: Option<Day>) -> Value<'a> {
    day.map_or(Value::Missing, Value::Day)
}
