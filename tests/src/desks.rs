//! Release desks that no production gateway has, for tests that must see what the real one hides.

use innsyn_broker::research::desk::{
    Cell, Clip, Counted, Domain, Number, Reason, ReleaseError, ReleasedTable, Rules, Value,
};
use innsyn_broker::research::merge::{ExactTable, Moments};

/// Shows every cell that holds somebody, exactly.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a release desk may refuse a table, and this one refuses none"
)]
pub(crate) fn exact(
    exact: &ExactTable,
    _domains: &[Domain],
    _rules: Rules,
    clips: &[Clip],
) -> Result<ReleasedTable, ReleaseError> {
    let totals = exact.cells().keys().filter_map(|key| {
        let total = exact.total(key)?;
        let numbers = clips.iter().zip(&total.moments);
        let cell = Cell {
            persons: total.persons,
            events: total.events,
            numbers: numbers.map(|(clip, sums)| number(*sums, *clip)).collect(),
        };
        Some((key.clone(), Value::Shown(cell)))
    });
    Ok(ReleasedTable {
        counted: if exact.shape().persons_shared {
            Counted::Registrations
        } else {
            Counted::Persons
        },
        period: exact.shape().period,
        cells: totals.collect(),
    })
}

/// Hides cells of few persons and rounds the others, and protects nothing of what is hidden. Shows
/// no sums.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a release desk may refuse a table, and this one refuses none"
)]
pub(crate) fn unchecked(
    exact: &ExactTable,
    _domains: &[Domain],
    rules: Rules,
    clips: &[Clip],
) -> Result<ReleasedTable, ReleaseError> {
    let shared = exact.shape().persons_shared;
    let cells = exact.cells().iter().filter_map(|(key, parts)| {
        let total = exact.total(key)?;
        let largest = parts.values().map(|part| part.persons).max()?;
        let persons = if shared { largest } else { total.persons };
        let cell = if persons < rules.k() {
            Value::Hidden(Reason::Few)
        } else {
            Value::Shown(Cell {
                persons: rules.rounded(total.persons),
                events: rules.rounded(total.events),
                numbers: vec![Value::Hidden(Reason::Few); clips.len()],
            })
        };
        Some((key.clone(), cell))
    });
    Ok(ReleasedTable {
        counted: if shared {
            Counted::Registrations
        } else {
            Counted::Persons
        },
        period: exact.shape().period,
        cells: cells.collect(),
    })
}

fn number(moments: Moments, clip: Clip) -> Value<Number> {
    let Some(mean) = moments.mean(clip.centre) else {
        return Value::Hidden(Reason::Few);
    };
    Value::Shown(Number {
        mean,
        sum: moments.sum(clip.centre),
        variance: moments.variance().unwrap_or(f64::NAN),
    })
}
