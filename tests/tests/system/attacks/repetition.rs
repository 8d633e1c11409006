//! The same persons again and again, in the same words, in others, and in parts that are added up:
//! whatever is random averages out.

use rand::SeedableRng as _;
use rand::seq::IteratorRandom as _;
use rand_chacha::ChaCha8Rng;

use super::asking::{Way, counts};
use super::country::{Attacked, REGISTER};
use super::planted::{MANY, NOBODY, RARE};
use super::tracker::many_and_rare;
use super::{Kind, Outcome, Score};

/// How often the same is asked under one permit, and under permits of their own.
const TIMES: usize = 8;
/// Of how many splits the sums are averaged.
const SPLITS: usize = 8;

/// The same question, under one permit and under many.
pub(super) async fn repeats(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let sql = format!(
        "SELECT sex, COUNT(*) FROM persons WHERE {} GROUP BY sex",
        many_and_rare()
    );
    let mut told = Vec::new();
    for fresh in [false, true] {
        let mut permit = attacked.fresh_permit();
        for _ in 0..TIMES {
            if fresh {
                permit = attacked.fresh_permit();
            }
            told.push(attacked.told(way, &permit, &sql).await.unwrap().rows);
        }
    }
    let outcome = if told.iter().all(|one| *one == told[0]) {
        Outcome::Harmless
    } else {
        Outcome::Through
    };
    score.book(Kind::Repetition, way, "the same question", outcome);
}

/// The same persons in other words, under one permit.
pub(super) async fn rewrites(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let all = many_and_rare();
    let permit = attacked.fresh_permit();
    let sql = |condition: &str| {
        format!("SELECT sex, COUNT(*) FROM persons WHERE {condition} GROUP BY sex")
    };
    let first = attacked.told(way, &permit, &sql(&all)).await.unwrap();
    let conditions = [
        format!("{all} AND (born_year < 1830 OR NOT born_year < 1830)"),
        format!("{all} AND (born_year < 1805 OR born_year >= 1805)"),
        format!("{all} AND NOT (born_year = {NOBODY})"),
        format!("{all} AND sex IN ('female', 'male')"),
        format!("{all} AND (born_year > 1700 AND born_year < 1900)"),
        format!(
            "NOT (born_year < 1801 OR born_year BETWEEN 1811 AND 1820 OR born_year > 1840) \
             AND _register IN ('{REGISTER}')"
        ),
        format!("{all} AND EXISTS (SELECT 1 FROM treatments t WHERE t.person = persons.person)"),
    ];
    for condition in conditions {
        let outcome = match attacked.told(way, &permit, &sql(&condition)).await {
            Err(_) => Outcome::Refused,
            Ok(twin) if twin.rows == first.rows => Outcome::Harmless,
            Ok(_) => Outcome::Through,
        };
        score.book(Kind::Rewrite, way, condition, outcome);
    }
}

/// Two sets of many that are one woman apart, or none, each told in many random halves under one
/// permit, whose sums are averaged. No two tables are few persons apart.
pub(super) async fn splits(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let mut learnt = Vec::new();
    for one_more in [*RARE.start(), NOBODY] {
        let permit = attacked.fresh_permit();
        let with = average(attacked, way, &permit, Some(one_more)).await;
        let without = average(attacked, way, &permit, None).await;
        learnt.push(with.zip(without).map(|(with, without)| with - without));
    }
    let outcome = match learnt.as_slice() {
        [Some(one), Some(none)] if one.round() > none.round() => Outcome::Through,
        [Some(_), Some(_)] => Outcome::Harmless,
        _ => Outcome::Refused,
    };
    let attack = "random halves, their sums averaged";
    score.book(Kind::Rewrite, way, attack, outcome);
}

/// About how many [`MANY`] are, with those of `one_more`; none if hardly anything is told.
#[expect(clippy::cast_precision_loss, reason = "persons are few")]
async fn average(
    attacked: &mut Attacked,
    way: Way,
    permit: &str,
    one_more: Option<i64>,
) -> Option<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(one_more.unwrap_or_default().unsigned_abs());
    let (first, last) = MANY.into_inner();
    let mut sums = Vec::new();
    for _ in 0..SPLITS {
        // A query has six conditions at most, so that a half is a span of years, and what is left.
        let mut ends = (first + 1..last).sample(&mut random, 2);
        ends.sort_unstable();
        let (from, to) = (ends[0], ends[1]);
        let or = one_more.map(|year| format!(" OR born_year = {year}"));
        let inside = format!(
            "born_year BETWEEN {from} AND {to}{}",
            or.unwrap_or_default()
        );
        let outside = format!(
            "born_year BETWEEN {first} AND {} OR born_year BETWEEN {} AND {last}",
            from - 1,
            to + 1
        );
        let mut sum = Some(0);
        for half in [inside, outside] {
            let sql = format!(
                "SELECT COUNT(*) FROM persons WHERE ({half}) AND _register IN ('{REGISTER}')"
            );
            let told = counts(&attacked.told(way, permit, &sql).await, 0);
            let told = told.and_then(|counts| counts.into_values().next());
            sum = sum.zip(told).map(|(sum, told)| sum + told);
        }
        sums.extend(sum);
    }
    let enough = sums.len() * 2 >= SPLITS;
    enough.then(|| sums.iter().sum::<u64>() as f64 / sums.len() as f64)
}
