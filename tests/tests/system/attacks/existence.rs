//! Nobody, and somebody of whom there are few, must look alike.

use super::asking::{Way, counts};
use super::country::{Attacked, REGISTER};
use super::planted::{NOBODY, RARE};
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
    refusals(attacked, way, score).await;
}

/// Questions by so many dimensions of which the last is refused, or is not, by whether anybody was
/// born in a year.
const REFUSALS: [(Kind, &str, usize, &[&str]); 3] = [
    (
        Kind::Existence,
        "whether another table is refused",
        0,
        &[
            "SELECT COUNT(*) FROM persons WHERE born_year BETWEEN 1801 AND 1840",
            "SELECT COUNT(*) FROM persons WHERE born_year BETWEEN 1801 AND 1840 \
             AND born_year <> {year}",
        ],
    ),
    (
        Kind::Beyond,
        "whether the last part of a table is refused",
        0,
        &[
            "SELECT COUNT(*) FROM persons WHERE born_year BETWEEN 1801 AND 1840",
            "SELECT COUNT(*) FROM persons WHERE born_year BETWEEN 1831 AND 1840",
            "SELECT COUNT(*) FROM persons WHERE born_year BETWEEN 1801 AND 1830 \
             AND born_year <> {year}",
        ],
    ),
    (
        Kind::Beyond,
        "whether a table with others beside them is refused",
        1,
        &[
            "SELECT band(born_year, 1821), COUNT(*) FROM persons \
             WHERE born_year BETWEEN 1801 AND 1840",
            "SELECT band(born_year, 1821), COUNT(*) FROM persons \
             WHERE born_year BETWEEN 1801 AND 1839 AND born_year <> {year}",
        ],
    ),
];

/// Tables that only differ by those of a year, of whom there is nobody or one.
async fn refusals(attacked: &mut Attacked, way: Way, score: &mut Score) {
    for (kind, attack, dimensions, questions) in REFUSALS {
        let mut passes = Vec::new();
        for year in [NOBODY, *RARE.start()] {
            let permit = attacked.fresh_permit();
            let mut told = Vec::new();
            for question in questions {
                let question = question.replace("{year}", &year.to_string());
                let group_by = ["", " GROUP BY 1"][dimensions];
                let sql = format!("{question} AND _register IN ('{REGISTER}'){group_by}");
                let answer = attacked.told(way, &permit, &sql).await;
                told.push(counts(&answer, dimensions).is_some());
            }
            let last = told.pop().unwrap();
            assert!(told.iter().all(|passes| *passes), "anybody's questions");
            passes.push(last);
        }
        let outcome = match passes.as_slice() {
            [true, false] => Outcome::of_what_learns(kind, attack),
            [true, true] => Outcome::Harmless,
            [false, false] => Outcome::Refused,
            _ => Outcome::Through,
        };
        score.book(kind, way, attack, outcome);
    }
}
