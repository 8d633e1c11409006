//! Two big sets that are a few persons apart: subtract.

use super::asking::{Counts, Way, counts};
use super::country::{Attacked, REGISTER};
use super::planted::{MANY, RARE};
use super::{Kind, Outcome, Score};

/// Whom most attacks are about: many, and some of whom there is one in each year.
pub(super) fn many_and_rare() -> String {
    let ((many, to_many), (rare, to_rare)) = (MANY.into_inner(), RARE.into_inner());
    format!(
        "(born_year BETWEEN {many} AND {to_many} OR born_year BETWEEN {rare} AND {to_rare}) \
         AND _register IN ('{REGISTER}')"
    )
}

/// Women of them by year of birth, without those of the first `out` rare years.
fn all_but(out: i64) -> String {
    let first = RARE.start();
    let but = match out {
        0 => String::new(),
        out => format!(" AND NOT born_year BETWEEN {first} AND {}", first + out - 1),
    };
    format!(
        "SELECT sex, COUNT(*) FROM persons WHERE {}{but} GROUP BY sex",
        many_and_rare()
    )
}

/// What two tables tell of the few persons who are in one of them only: that they are there, if a
/// count moves.
pub(super) fn learnt(first: Option<&Counts>, second: Option<&Counts>) -> Outcome {
    match (first, second) {
        (Some(first), Some(second)) if first != second => Outcome::Through,
        (Some(_), Some(_)) => Outcome::Harmless,
        _ => Outcome::Refused,
    }
}

/// Every attack of this kind. Ten women are taken out one by one, and a count moves with every
/// fifth.
pub(super) async fn all(attacked: &mut Attacked, way: Way, score: &mut Score) {
    for out in 0..10 {
        let outcome = pair(attacked, way, &all_but(out), &all_but(out + 1)).await;
        score.book(
            Kind::Tracker,
            way,
            format!("all but {out}, and one more"),
            outcome,
        );
    }
    ladder(attacked, way, score).await;
    let all = many_and_rare();
    let with = "SELECT sex, COUNT(*) FROM persons";
    // Of 130 women three are taken out, or four by their score: a count moves.
    let words = [
        format!("{with} WHERE {all} AND born_year > 1803 GROUP BY sex"),
        format!("{with} WHERE {all} AND NOT (born_year < 1804) GROUP BY sex"),
        format!(
            "SELECT sex, persons() FROM treatments WHERE {all} AND born_year > 1803 GROUP BY sex"
        ),
        format!("SELECT sex, persons() FROM treatments WHERE {all} AND score < 100 GROUP BY sex"),
        format!(
            "SELECT sex, persons() FROM treatments WHERE {all} AND last_event() AND score <= 99 \
             GROUP BY sex"
        ),
        format!(
            "{with} p WHERE {all} AND EXISTS (SELECT 1 FROM treatments t \
             WHERE t.person = p.person AND t.score < 100) GROUP BY sex"
        ),
    ];
    for second in words {
        let outcome = pair(attacked, way, &all_but(0), &second).await;
        score.book(Kind::Tracker, way, format!("then {second}"), outcome);
    }
}

async fn pair(attacked: &mut Attacked, way: Way, first: &str, second: &str) -> Outcome {
    let permit = attacked.fresh_permit();
    let first = counts(&attacked.told(way, &permit, first).await, 1);
    assert!(first.is_some(), "the first question is anybody's");
    let second = counts(&attacked.told(way, &permit, second).await, 1);
    learnt(first.as_ref(), second.as_ref())
}

/// One permit, and one woman less on each rung.
async fn ladder(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let permit = attacked.fresh_permit();
    let mut rungs: Vec<Option<Counts>> = Vec::new();
    for out in 0..=10 {
        let rung = counts(&attacked.told(way, &permit, &all_but(out)).await, 1);
        let near = rungs.iter().rev().take(4);
        let outcomes: Vec<Outcome> = near
            .map(|before| learnt(before.as_ref(), rung.as_ref()))
            .collect();
        let outcome = match () {
            () if outcomes.contains(&Outcome::Through) => Outcome::Through,
            () if rung.is_none() => Outcome::Refused,
            () => Outcome::Harmless,
        };
        score.book(Kind::Tracker, way, format!("ladder: {out} out"), outcome);
        rungs.push(rung);
    }
}
