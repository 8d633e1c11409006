//! The same query before and after the register has changed by one person.

use super::asking::{Counts, Way, counts};
use super::country::{Attacked, REGISTER};
use super::planted::{self, LEAVING, Planted};
use super::tracker::learnt;
use super::{Kind, Score};
use crate::system::fleet::until;

/// Women who were born in one year; nobody was in so many years after it.
fn sql(years_after: usize) -> String {
    let born = LEAVING.0;
    let until = born + i64::try_from(years_after).unwrap();
    format!(
        "SELECT sex, COUNT(*) FROM persons WHERE born_year BETWEEN {born} AND {until} \
         AND _register IN ('{REGISTER}') GROUP BY sex"
    )
}

/// Every attack of this kind, each way under a permit of its own: what the gateway keeps is asked
/// for in the same words, and what the register counts now in words that nobody has used. Of 33
/// women one leaves, which moves the count; then one says no.
pub(super) async fn all(attacked: &mut Attacked, score: &mut Score) {
    let leaving = attacked.planted.iter().filter(|one| one.born == LEAVING.0);
    let leaving: Vec<Planted> = leaving.cloned().collect();
    let mut permits: Vec<(Way, String, Option<Counts>)> = Vec::new();
    for way in Way::ALL {
        let permit = attacked.fresh_permit();
        let first = counts(&attacked.told(*way, &permit, &sql(0)).await, 1);
        assert!(first.is_some(), "the first question is anybody's");
        permits.push((*way, permit, first));
    }
    let register = attacked.register();
    for (step, gone) in [("one left", 1), ("one said no", 2)] {
        let next = &leaving[gone - 1..gone];
        match gone {
            1 => planted::delete(&register, next),
            _ => planted::reserve(&register, next),
        }
        is_counted(attacked, LEAVING.1 - gone).await;
        for (way, permit, first) in &permits {
            for (words, sql) in [("the same words", sql(0)), ("other words", sql(gone))] {
                let again = counts(&attacked.told(*way, permit, &sql).await, 1);
                let outcome = learnt(first.as_ref(), again.as_ref());
                score.book(Kind::Temporal, *way, format!("{step}: {words}"), outcome);
            }
        }
    }
}

/// Waits until the register counts so many of them.
async fn is_counted(attacked: &mut Attacked, women: usize) {
    until("the register has changed", async || {
        let exact = attacked.try_exact(&sql(0)).await;
        exact.is_ok_and(|exact| exact.values().sum::<u64>() == women as u64)
    })
    .await;
}
