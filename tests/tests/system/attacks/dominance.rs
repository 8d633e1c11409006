//! Sums, means and variances of which one person makes most, or which one person more would move.

use super::asking::{Answer, Way};
use super::country::{Attacked, REGISTER};
use super::planted::{DOMINATED, MANY, ORDINARY, RARE};
use super::{BASE, Kind, Outcome, Score};

/// Scores are from 0 to it.
const SCORE_MAX: f64 = 100.0;

/// Every attack of this kind.
pub(super) async fn all(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let numbers = |whom: &str, by: &[&str]| {
        let columns = ["persons()", "AVG(score)", "SUM(score)", "VAR_SAMP(score)"];
        let sql = format!(
            "SELECT {} FROM treatments \
             WHERE last_event() AND _register IN ('{REGISTER}') AND {whom}",
            [by, &columns].concat().join(", ")
        );
        match by {
            [] => sql,
            by => format!("{sql} GROUP BY {}", by.join(", ")),
        }
    };
    for (attack, whom, by) in [
        (
            "one has the whole sum",
            format!("born_year = {DOMINATED}"),
            &[][..],
        ),
        ("numbers of few", format!("born_year = {ORDINARY}"), &[]),
        ("numbers of all", "born_year >= 1900".to_owned(), &["sex"]),
        (
            "numbers by place",
            "born_year > 0".to_owned(),
            &["municipality", "sex"],
        ),
    ] {
        let permit = attacked.fresh_permit();
        let answer = attacked
            .told(way, &permit, &numbers(&whom, by))
            .await
            .unwrap();
        let outcome = match coarse(&answer, by.len()) {
            Outcome::Harmless if attack == "one has the whole sum" => Outcome::Through,
            outcome => outcome,
        };
        score.book(Kind::Dominance, way, attack, outcome);
    }
    let ((from, to), one) = (MANY.into_inner(), RARE.start());
    let many = format!("born_year BETWEEN {from} AND {to}");
    let permit = attacked.fresh_permit();
    let without = attacked
        .told(way, &permit, &numbers(&many, &[]))
        .await
        .unwrap();
    let with = format!("({many} OR born_year = {one})");
    let outcome = match attacked.told(way, &permit, &numbers(&with, &[])).await {
        Err(_) => Outcome::Refused,
        Ok(with) if with.rows == without.rows => Outcome::Harmless,
        Ok(_) => Outcome::Through,
    };
    score.book(Kind::Dominance, way, "with and without one", outcome);
}

/// Whether a table of persons, mean, sum and variance after `dimensions` tells nothing more finely
/// than one person could move it; refused if it shows no such number.
fn coarse(answer: &Answer, dimensions: usize) -> Outcome {
    let mut outcome = Outcome::Refused;
    for row in &answer.rows {
        let number = |at: usize| row[dimensions + at].parse::<f64>().ok();
        outcome = match (number(0), [1, 2, 3].map(number)) {
            (_, [None, None, None]) => outcome,
            // Some have no score; the grid follows from those who have one, and they are fewer.
            (Some(persons), [Some(mean), Some(sum), Some(variance)])
                if is_on_a_grid(mean, SCORE_MAX / persons)
                    && is_whole_times(sum, mean, BASE)
                    && is_on_a_grid(variance, SCORE_MAX * SCORE_MAX / persons) =>
            {
                Outcome::Harmless
            }
            _ => return Outcome::Through,
        };
    }
    outcome
}

/// Whether `sum` is `mean` times a multiple of `base`.
#[expect(clippy::cast_precision_loss, reason = "a small base")]
fn is_whole_times(sum: f64, mean: f64, base: u64) -> bool {
    let places = sum / mean / base as f64;
    mean != 0.0 && (places - places.round()).abs() < 1e-9
}

/// Whether `value` is a multiple of 1, 2 or 5 times a power of ten that is not below `step`.
fn is_on_a_grid(value: f64, step: f64) -> bool {
    let power = 10_f64.powf(step.log10().floor());
    let grid = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let grid = grid.into_iter().find(|grid| *grid >= step).unwrap();
    ((value / grid).round() - value / grid).abs() < 1e-9
}
