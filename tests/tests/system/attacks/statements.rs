//! SQL as an attacker writes it, in two countries that differ in persons who must not show.

use super::asking::{Answer, Way};
use super::country::{Attacked, REGISTER};
use super::planted::{MANY, OPTED_OUT, word};
use super::{Kind, Outcome, Score};

const STATEMENTS: &str = include_str!("statements.txt");

/// The statements, about somebody who must not show.
async fn statements(attacked: &mut Attacked) -> Vec<String> {
    // All who were planted live in one municipality.
    let sql = format!(
        "SELECT municipality, COUNT(*) FROM persons WHERE born_year = {} \
         AND _register IN ('{REGISTER}') GROUP BY municipality",
        MANY.start()
    );
    let municipality = attacked.exact(&sql).await.into_keys().next().unwrap();
    let victim = attacked.planted.iter().find(|one| one.born == OPTED_OUT.0);
    let victim = victim.unwrap();
    let lines = STATEMENTS.lines();
    let statements = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    statements
        .map(|statement| {
            statement
                .replace("{sex}", word(victim.sex))
                .replace("{born}", &victim.born.to_string())
                .replace("{municipality}", &municipality[0])
        })
        .collect()
}

/// A statement, and all that is told of it but receipts.
pub(super) type Heard = (String, Result<Answer, String>);

/// What whoever sends the statements is told, each under a permit of its own.
pub(super) async fn all(attacked: &mut Attacked, way: Way) -> Vec<Heard> {
    let mut heard = Vec::new();
    for statement in statements(attacked).await {
        let permit = attacked.fresh_permit();
        let told = attacked.told(way, &permit, &statement).await;
        let told = told.map(|answer| Answer {
            receipts: Vec::new(),
            ..answer
        });
        heard.push((statement, told));
    }
    heard
}

/// Books each statement: what is told `here` must be what is told `there`.
pub(super) fn compare(here: &[Heard], there: &[Heard], way: Way, score: &mut Score) {
    assert_eq!(here.len(), there.len());
    for ((statement, here), (same, there)) in here.iter().zip(there) {
        assert_eq!(statement, same);
        let outcome = match (here, there) {
            (here, there) if here != there => Outcome::Through,
            (Err(_), _) => Outcome::Refused,
            (Ok(_), _) => Outcome::Harmless,
        };
        score.book(Kind::Statement, way, statement, outcome);
    }
}
