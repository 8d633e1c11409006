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
