//! One register's answer, read strictly: what does not fit the question is no answer at all.
//!
//! What holds: a [`Counted`] has the dimensions and variables of its [`Plan`], no cell twice, no
//! number that could not be true of the persons in its cell. A register can still count falsely;
//! here it is only kept from breaking what the release desk relies on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use innsyn_proto::wire::node::v1 as wire;
use wire::category::Category as Told;
use wire::measured::Measured;

use super::desk::{CELLS_MAX, Clip};
use super::merge::{Category, EVENTS_MAX, Key, Moments, PERSONS_MAX, Partial};
use super::plan::{Axis, Events, Measure, Plan, Spread};

#[cfg(test)]
mod tests;

/// How far a sum of floating-point numbers may be beyond what it could be, as a share.
const ROUNDING: f64 = 1e-9;

/// What one register counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counted {
    pub(super) table: BTreeMap<Key, Partial>,
    /// Names the data that were counted.
    pub(super) snapshot: [u8; 32],
}

/// Why an answer is none. Tells nothing of what it held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PartError {
    #[error("there are more than {CELLS_MAX} cells")]
    TooManyCells,
    #[error("a cell's key does not have the query's dimensions")]
    Key,
    #[error("a cell's key is there twice")]
    Twice,
    #[error("a cell's measures are not those of the query")]
    Measures,
    #[error("a cell has a number that cannot be true")]
    Impossible,
    #[error("the name of the snapshot is not 32 bytes")]
    Snapshot,
    #[error("the entry in the log of use is not named by 32 bytes")]
    UseLogLeaf,
}

/// Reads `part` as an answer to the query of `plan`.
pub(super) fn read(part: &wire::Part, plan: &Plan) -> Result<Counted, PartError> {
    let snapshot = <[u8; 32]>::try_from(part.snapshot.as_ref());
    let snapshot = snapshot.map_err(|_| PartError::Snapshot)?;
    if part.use_log_leaf.len() != 32 {
        return Err(PartError::UseLogLeaf);
    }
    if part.cells.len() > CELLS_MAX {
        return Err(PartError::TooManyCells);
    }
    let mut table = BTreeMap::new();
    for cell in &part.cells {
        for (key, partial) in read_cell(cell, plan)? {
            match table.entry(key) {
                Entry::Occupied(_) => return Err(PartError::Twice),
                Entry::Vacant(place) => place.insert(partial),
            };
        }
    }
    Ok(Counted { table, snapshot })
}

/// The cell, or the cells that its histogram or life table divides it into.
fn read_cell(cell: &wire::Cell, plan: &Plan) -> Result<Vec<(Key, Partial)>, PartError> {
    if cell.key.len() != plan.axes.len() {
        return Err(PartError::Key);
    }
    let axes = cell.key.iter().zip(&plan.axes);
    let key = axes.map(|(told, axis)| category(told, axis));
    let key = key.collect::<Result<Key, _>>()?;
    let (persons, events) = (cell.persons, cell.events);
    let events_fit = match plan.events {
        Events::None => true,
        Events::OneEach => events == persons,
        Events::Many => events >= persons,
    };
    if !(1..=PERSONS_MAX).contains(&persons) || events > EVENTS_MAX || !events_fit {
        return Err(PartError::Impossible);
    }
    if cell.measures.len() != plan.measures.len() {
        return Err(PartError::Measures);
    }
    let measured = cell.measures.iter().map(|m| m.measured.as_ref());
    let measured = plan.measures.iter().zip(measured);
    let mut moments: Vec<Option<Moments>> = vec![None; plan.summed.len()];
    for (measure, measured) in measured {
        match (measure, measured) {
            (Measure::Persons | Measure::Events, Some(Measured::Counted(_))) => {}
            (Measure::Sum(at) | Measure::Mean(at), Some(Measured::Moments(sent)))
                if sent.squares.is_none() =>
            {
                take(&mut moments, *at, sent, persons, plan)?;
            }
            (Measure::Variance(at), Some(Measured::Moments(sent))) if sent.squares.is_some() => {
                take(&mut moments, *at, sent, persons, plan)?;
            }
            (Measure::Spread, Some(measured)) => {
                let spread = plan.spread.as_ref().ok_or(PartError::Measures)?;
                return divided(&key, persons, spread, measured);
            }
            _ => return Err(PartError::Measures),
        }
    }
    let partial = Partial {
        persons,
        events: match plan.events {
            Events::None => 0,
            Events::OneEach | Events::Many => events,
        },
        moments: moments.into_iter().map(Option::unwrap_or_default).collect(),
    };
    Ok(vec![(key, partial)])
}

fn category(told: &wire::Category, axis: &Axis) -> Result<Category, PartError> {
    match (told.category.as_ref().ok_or(PartError::Key)?, axis) {
        (Told::Missing(_), _) => Ok(Category::Missing),
        (Told::Code(code), Axis::Code { characters })
            if code.chars().count() <= *characters && !code.chars().any(char::is_control) =>
        {
            Ok(Category::Code(code.as_str().into()))
        }
        (Told::Band(band), Axis::Bands { begins }) if *band as usize <= begins.len() => {
            Ok(Category::Number((*band).into()))
        }
        (
            Told::FirstMonth(month),
            Axis::Periods {
                months,
                first_months,
            },
        ) if month.rem_euclid(*months) == 0
            && first_months
                .as_ref()
                .is_none_or(|known| known.contains(month)) =>
        {
            Ok(Category::Number((*month).into()))
        }
        _ => Err(PartError::Key),
    }
}

/// Takes the moments of variable `at`. Several measures of one variable must agree.
fn take(
    moments: &mut [Option<Moments>],
    at: usize,
    sent: &wire::Moments,
    persons: u64,
    plan: &Plan,
) -> Result<(), PartError> {
    let (Some(place), Some(summed)) = (moments.get_mut(at), plan.summed.get(at)) else {
        return Err(PartError::Measures);
    };
    if !is_possible(sent, persons, summed.clip) {
        return Err(PartError::Impossible);
    }
    let mut sent = Moments {
        n: sent.values,
        s: sent.sum,
        q: sent.squares.unwrap_or_default(),
    };
    if let Some(known) = place {
        if known.n != sent.n || known.s.to_bits() != sent.s.to_bits() {
            return Err(PartError::Impossible);
        }
        sent.q = sent.q.max(known.q);
    }
    *place = Some(sent);
    Ok(())
}

/// Whether these can be the moments of at most `persons` values within the bounds.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of persons are far below 2^52"
)]
fn is_possible(sent: &wire::Moments, persons: u64, clip: Clip) -> bool {
    let (n, slack) = (sent.values as f64, 1.0 + ROUNDING);
    let (below, above) = (clip.from - clip.centre, clip.to - clip.centre);
    let reach = below.abs().max(above.abs());
    let unit = reach * ROUNDING * n;
    let squares_fit = sent.squares.is_none_or(|squares| {
        // No sum of squares is below that of as many equal values (Cauchy and Schwarz).
        let least = sent.sum * sent.sum / n.max(1.0);
        squares * slack >= least - unit * reach && squares <= n * reach * reach * slack
    });
    sent.values <= persons
        && sent.sum.is_finite()
        && (n * below - unit..=n * above + unit).contains(&sent.sum)
        && squares_fit
}

/// A cell's persons along the dimension that its measure is.
fn divided(
    key: &Key,
    persons: u64,
    spread: &Spread,
    measured: &Measured,
) -> Result<Vec<(Key, Partial)>, PartError> {
    let counts: Vec<u64> = match (spread, measured) {
        (Spread::Histogram { bins, .. }, Measured::Histogram(sent))
            if sent.persons.len() == *bins =>
        {
            sent.persons.clone()
        }
        (Spread::LifeTable { steps }, Measured::LifeTable(sent))
            if sent.events.len() == *steps && sent.left.len() == *steps =>
        {
            let of_steps = sent.events.iter().zip(&sent.left);
            of_steps
                .flat_map(|(event, left)| [*event, *left])
                .chain([sent.beyond])
                .collect()
        }
        _ => return Err(PartError::Measures),
    };
    // Who is in no bin and no step has no value there.
    let elsewhere = counts
        .iter()
        .try_fold(persons, |left, count| left.checked_sub(*count))
        .ok_or(PartError::Impossible)?;
    let numbers = (0..).map(Category::Number);
    let cells = numbers
        .zip(counts)
        .chain([(Category::Missing, elsewhere)])
        .filter(|(_, persons)| *persons > 0)
        .map(|(category, persons)| {
            let mut key = key.clone();
            key.push(category);
            let partial = Partial {
                persons,
                events: 0,
                moments: Vec::new(),
            };
            (key, partial)
        });
    Ok(cells.collect())
}
