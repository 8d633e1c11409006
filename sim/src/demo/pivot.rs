//! A released table as people read it: a row for each group, and side by side what can be compared.
//!
//! Where a table has one measure and its last group has few values, these become columns. A cell
//! that no row of the table names is not known either, and says so.

use innsyn_proto::wire::research::v1 as wire;
use wire::value::Value;
use wire::{ColumnKind, Hidden, ReleasedTable};

/// The most values of a group that become columns.
const SERIES_MAX: usize = 6;
/// What a group is called whose value is missing.
const MISSING: &str = "–";

/// A table to read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pivot {
    /// What the rows are divided by.
    pub(super) groups: Vec<String>,
    /// What stands in each column beside them.
    pub(super) series: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// One for each group.
    pub(super) labels: Vec<String>,
    /// One for each series.
    pub(super) cells: Vec<Cell>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    Count(u64),
    Real(f64),
    /// Few persons, or hidden to protect such a cell.
    Few,
    /// One person could make most of it.
    Dominance,
    /// The table does not name it.
    Unnamed,
}

impl Cell {
    fn of(value: &wire::Value) -> Self {
        match &value.value {
            Some(Value::Count(count)) => Self::Count(*count),
            Some(Value::Real(real)) => Self::Real(*real),
            Some(Value::Hidden(reason)) => match Hidden::try_from(*reason) {
                Ok(Hidden::Dominance) => Self::Dominance,
                Ok(Hidden::Few | Hidden::Unspecified) | Err(_) => Self::Few,
            },
            Some(Value::Text(_)) | None => Self::Unnamed,
        }
    }

    /// As a number to compare by; `None` if it is not shown.
    #[expect(clippy::cast_precision_loss, reason = "the length of a bar")]
    pub(super) const fn shown(self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(count as f64),
            Self::Real(real) => Some(real),
            Self::Few | Self::Dominance | Self::Unnamed => None,
        }
    }
}

impl Pivot {
    pub(super) fn of(table: &ReleasedTable) -> Self {
        let columns = table.columns.iter();
        let is_group = |column: &&wire::Column| column.kind() == ColumnKind::Text;
        let (groups, measures): (Vec<_>, Vec<_>) = columns.partition(is_group);
        let groups: Vec<String> = groups.iter().map(|column| column.name.clone()).collect();
        let flat = Self {
            series: measures.iter().map(|column| title(column)).collect(),
            rows: table
                .rows
                .iter()
                .map(|row| Row {
                    labels: row.values.iter().take(groups.len()).map(label).collect(),
                    cells: row.values.iter().skip(groups.len()).map(Cell::of).collect(),
                })
                .collect(),
            groups,
        };
        flat.side_by_side().unwrap_or(flat)
    }

    /// The same with the values of the last group as columns, if it has few.
    fn side_by_side(&self) -> Option<Self> {
        if self.series.len() != 1 || self.groups.len() < 2 {
            return None;
        }
        let groups = self.groups.split_last()?.1.to_vec();
        let mut series: Vec<String> = Vec::new();
        for row in &self.rows {
            let last = row.labels.last()?;
            if !series.contains(last) {
                series.push(last.clone());
            }
        }
        if series.len() > SERIES_MAX {
            return None;
        }
        let mut rows: Vec<Row> = Vec::new();
        for row in &self.rows {
            let (last, labels) = row.labels.split_last()?;
            if rows.last().is_none_or(|row| row.labels != labels) {
                rows.push(Row {
                    labels: labels.to_vec(),
                    cells: vec![Cell::Unnamed; series.len()],
                });
            }
            let at = series.iter().position(|name| name == last)?;
            *rows.last_mut()?.cells.get_mut(at)? = *row.cells.first()?;
        }
        Some(Self {
            groups,
            series,
            rows,
        })
    }

    /// How many values are shown, and how many are hidden.
    pub(super) fn counts(&self) -> (usize, usize) {
        let cells = self.rows.iter().flat_map(|row| &row.cells);
        let cells = cells.filter(|cell| **cell != Cell::Unnamed);
        let shown = cells.clone().filter(|cell| cell.shown().is_some()).count();
        (shown, cells.count() - shown)
    }

    /// Whether any value is hidden as `cell` is.
    pub(super) fn has(&self, cell: Cell) -> bool {
        self.rows.iter().any(|row| row.cells.contains(&cell))
    }
}

fn title(column: &wire::Column) -> String {
    if column.unit.is_empty() || column.unit == "1" {
        column.name.clone()
    } else {
        format!("{} ({})", column.name, column.unit)
    }
}

fn label(value: &wire::Value) -> String {
    match &value.value {
        Some(Value::Text(text)) => text.clone(),
        _ => MISSING.to_owned(),
    }
}
