//! Categories as a table shows them: text that sorts and reads the same in every language.

use innsyn_proto::wire::research::v1::Period;

use super::{Axis, Spread};
use crate::research::merge::Category;

/// Months in a period.
pub(super) const fn months_in(period: Period) -> i32 {
    match period {
        Period::Year => 12,
        Period::Quarter => 3,
        Period::Month | Period::Unspecified => 1,
    }
}

impl Axis {
    /// `category` of this dimension; none if the value is missing.
    pub(in crate::research) fn label(&self, category: &Category) -> Option<String> {
        match (self, category) {
            (_, Category::Missing) => None,
            (_, Category::Code(code)) => Some(code.to_string()),
            (Self::Bands { begins }, Category::Number(band)) => Some(of_band(begins, *band)),
            (Self::Periods { months, .. }, Category::Number(first)) => {
                Some(of_period(*months, *first))
            }
            (Self::Code { .. }, Category::Number(number)) => Some(number.to_string()),
        }
    }
}

impl Spread {
    /// `category` of this dimension, one text for each of its columns.
    pub(in crate::research) fn labels(&self, category: &Category) -> Vec<Option<String>> {
        match (self, category) {
            (
                Self::Histogram {
                    from, width, bins, ..
                },
                Category::Number(bin),
            ) => {
                let begin = from.saturating_add(bin.saturating_mul((*width).into()));
                let end = begin.saturating_add((*width).into());
                // A value off the grid is in the bin at that end.
                let is_last = usize::try_from(bin + 1).is_ok_and(|bin| bin == *bins);
                vec![Some(match (*bin == 0, is_last) {
                    (true, false) => format!("<{end}"),
                    (false, true) => format!(">={begin}"),
                    _ => format!("[{begin},{end})"),
                })]
            }
            (Self::LifeTable { steps }, Category::Number(number)) => {
                let step = number.div_euclid(2);
                let beyond = usize::try_from(step).is_ok_and(|step| step >= *steps);
                let left_by = match (beyond, number.rem_euclid(2)) {
                    (true, _) => "beyond",
                    (false, 0) => "event",
                    (false, _) => "exit",
                };
                vec![Some(step.to_string()), Some(left_by.to_owned())]
            }
            (Self::Histogram { .. }, _) => vec![None],
            (Self::LifeTable { .. }, _) => vec![None, None],
        }
    }
}

/// As mathematics writes an interval: `[18,65)`, with `<18` and `>=65` at the ends.
fn of_band(begins: &[i64], band: i64) -> String {
    let begin = |at: i64| usize::try_from(at).ok().and_then(|at| begins.get(at));
    match (begin(band - 1), begin(band)) {
        (Some(from), Some(to)) => format!("[{from},{to})"),
        (Some(from), None) => format!(">={from}"),
        (None, Some(to)) => format!("<{to}"),
        (None, None) => band.to_string(),
    }
}

/// `2020`, `2020-Q3` or `2020-07`.
fn of_period(months: i32, first_month: i64) -> String {
    let (year, month) = (
        1970 + first_month.div_euclid(12),
        first_month.rem_euclid(12),
    );
    match months {
        12 => year.to_string(),
        3 => format!("{year}-Q{}", month / 3 + 1),
        _ => format!("{year}-{:02}", month + 1),
    }
}
