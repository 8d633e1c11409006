//! A picture of a released table: a bar for each value, and hatching where a value is hidden.
//!
//! A hidden value has no length: the hatching runs over the whole width, because all that is told
//! is that nothing is told. What the table does not name is not drawn. Labels and values are text beside the drawing, so that they can be
//! read on a phone.

use maud::{Markup, html};

use super::table::{decimal, named};
use crate::demo::pivot::{Cell, Pivot, Row};

/// Rows that are drawn; the table below has them all.
const ROWS_MAX: usize = 40;

/// The picture; none of a table without rows.
pub(super) fn of(pivot: &Pivot) -> Markup {
    let Some(drawn) = Drawn::of(pivot) else {
        return html! {};
    };
    html! {
        svg class="patterns" aria-hidden="true" width="0" height="0" {
            defs {
                pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect width="8" height="8" fill="#f4f6f8" {}
                    rect width="2" height="8" fill="#c3cdd4" {}
                }
            }
        }
        figure class="chart" {
            figcaption {
                @for (at, series) in drawn.series.iter().enumerate() {
                    span class="key" { svg width="14" height="14" aria-hidden="true" {
                        rect class={ "series-" (at) } width="14" height="14" rx="2" {}
                    } " " (named(series)) }
                }
                span class="key" { svg width="14" height="14" aria-hidden="true" {
                    rect width="14" height="14" rx="2" fill="url(#hatch)" stroke="#8496a3" {}
                } " skjult " span lang="en" { "hidden" } }
            }
            @for row in drawn.rows {
                div class="bars" {
                    div class="label" { (row.labels.join(", ")) }
                    div class="values" {
                        @for (at, cell) in drawn.cells_of(row) { (bar(at, cell, drawn.most)) }
                    }
                }
            }
        }
    }
}

/// What of a table is drawn: values that can be compared with each other.
struct Drawn<'a> {
    rows: &'a [Row],
    series: &'a [String],
    /// Where the series begin among the cells.
    first: usize,
    most: f64,
}

impl<'a> Drawn<'a> {
    fn of(pivot: &'a Pivot) -> Option<Self> {
        let rows = pivot.rows.get(..pivot.rows.len().min(ROWS_MAX))?;
        let is_real = |row: &Row| matches!(row.cells.last(), Some(Cell::Real(_)));
        // Where a mean stands beside a count, it is the mean that was asked for.
        let first = if rows.iter().any(is_real) {
            pivot.series.len().saturating_sub(1)
        } else {
            0
        };
        let series = pivot.series.get(first..)?;
        let cells = rows.iter().flat_map(|row| row.cells.iter().skip(first));
        let most = cells.filter_map(|cell| cell.shown()).fold(0.0, f64::max);
        (!rows.is_empty()).then_some(Self {
            rows,
            series,
            first,
            most,
        })
    }

    fn cells_of(&self, row: &'a Row) -> impl Iterator<Item = (usize, Cell)> + use<'a> {
        let cells = row.cells.iter().copied().skip(self.first).enumerate();
        cells.filter(|(_, cell)| *cell != Cell::Unnamed)
    }
}

fn bar(series: usize, cell: Cell, most: f64) -> Markup {
    let width = match cell.shown() {
        Some(shown) if most > 0.0 => format!("{:.1}%", (shown / most * 100.0).clamp(0.3, 100.0)),
        _ => "100%".to_owned(),
    };
    let text = match cell {
        Cell::Count(count) => count.to_string(),
        Cell::Real(real) => decimal(real),
        Cell::Few | Cell::Dominance | Cell::Unnamed => "skjult".to_owned(),
    };
    html! {
        div class="bar" {
            svg width="100%" height="16" aria-hidden="true" {
                @if cell.shown().is_some() {
                    rect class={ "series-" (series) } width=(width) height="16" rx="2" {}
                } @else {
                    rect class="hidden" width=(width) height="16" rx="2" fill="url(#hatch)" {}
                }
            }
            span class="text" { (text) }
        }
    }
}
