//! How SQL shows a table that was released: which columns, called what, in which order, how many
//! rows.
//!
//! The table in the ledger is the one that was released; what is done here is done anew for
//! everybody who reads it, and tells nothing more. A hidden value is absent to it.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray, UInt32Array, UInt64Array};
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::{ArrowError, SortOptions};
use innsyn_proto::wire::research::v1 as wire;
use wire::value::Value as Told;
use wire::{Column, Row};

use super::merge::Category;
use super::plan::{Axis, Plan};
use super::sql::{OrderBy, OutputColumn, Part, Presentation};

/// How a table is shown.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    columns: Vec<ShownColumn>,
    order: Vec<Order>,
    rows_max: Option<usize>,
}

/// A column, and where it is in the table that was released.
#[derive(Debug, Clone)]
struct ShownColumn {
    at: usize,
    column: Column,
}

/// What orders rows.
#[derive(Debug, Clone)]
struct Order {
    at: usize,
    options: SortOptions,
    /// The texts of a dimension whose order is not that of its texts.
    texts: Option<Vec<String>>,
}

impl Shown {
    /// As SQL says, of tables with the columns of `plan`.
    pub(super) fn of(items: &[OutputColumn], presentation: &Presentation, plan: &Plan) -> Self {
        let dimensions = plan.axes.len();
        let first = |part: Part| match part {
            Part::Dimension(at) => at,
            // Each measure is one column, or else it is the only one.
            Part::Measure(at) => dimensions + at,
        };
        let columns = items.iter().flat_map(|item| {
            let names = item.names.iter().enumerate();
            names.filter_map(move |(nth, name)| {
                let at = first(item.part) + nth;
                let column = Column {
                    name: name.clone(),
                    ..plan.columns().get(at)?.clone()
                };
                Some(ShownColumn { at, column })
            })
        });
        let order = presentation.order.iter().filter_map(|by| {
            let part = items.get(by.column)?.part;
            Some(Order {
                at: first(part),
                options: options(by),
                texts: match part {
                    Part::Dimension(at) => plan.axes.get(at).and_then(texts),
                    Part::Measure(_) => None,
                },
            })
        });
        Self {
            columns: columns.collect(),
            order: order.collect(),
            rows_max: presentation
                .rows_max
                .map(|rows| usize::try_from(rows).unwrap_or(usize::MAX)),
        }
    }

    /// The columns that are shown.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|shown| &shown.column)
    }

    /// `table` as it is shown.
    pub(super) fn show(
        &self,
        table: wire::ReleasedTable,
    ) -> Result<wire::ReleasedTable, ArrowError> {
        let order = self.ordered(&table.rows)?;
        let rows = order.into_iter().filter_map(|row| {
            let row = table.rows.get(row)?;
            let values = self.columns.iter().map(|shown| row.values.get(shown.at));
            Some(Row {
                values: values
                    .map(|value| value.cloned().unwrap_or_default())
                    .collect(),
            })
        });
        Ok(wire::ReleasedTable {
            rows: rows.collect(),
            columns: self.columns().cloned().collect(),
            ..table
        })
    }

    /// Which rows are shown, first things first.
    fn ordered(&self, rows: &[Row]) -> Result<Vec<usize>, ArrowError> {
        if self.order.is_empty() {
            let shown = self.rows_max.unwrap_or(usize::MAX).min(rows.len());
            return Ok((0..shown).collect());
        }
        let mut by: Vec<SortColumn> = self
            .order
            .iter()
            .map(|order| SortColumn {
                values: order.values(rows),
                options: Some(order.options),
            })
            .collect();
        // Rows that are alike stay in the order in which they were released.
        let places = 0..u32::try_from(rows.len()).unwrap_or(u32::MAX);
        by.push(SortColumn {
            values: Arc::new(UInt32Array::from_iter_values(places)),
            options: None,
        });
        let indices = lexsort_to_indices(&by, self.rows_max)?;
        Ok(indices.values().iter().map(|row| *row as usize).collect())
    }
}

impl Order {
    /// The column's values, each absent where there is none to see.
    fn values(&self, rows: &[Row]) -> ArrayRef {
        let values = || {
            rows.iter()
                .map(|row| row.values.get(self.at)?.value.as_ref())
        };
        let text = |value: Option<&Told>| match value {
            Some(Told::Text(text)) => Some(text.clone()),
            _ => None,
        };
        if let Some(texts) = &self.texts {
            let place = |text: String| texts.iter().position(|other| *other == text);
            let places = values().map(|value| i64::try_from(place(text(value)?)?).ok());
            return Arc::new(places.collect::<Int64Array>());
        }
        match values()
            .flatten()
            .find(|value| !matches!(value, Told::Hidden(_)))
        {
            Some(Told::Count(_)) => {
                let counts = values().map(|value| match value {
                    Some(Told::Count(count)) => Some(*count),
                    _ => None,
                });
                Arc::new(counts.collect::<UInt64Array>())
            }
            Some(Told::Real(_)) => {
                let numbers = values().map(|value| match value {
                    Some(Told::Real(number)) => Some(*number),
                    _ => None,
                });
                Arc::new(numbers.collect::<Float64Array>())
            }
            _ => Arc::new(values().map(text).collect::<StringArray>()),
        }
    }
}

const fn options(by: &OrderBy) -> SortOptions {
    SortOptions {
        descending: by.descending,
        nulls_first: by.absent_first,
    }
}

/// The texts of bands, in their order: `<18` comes before `[18,65)`.
fn texts(axis: &Axis) -> Option<Vec<String>> {
    let Axis::Bands { begins } = axis else {
        return None;
    };
    let bands = 0..=i64::try_from(begins.len()).ok()?;
    bands
        .map(|band| axis.label(&Category::Number(band)))
        .collect()
}
