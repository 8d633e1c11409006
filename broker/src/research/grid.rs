//! Statistics that are read from counts on a declared grid: quantiles and survival.
//!
//! A histogram's bins and a life table's steps are counts that add up over registers and pass the
//! release desk like one more dimension of the table; what is made here of them afterwards, from
//! released or (in tests) exact counts, tells nothing that they do not. Methods: quantile by
//! interpolation within the bin; Kaplan and Meier (1958), those at risk by back-cumulation.

#[cfg(test)]
mod tests;

/// The value below which the share `p` (0 to 1) of the persons lies, if they are spread evenly
/// within each bin: bin `i` is [`from` + i × `width`, `from` + (i + 1) × `width`). `None` when
/// nobody is counted or `p` is not a share. It is within one `width` of the pooled quantile.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of persons are far below 2^52"
)]
pub fn quantile(bins: &[u64], from: f64, width: f64, p: f64) -> Option<f64> {
    let total: u64 = bins.iter().sum();
    if total == 0 || !(0.0..=1.0).contains(&p) {
        return None;
    }
    let wanted = p * total as f64;
    let mut below = 0.0;
    let mut begin = from;
    let mut answer = None;
    for &count in bins {
        let count = count as f64;
        if count > 0.0 {
            let within = ((wanted - below) / count).min(1.0);
            answer = Some(begin + width * within);
            if below + count >= wanted {
                break;
            }
        }
        below += count;
        begin += width;
    }
    answer
}

/// How many had the event in one step since they came in, and how many left without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leavers {
    /// Persons who had the event.
    pub events: u64,
    /// Persons who left without it (censored); they are at risk until the step's end.
    pub censored: u64,
}

/// One step of a life table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Persons at risk when the step begins: all who leave in it or later.
    pub at_risk: u64,
    /// Persons who had the event in it.
    pub events: u64,
    /// Persons who left in it without the event.
    pub censored: u64,
    /// The share still without the event when the step ends.
    pub survival: f64,
}

/// The life table of `leavers`, one entry per step, the last holding everybody who stayed.
///
/// Totals are recomputed from the counts given, so that rounded counts make a table that adds up.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of persons are far below 2^52"
)]
pub fn life_table(leavers: &[Leavers]) -> Vec<Step> {
    let mut at_risk: u64 = leavers.iter().map(|l| l.events + l.censored).sum();
    let mut survival = 1.0;
    leavers
        .iter()
        .map(|&Leavers { events, censored }| {
            let begin = at_risk;
            if begin > 0 {
                survival *= 1.0 - events as f64 / begin as f64;
            }
            at_risk -= events + censored;
            Step {
                at_risk: begin,
                events,
                censored,
                survival,
            }
        })
        .collect()
}
