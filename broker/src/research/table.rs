//! What the release desk lets go, as it travels.

use innsyn_proto::wire::research::v1 as wire;
use wire::value::Value as Shown;

use super::desk::{Cell, Reason, ReleasedTable, Value};
use super::merge::Key;
use super::plan::{Measure, Plan};

/// The rows of `released`, with the columns of `plan`.
pub(super) fn rows(released: &ReleasedTable, plan: &Plan) -> Vec<wire::Row> {
    let cells = released.cells.iter();
    cells
        .map(|(key, cell)| {
            let measures = plan.measures.iter().map(|measure| measured(cell, *measure));
            wire::Row {
                values: labels(key, plan)
                    .into_iter()
                    .map(|text| text.map(Shown::Text))
                    .chain(measures.map(Some))
                    .map(|value| wire::Value { value })
                    .collect(),
            }
        })
        .collect()
}

/// A text for each column of a dimension; none where the value is missing.
fn labels(key: &Key, plan: &Plan) -> Vec<Option<String>> {
    let axes = plan.axes.iter().zip(key);
    let mut labels: Vec<_> = axes.map(|(axis, category)| axis.label(category)).collect();
    if let (Some(spread), Some(category)) = (&plan.spread, key.get(plan.axes.len())) {
        labels.extend(spread.labels(category));
    }
    labels
}

fn measured(cell: &Value<Cell>, measure: Measure) -> Shown {
    let cell = match cell {
        Value::Shown(cell) => cell,
        Value::Hidden(reason) => return hidden(*reason),
    };
    let number = |at: usize| cell.numbers.get(at).copied();
    match measure {
        Measure::Persons | Measure::Spread => Shown::Count(cell.persons),
        Measure::Events => Shown::Count(cell.events),
        Measure::Sum(at) | Measure::Mean(at) | Measure::Variance(at) => match number(at) {
            Some(Value::Shown(number)) => Shown::Real(match measure {
                Measure::Sum(_) => number.sum,
                Measure::Mean(_) => number.mean,
                _ => number.variance,
            }),
            Some(Value::Hidden(reason)) => hidden(reason),
            None => hidden(Reason::Few),
        },
    }
}

fn hidden(reason: Reason) -> Shown {
    let reason = match reason {
        Reason::Few => wire::Hidden::Few,
        Reason::Dominance => wire::Hidden::Dominance,
    };
    Shown::Hidden(reason.into())
}
