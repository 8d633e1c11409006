//! Sums of an attacker's own combinations, from which rows could be solved for.

use rand::seq::IteratorRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use innsyn_proto::wire::research::v1 as wire;
use wire::measure::Measure as Told;
use wire::run_request::Question as Asked;

use super::asking::Way;
use super::country::{Attacked, REGISTER};
use super::planted::{MANY, RARE, RARE_SCORES};
use super::{Kind, Outcome, Score};
use crate::system::research::measure;

/// Vectors of an attacker's own, and moments of two variables, as SQL says them.
const STATEMENTS: [&str; 18] = [
    "SELECT SUM(score * score) FROM treatments WHERE last_event()",
    "SELECT SUM(score * born_year) FROM treatments WHERE last_event()",
    "SELECT SUM(2 * score) FROM treatments WHERE last_event()",
    "SELECT SUM(score + 0) FROM treatments WHERE last_event()",
    "SELECT SUM(POWER(score, 2)) FROM treatments WHERE last_event()",
    "SELECT SUM(score * random()) FROM treatments WHERE last_event()",
    "SELECT SUM(CASE WHEN born_year = 1801 THEN 1 ELSE 0 END) FROM treatments WHERE last_event()",
    "SELECT SUM(score) FILTER (WHERE born_year = 1801) FROM treatments WHERE last_event()",
    "SELECT CORR(score, born_year) FROM treatments WHERE last_event()",
    "SELECT COVAR_POP(score, born_year) FROM treatments WHERE last_event()",
    "SELECT REGR_SLOPE(score, born_year) FROM treatments WHERE last_event()",
    "SELECT SUM(score * w) FROM treatments JOIN (VALUES (1801, 1)) v (y, w) ON born_year = y",
    "WITH v (y, w) AS (VALUES (1801, 1)) SELECT SUM(w * score) FROM treatments, v",
    "SELECT SUM(score * $1) FROM treatments WHERE last_event()",
    "SELECT SUM(score * ?) FROM treatments WHERE last_event()",
    "SELECT SUM(score) FROM treatments WHERE score = ANY (ARRAY[1, 2, 3])",
    "SELECT SUM(municipality) FROM treatments WHERE last_event()",
    "SELECT SUM(person) FROM treatments WHERE last_event()",
];

/// What a sum is asked of in the query's own form, which has a name there and nothing else.
const FORMULAS: [&str; 6] = [
    "score * score",
    "score * born_year",
    "2 * score",
    "score)",
    "municipality",
    "person",
];

/// In what steps the mean of five or six scores is told.
const STEP: f64 = 20.0;

/// Women who were born in each year of [`MANY`]; all scored 50.
const WOMEN_OF_MANY: f64 = 6.0;

/// Groups of which the mean is asked.
const GROUPS: usize = 40;

/// Every attack of this kind.
pub(super) async fn all(attacked: &mut Attacked, way: Way, score: &mut Score) {
    for sql in STATEMENTS {
        let permit = attacked.fresh_permit();
        let outcome = match attacked.told(way, &permit, sql).await {
            Err(_) => Outcome::Refused,
            Ok(_) => Outcome::Through,
        };
        score.book(Kind::Model, way, sql, outcome);
    }
    groups(attacked, way, score).await;
    groups_beside_others(attacked, way, score).await;
}

/// The same in the query's own form.
pub(super) async fn formulas(attacked: &mut Attacked, score: &mut Score) {
    for formula in FORMULAS {
        let permit = attacked.fresh_permit();
        let researcher = attacked.researcher.clone().with_permit(permit);
        let query = wire::Query {
            view: "treatments".to_owned(),
            measures: vec![measure(Told::Sum(formula.to_owned()))],
            ..wire::Query::default()
        };
        let outcome = match researcher
            .run(researcher.asks(Asked::Query(query)), |_| ())
            .await
        {
            Err(_) => Outcome::Refused,
            Ok(_) => Outcome::Through,
        };
        score.book(Kind::Model, Way::Grpc, format!("sum of {formula}"), outcome);
    }
}

/// An attacker's vectors of nought and one, said as years of birth: the means of many groups of ten
/// women of whom it is known that each scored 0 or 100. Open if all ways to share out the scores
/// that fit what is told agree on some woman.
async fn groups(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let permit = attacked.fresh_permit();
    let mut told = Vec::new();
    for _ in 0..GROUPS {
        let size = random.random_range(5..=6);
        let group = (0..RARE_SCORES.len()).sample(&mut random, size);
        let years = RARE.enumerate().filter(|(at, _)| group.contains(at));
        let years: Vec<String> = years.map(|(_, year)| year.to_string()).collect();
        let sql = format!(
            "SELECT AVG(score) FROM treatments WHERE last_event() AND _register IN ('{REGISTER}') \
             AND born_year IN ({})",
            years.join(", ")
        );
        let answer = attacked.told(way, &permit, &sql).await.ok();
        let mean = answer.and_then(|answer| Mean::of(answer.rows.first()?));
        told.extend(mean.map(|mean| (group, mean)));
    }
    let outcome = learnt(&told, Mean::is_of, Outcome::Through);
    score.book(Kind::Model, way, "means of many groups of ten", outcome);
}

/// The same beside so many others that a mean is told, of each of whom it is known that she scored
/// 50: each as good as half a score of 100.
#[expect(clippy::cast_precision_loss, reason = "persons are few")]
async fn groups_beside_others(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let permit = attacked.fresh_permit();
    let (first, last) = MANY.into_inner();
    let mut told = Vec::new();
    for _ in 0..GROUPS {
        // An expression has six conditions at most.
        let group = (0..RARE_SCORES.len()).sample(&mut random, 4);
        let years = RARE.enumerate().filter(|(at, _)| group.contains(at));
        let years: Vec<String> = years.map(|(_, year)| year.to_string()).collect();
        let from = random.random_range(first..last);
        let to = random.random_range(from + 1..=last);
        let sql = format!(
            "SELECT AVG(score) FROM treatments WHERE last_event() AND _register IN ('{REGISTER}') \
             AND (born_year IN ({}) OR born_year BETWEEN {from} AND {to})",
            years.join(", ")
        );
        let others = WOMEN_OF_MANY * (to - from + 1) as f64;
        let persons = others + 4.0;
        let answer = attacked.told(way, &permit, &sql).await.ok();
        let mean = answer.and_then(|answer| answer.rows.first()?.first()?.parse::<f64>().ok());
        // One person moves the mean by 100 in so many, and the next of 1, 2 and 5 is told.
        let off = persons * 2.5 / (persons - 2.0) / 2.0;
        let most = mean.map(|mean| mean * persons / 100.0 - others / 2.0);
        told.extend(most.map(|most| (group, (most - off, most + off))));
    }
    let fits =
        |(least, most): &(f64, f64), ones: usize, _| (*least..=*most).contains(&(ones as f64));
    let attack = "means of groups beside others";
    let learns = Outcome::of_what_learns(Kind::Beyond, attack);
    score.book(Kind::Beyond, way, attack, learnt(&told, fits, learns));
}

/// What is learnt of the ten women from what is told of groups of them, each of which fits some
/// numbers of scores of 100 among so many persons: it `learns` if all ways to share out the scores
/// that fit agree on some woman.
fn learnt<T>(
    told: &[(Vec<usize>, T)],
    fits: impl Fn(&T, usize, usize) -> bool,
    learns: Outcome,
) -> Outcome {
    let fits = |scores: u32| {
        told.iter().all(|(group, told)| {
            let most = group.iter().filter(|at| scores >> **at & 1 == 1);
            fits(told, most.count(), group.len())
        })
    };
    let all = (1_u32 << RARE_SCORES.len()) - 1;
    let fitting: Vec<u32> = (0..=all).filter(|scores| fits(*scores)).collect();
    let truth = |at: usize| u32::from(RARE_SCORES[at] > 0);
    let scores = (0..RARE_SCORES.len()).map(|at| truth(at) << at).sum();
    assert!(fitting.contains(&scores), "what is told is not so");
    let is_known = |at: usize| fitting.iter().all(|scores| scores >> at & 1 == truth(at));
    match (0..RARE_SCORES.len()).filter(|at| is_known(*at)).count() {
        _ if told.is_empty() => Outcome::Refused,
        0 => Outcome::Harmless,
        _ => learns,
    }
}

/// What is told of the mean of five or six scores.
enum Mean {
    /// In steps of [`STEP`].
    Shown(f64),
    /// Hidden, because one score of 100 could be most of the sum: that none or one is.
    Dominated,
}

impl Mean {
    fn of(row: &[String]) -> Option<Self> {
        let is_dominated = |text: &String| text.to_lowercase().contains("dominance");
        match row.first()?.parse() {
            Ok(mean) => Some(Self::Shown(mean)),
            Err(_) => row.iter().any(is_dominated).then_some(Self::Dominated),
        }
    }

    /// Whether it can be of so many scores of 100 among `persons`.
    #[expect(clippy::cast_precision_loss, reason = "persons are few")]
    fn is_of(&self, most: usize, persons: usize) -> bool {
        match self {
            Self::Shown(mean) => (100.0 * most as f64 / persons as f64 - mean).abs() <= STEP / 2.0,
            Self::Dominated => most <= 1,
        }
    }
}
