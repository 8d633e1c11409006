//! Nobody, and somebody of whom there are few, must look alike.

use super::asking::Way;
use super::country::{Attacked, REGISTER};
use super::planted::{NOBODY, RARE};
use super::tracker::many_and_rare;
use super::{Kind, Outcome, Score};

/// What is asked of the persons of a few years.
const QUESTIONS: [&str; 7] = [
    "SELECT COUNT(*) FROM persons WHERE {whom}",
    "SELECT sex, COUNT(*) FROM persons WHERE {whom} GROUP BY sex",
    "SELECT municipality, sex, COUNT(*) FROM persons WHERE {whom} GROUP BY municipality, sex",
    "SELECT persons(), events() FROM treatments WHERE {whom}",
    "SELECT AVG(score), SUM(score), VAR_SAMP(score) FROM treatments WHERE {whom} AND last_event()",
    "SELECT year(treated), persons() FROM treatments WHERE {whom} GROUP BY year(treated)",
    "SELECT histogram(born_year, 1800, 10, 10) FROM persons WHERE {whom}",
];

/// Every attack of this kind.
pub(super) async fn all(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let first = RARE.start();
    for question in QUESTIONS {
        let mut told = Vec::new();
        for whom in [NOBODY..=NOBODY, *first..=*first, *first..=first + 3] {
            let (from, to) = whom.into_inner();
            let whom = format!("born_year BETWEEN {from} AND {to} AND _register IN ('{REGISTER}')");
            let permit = attacked.fresh_permit();
            let answer = attacked
                .told(way, &permit, &question.replace("{whom}", &whom))
                .await;
            told.push(answer.map(|answer| (answer.columns, answer.rows, answer.beside)));
        }
        let outcome = match &told[0] {
            none if told.iter().any(|one| one != none) => Outcome::Through,
            Err(_) => Outcome::Refused,
            Ok(_) => Outcome::Harmless,
        };
        score.book(Kind::Existence, way, question, outcome);
    }
    refusal(attacked, way, score).await;
}

/// Everybody, and everybody but those of a year: a refusal tells that there are some.
async fn refusal(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let mut passes = Vec::new();
    for year in [NOBODY, *RARE.start()] {
        let permit = attacked.fresh_permit();
        for but in ["", &format!(" AND born_year <> {year}")] {
            let sql = format!(
                "SELECT COUNT(*) FROM persons WHERE {}{but}",
                many_and_rare()
            );
            passes.push(attacked.told(way, &permit, &sql).await.is_ok());
        }
    }
    let outcome = match passes.as_slice() {
        [true, true, true, false] => Outcome::Open,
        [true, without_nobody, true, without_one] if without_nobody == without_one => {
            Outcome::Harmless
        }
        _ => Outcome::Through,
    };
    score.book(
        Kind::Existence,
        way,
        "whether another table is refused",
        outcome,
    );
}
