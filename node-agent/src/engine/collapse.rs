//! Events become one row per person, or per person and period.
//!
//! Accumulators are indexed by the person's place in the span and the period: a *slot* is
//! `person * periods + period`. Everything here is a count, an exact sum, a least value or the
//! least or greatest row, so the order in which rows come does not matter.

use std::cmp::Ordering;
use std::ops::Range;

use super::kept::Kept;
use super::moments::Sums;
use super::month::{NO_DAY, month_of};
use super::plan::{Plan, Rows as Pick};
use super::scan::{Rows, Values, chosen, keep};
use super::words::Words;

/// Days whose period is not computed anew for each row: some three hundred years.
const LISTED_DAYS_MAX: usize = 100_000;
/// Slots that are looked at together: one bit for each.
const LOOKED_AT_ONCE: usize = 64;
/// No slot.
const NO_SLOT: u32 = u32::MAX;

/// The rows of the persons of one span.
#[derive(Debug)]
pub(super) struct Collapse<'a> {
    plan: &'a Plan<'a>,
    periods: usize,
    /// The periods of the first days that the view covers; empty without periods.
    period_of_day: Vec<u32>,
    /// The slot of each of the rows chosen last; empty without periods, when it is the person.
    slots: Vec<u32>,
    /// By slot, how many events; empty where one event makes the row.
    events: Vec<u32>,
    /// By slot, the day of the event that makes the row; empty where all events do.
    days: Vec<i32>,
    /// As in [`Plan::kept`]; by person where all events make the row, otherwise by slot.
    kept: Vec<Kept>,
    /// As in [`Plan::added`], by slot.
    added: Vec<AddedSums>,
}

/// Sums of a person's events.
#[derive(Debug)]
struct AddedSums {
    values: Vec<u32>,
    sums: Vec<i128>,
    /// Empty where no squares are asked for.
    squares: Vec<i128>,
}

/// Someone's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) at: usize,
    /// The place of the row's values in each of the kept.
    pub(super) kept_at: usize,
    /// Which period, counted from the first.
    pub(super) period: usize,
    pub(super) events: u64,
}

impl<'a> Collapse<'a> {
    /// What a person takes, in bytes.
    pub(super) fn bytes_per_person(plan: &Plan<'_>) -> usize {
        let periods = plan.periods.map_or(1, |periods| periods.count);
        let kept: usize = plan
            .kept
            .iter()
            .map(|at| Kept::value_bytes(plan, *at))
            .sum();
        let by_slot = match plan.rows {
            Pick::Together => {
                let added = plan.added.iter().map(|added| {
                    let sums = if added.with_squares { 2 } else { 1 };
                    size_of::<u32>() + sums * size_of::<i128>()
                });
                size_of::<u32>() + added.sum::<usize>()
            }
            Pick::First | Pick::Last => size_of::<i32>() + kept,
        };
        let by_person = if plan.rows == Pick::Together { kept } else { 0 };
        periods.saturating_mul(by_slot).saturating_add(by_person)
    }

    /// Most persons whose slots have numbers.
    pub(super) fn persons_max(plan: &Plan<'_>) -> usize {
        let periods = plan.periods.map_or(1, |periods| periods.count);
        (NO_SLOT as usize) / periods.max(1)
    }

    /// No rows yet of the persons of `span`.
    pub(super) fn new(plan: &'a Plan<'a>, span: &Range<u32>) -> Self {
        let periods = plan.periods.map_or(1, |periods| periods.count);
        let persons = span.len();
        let slots = persons * periods;
        let is_together = plan.rows == Pick::Together;
        let (counts, days) = if is_together { (slots, 0) } else { (0, slots) };
        let places = if is_together { persons } else { slots };
        let added = plan.added.iter().map(|added| AddedSums {
            values: vec![0; slots],
            sums: vec![0; slots],
            squares: vec![0; if added.with_squares { slots } else { 0 }],
        });
        Self {
            plan,
            periods,
            period_of_day: period_of_day(plan),
            slots: Vec::new(),
            events: vec![0; counts],
            days: vec![NO_DAY; days],
            kept: plan
                .kept
                .iter()
                .map(|at| Kept::new(plan, *at, places))
                .collect(),
            added: added.collect(),
        }
    }

    /// Drops those of `rows` that change nothing: events of no period, and where one event makes the
    /// row, those that come after it, or before. The slots of the others are kept for [`Self::add`].
    pub(super) fn choose(&mut self, rows: &mut Rows) {
        let mut slots = std::mem::take(&mut self.slots);
        if self.plan.periods.is_some() {
            slots.clear();
            let of_rows = rows.persons().iter().zip(self.days_of(rows));
            slots.extend(of_rows.map(|(person, day)| self.slot_of(*person, *day)));
        }
        // A day is compared with the one that is kept, of which there is none at first.
        let chosen = match self.plan.rows {
            Pick::Together if slots.is_empty() => None,
            Pick::Together => Some(chosen(slots.iter().map(|slot| *slot != NO_SLOT))),
            Pick::First => {
                Some(self.chosen(rows, &slots, |day, kept| day <= kept || kept == NO_DAY))
            }
            Pick::Last => Some(self.chosen(rows, &slots, |day, kept| day >= kept)),
        };
        if let Some(chosen) = chosen {
            rows.keep(&chosen);
            keep(&mut slots, &chosen);
        }
        self.slots = slots;
    }

    /// The slot of an event of `person` at `day`, if it is in one of the periods.
    fn slot_of(&self, person: u32, day: i32) -> u32 {
        let slot = self.period_of(day).and_then(|period| {
            let slot = person as usize * self.periods + period;
            u32::try_from(slot).ok()
        });
        slot.unwrap_or(NO_SLOT)
    }

    /// Which of `rows` may make persons' rows: those with a slot, of which `may` is true of their
    /// day and the one kept, of which there is none at first.
    fn chosen(&self, rows: &Rows, slots: &[u32], may: impl Fn(i32, i32) -> bool) -> Vec<u32> {
        let slots = self.slots(rows, slots);
        let kept = |slot: &u32| self.days.get(*slot as usize).copied();
        if self.plan.counted.covered.is_none() {
            // Persons have no day, and of theirs all are equal.
            return chosen(slots.iter().map(|slot| kept(slot).is_some()));
        }
        let days = self.days_of(rows).iter().zip(slots);
        chosen(days.map(|(day, slot)| kept(slot).is_some_and(|kept| may(*day, kept))))
    }

    /// The slot of each of `rows`.
    fn slots<'r>(&self, rows: &'r Rows, by_period: &'r [u32]) -> &'r [u32] {
        if self.plan.periods.is_some() {
            by_period
        } else {
            rows.persons()
        }
    }

    /// Takes in `rows`, which are those that were chosen last.
    pub(super) fn add(&mut self, rows: &Rows, words: &Words) {
        let by_period = std::mem::take(&mut self.slots);
        let slots = self.slots(rows, &by_period);
        match self.plan.rows {
            Pick::Together => self.add_all(rows, slots, words),
            Pick::First => self.pick(rows, slots, words, Ordering::Less),
            Pick::Last => self.pick(rows, slots, words, Ordering::Greater),
        }
        self.slots = by_period;
    }

    /// Which period `day` is in, counted from the first.
    fn period_of(&self, day: i32) -> Option<usize> {
        let (_, covered) = self.plan.counted.covered.as_ref()?;
        // INVARIANT: a scan gives only days that the view covers.
        let at = usize::try_from(day.checked_sub(*covered.start())?).ok()?;
        match self.period_of_day.get(at) {
            Some(period) => Some(*period as usize),
            None => period_of(self.plan, day),
        }
    }

    /// The days of the rows' events; none in a view of persons.
    fn days_of<'r>(&self, rows: &'r Rows) -> &'r [i32] {
        let covered = self.plan.counted.covered.as_ref();
        let column = covered.and_then(|(column, _)| rows.column(*column));
        column.map(Values::days).unwrap_or_default()
    }

    fn add_all(&mut self, rows: &Rows, slots: &[u32], words: &Words) {
        for slot in slots {
            if let Some(events) = self.events.get_mut(*slot as usize) {
                *events += 1;
            }
        }
        for (kept, column) in self.kept.iter_mut().zip(&self.plan.kept) {
            if let Some(values) = rows.column(*column) {
                kept.keep_least(rows.persons(), values, words);
            }
        }
        for (sums, added) in self.added.iter_mut().zip(&self.plan.added) {
            let values = rows.column(added.column);
            let values = values.map(Values::numbers).unwrap_or_default();
            for (value, slot) in values.iter().zip(slots) {
                if !value.is_nan() {
                    sums.add(*slot as usize, added.scale.units_of(*value));
                }
            }
        }
    }

    /// Keeps the row that is `wanted` compared with the one kept: by day, and on the same day by
    /// the kept values in the order of the catalogue, a missing one being the least.
    fn pick(&mut self, rows: &Rows, slots: &[u32], words: &Words, wanted: Ordering) {
        let days = self.days_of(rows);
        let columns = self.plan.kept.iter();
        let columns: Vec<_> = columns.filter_map(|at| rows.column(*at)).collect();
        for (at, slot) in slots.iter().enumerate() {
            let slot = *slot as usize;
            // Persons have no day, and of theirs all are equal.
            let day = days.get(at).copied().unwrap_or(0);
            let Some(kept_day) = self.days.get_mut(slot) else {
                continue;
            };
            let is_better = *kept_day == NO_DAY || {
                let by_value = || {
                    let pairs = self.kept.iter().zip(&columns);
                    let mut orders =
                        pairs.map(|(kept, values)| kept.compare(slot, values, at, words));
                    orders
                        .find(|order| order.is_ne())
                        .unwrap_or(Ordering::Equal)
                };
                day.cmp(kept_day).then_with(by_value) == wanted
            };
            if is_better {
                *kept_day = day;
                for (kept, values) in self.kept.iter_mut().zip(&columns) {
                    kept.put(slot, values, at);
                }
            }
        }
    }

    /// The rows of all persons: by person, counted from the first of the span, and period.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, Slot)> + '_ {
        // One of the two lists is empty.
        let slots = self.events.len() + self.days.len();
        (0..slots).step_by(LOOKED_AT_ONCE).flat_map(move |from| {
            let some = from..slots.min(from + LOOKED_AT_ONCE);
            let together = self.events.get(some.clone()).unwrap_or_default().iter();
            let picked = self.days.get(some).unwrap_or_default().iter();
            let present =
                bits(together.map(|events| *events > 0)) | bits(picked.map(|day| *day != NO_DAY));
            ones(present).map(move |at| self.slot(from + at))
        })
    }

    /// The slot at place `at`, which has a row, and whose it is.
    fn slot(&self, at: usize) -> (usize, Slot) {
        let (person, period) = match self.periods {
            1 => (at, 0),
            periods => (at / periods, at % periods),
        };
        let (kept_at, events) = match self.events.get(at) {
            Some(events) => (person, (*events).into()),
            None => (at, 1),
        };
        let slot = Slot {
            at,
            kept_at,
            period,
            events,
        };
        (person, slot)
    }

    /// The values of place `at` of [`Plan::kept`].
    pub(super) fn kept(&self, at: usize) -> Option<&Kept> {
        self.kept.get(at)
    }

    /// The sums of place `added` of [`Plan::added`] over the events of `slot`.
    pub(super) fn sums(&self, added: usize, slot: &Slot) -> Sums {
        self.added
            .get(added)
            .map_or_else(Sums::default, |sums| Sums {
                values: sums.values.get(slot.at).copied().unwrap_or_default().into(),
                sum: sums.sums.get(slot.at).copied().unwrap_or_default(),
                squares: sums.squares.get(slot.at).copied().unwrap_or_default(),
            })
    }
}

/// The period of each day that the view covers, unless there are very many.
fn period_of_day(plan: &Plan<'_>) -> Vec<u32> {
    let covered = plan
        .counted
        .covered
        .iter()
        .flat_map(|(_, days)| days.clone());
    let days = covered.take(if plan.periods.is_some() {
        LISTED_DAYS_MAX
    } else {
        0
    });
    let periods = days.map_while(|day| u32::try_from(period_of(plan, day)?).ok());
    periods.collect()
}

/// The period that `day` is in, counted from the first.
fn period_of(plan: &Plan<'_>, day: i32) -> Option<usize> {
    let periods = plan.periods?;
    let period = (month_of(day) - periods.first).div_euclid(periods.months);
    usize::try_from(period)
        .ok()
        .filter(|at| *at < periods.count)
}

/// One bit for each of at most 64, the first the least.
fn bits(each: impl Iterator<Item = bool>) -> u64 {
    let places = each.enumerate();
    places.fold(0, |bits, (at, is_one)| bits | u64::from(is_one) << at)
}

/// The places of the bits that are one.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (at < LOOKED_AT_ONCE).then_some(at)
    })
}

impl AddedSums {
    fn add(&mut self, slot: usize, units: i64) {
        if let Some(values) = self.values.get_mut(slot) {
            *values += 1;
        }
        if let Some(sum) = self.sums.get_mut(slot) {
            *sum += i128::from(units);
        }
        if let Some(squares) = self.squares.get_mut(slot) {
            *squares += i128::from(units) * i128::from(units);
        }
    }
}
