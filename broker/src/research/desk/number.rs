//! Means, sums and variances: when they may leave, and how finely.

use super::rounding::Rules;
use super::{Reason, Value};
use crate::research::merge::Moments;

/// The largest share of a total that one person may make.
const SHARE_MAX: f64 = 0.85;

/// The catalogue's bounds of a variable: each value was clipped to them, and its squares are
/// about `centre`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clip {
    /// The lower bound.
    pub from: f64,
    /// The upper bound.
    pub to: f64,
    /// The public centre.
    pub centre: f64,
}

/// What is shown of a variable in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The mean, to a grid of 1, 2 or 5 times a power of ten, not finer than one person could
    /// move it.
    pub mean: f64,
    /// The shown mean times the shown number of persons who have a value.
    pub sum: f64,
    /// The variance with n − 1 degrees of freedom, on such a grid of its own.
    pub variance: f64,
}

impl Clip {
    pub(in crate::research) fn is_rising(&self) -> bool {
        self.from < self.to && (self.to - self.from).is_finite() && self.centre.is_finite()
    }
}

/// What leaves of a variable whose total in the cell is `total` and whose part in each register is
/// in `parts`. Where registers share persons, one person may be in each of the parts.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of persons are far below 2^52"
)]
pub(super) fn release<'a>(
    total: Moments,
    parts: impl Iterator<Item = &'a Moments>,
    clip: Clip,
    rules: Rules,
    shared: bool,
) -> Value<Number> {
    let (mut largest, mut places) = (total.n, 1.0);
    if shared {
        let with_values: Vec<u64> = parts.map(|part| part.n).filter(|n| *n > 0).collect();
        largest = with_values.iter().copied().max().unwrap_or(0);
        places = with_values.len() as f64;
    }
    // Of k persons who each have one of two values, a mean tells how many have which, which a count
    // would round to one or the other; of twice as many that says little of anybody.
    if largest < 2 * rules.k() {
        return Value::Hidden(Reason::Few);
    }
    let one_person = places * clip.from.abs().max(clip.to.abs());
    if one_person > SHARE_MAX * total.sum(clip.centre).abs() {
        return Value::Hidden(Reason::Dominance);
    }
    let (Some(mean), Some(variance)) = (total.mean(clip.centre), total.variance()) else {
        return Value::Hidden(Reason::Few);
    };
    // The exact number of persons must not show through the fineness of a quotient, so the grid
    // follows from the rounded one, and the sum is made of the two that are shown.
    let persons = rules.rounded(total.n).max(rules.k()) as f64;
    let span = places * (clip.to - clip.from);
    let mean = to_grid(mean, span / persons);
    Value::Shown(Number {
        mean,
        sum: mean * rules.rounded(total.n) as f64,
        variance: to_grid(variance, span * (clip.to - clip.from) / persons),
    })
}

/// `value` to the nearest multiple of the smallest of 1, 2, 5 times a power of ten that is not
/// below `step`.
fn to_grid(value: f64, step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let grid = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|grid| *grid >= step)
        .unwrap_or(step);
    (value / grid).round() * grid
}
