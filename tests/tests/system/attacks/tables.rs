//! What tables tell together of persons who may be counted, but of whom there are few.

use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::researcher::Researcher;
use wire::expression::Expression as Said;
use wire::literal::Literal as Is;
use wire::measure::Measure as Told;
use wire::run_request::Question as Asked;
use wire::value::Value as Shown;
use wire::{Expression, Operator, Pick, Query, Rows};

use super::country::{Attacked, Counts, OTHER, REGISTER, Seen};
use super::{Outcome, Score};
use crate::system::research::{by_code, measure};

/// Cells of fewer persons may not be known.
const SMALLEST: u64 = 5;
/// Counts are rounded to multiples of it.
const BASE: u64 = 5;
/// How many differences one attacker tries.
const TRIES: usize = 16;

/// Persons of the attacked register who meet `population`, by `dimensions`.
fn persons(dimensions: &[&str], population: Option<Expression>) -> Query {
    Query {
        view: "persons".to_owned(),
        registers: vec![REGISTER.to_owned()],
        population,
        dimensions: dimensions.iter().map(|name| by_code(name, 0)).collect(),
        measures: vec![measure(Told::Persons(wire::Persons {}))],
        ..Query::default()
    }
}

fn born(operator: Operator, year: i64) -> Expression {
    Expression {
        expression: Some(Said::Comparison(wire::Comparison {
            variable: "born_year".to_owned(),
            operator: operator.into(),
            literal: Some(wire::Literal {
                literal: Some(Is::Integer(year)),
            }),
        })),
    }
}

fn not(expression: Expression) -> Expression {
    Expression {
        expression: Some(Said::Not(Box::new(expression))),
    }
}

fn any(of: Vec<Expression>) -> Expression {
    Expression {
        expression: Some(Said::Any(wire::Expressions { of })),
    }
}

/// Every attack of this kind.
pub(super) async fn all(attacked: &mut Attacked, score: &mut Score) {
    trackers(attacked, score).await;
    complements(attacked, score).await;
    repetition(attacked, score).await;
    rewrites(attacked, score).await;
    existence(attacked, score).await;
    registers(attacked, score).await;
    dominance(attacked, score).await;
    models(attacked, score).await;
    one_site(attacked, score).await;
}

/// What two tables of one permit tell of a few persons who are in one of them only: that somebody
/// is there, if a count moves.
fn learnt(first: &Seen, second: &Seen, few: &Counts) -> Outcome {
    let (Some(first), Some(second)) = (first, second) else {
        return Outcome::Refused;
    };
    let moved = few.iter().any(|(key, few)| {
        (1..SMALLEST).contains(few)
            && matches!((first.get(key), second.get(key)), (Some(a), Some(b)) if a != b)
    });
    if moved {
        Outcome::Through
    } else {
        Outcome::Harmless
    }
}

/// Years in which a few of the register's people are born.
async fn rare_years(attacked: &mut Attacked) -> Vec<(i64, Counts)> {
    let mut rare = Vec::new();
    for year in 1925..1975 {
        let query = persons(&["sex"], Some(born(Operator::Equal, year)));
        let few = attacked.exact(&query).await;
        if (1..SMALLEST).contains(&few.values().sum()) {
            rare.push((year, few));
        }
        if rare.len() == TRIES {
            break;
        }
    }
    assert!(!rare.is_empty());
    rare
}

/// Everybody, and everybody but a few: subtract.
pub(super) async fn trackers(attacked: &mut Attacked, score: &mut Score) {
    let rare = rare_years(attacked).await;
    let researcher = attacked.with_fresh_permit();
    let everybody = attacked.seen(&persons(&["sex"], None), &researcher).await;
    assert!(everybody.is_some(), "the first question is anybody's");
    for (year, few) in &rare {
        let without = persons(&["sex"], Some(not(born(Operator::Equal, *year))));
        let without = attacked.seen(&without, &researcher).await;
        let outcome = learnt(&everybody, &without, few);
        score.book(format!("tracker: all but those of {year}"), outcome);
    }
    // The same as a ladder: one year more on each rung.
    let researcher = attacked.with_fresh_permit();
    let first = persons(&["sex"], Some(born(Operator::Less, rare[0].0)));
    let mut before = (rare[0].0, attacked.seen(&first, &researcher).await);
    for year in rare[0].0 + 1..=rare[0].0 + i64::try_from(TRIES).unwrap() {
        let rung = persons(&["sex"], Some(born(Operator::Less, year)));
        let seen = attacked.seen(&rung, &researcher).await;
        let between = Expression {
            expression: Some(Said::All(wire::Expressions {
                of: vec![
                    born(Operator::GreaterOrEqual, before.0),
                    born(Operator::Less, year),
                ],
            })),
        };
        let few = attacked.exact(&persons(&["sex"], Some(between))).await;
        score.book(format!("ladder: to {year}"), learnt(&before.1, &seen, &few));
        if seen.is_some() {
            before = (year, seen);
        }
    }
}

/// The smallest and the largest count that is shown as `shown`.
fn interval(shown: Option<&u64>) -> (u64, u64) {
    match shown {
        Some(shown) => {
            let low = shown.saturating_sub(BASE / 2).max(SMALLEST);
            (low, shown + BASE / 2)
        }
        None => (0, u64::MAX / 4),
    }
}

/// A cell that is hidden, from its margin and its neighbours. Each table has a permit of its own, so
/// that nothing but the table itself protects the cell.
pub(super) async fn complements(attacked: &mut Attacked, score: &mut Score) {
    let by_municipality = vec![persons(&["municipality", "sex"], None)];
    let years = (1925..1975).map(|year| persons(&["sex"], Some(born(Operator::Equal, year))));
    let kinds = [
        ("municipality", by_municipality, 1),
        ("born", years.collect(), 0),
    ];
    for (by, tables, keep) in kinds {
        let mut outcome = Outcome::Harmless;
        for table in tables {
            let one = attacked.with_fresh_permit();
            let other = attacked.with_fresh_permit();
            let of_margin = Query {
                dimensions: table.dimensions[..keep].to_vec(),
                ..table.clone()
            };
            let exact = attacked.exact(&table).await;
            let cells = attacked.seen(&table, &one).await.unwrap_or_default();
            let margins = attacked.seen(&of_margin, &other).await.unwrap_or_default();
            if pinned_down(&exact, &cells, &margins, keep) {
                outcome = Outcome::Through;
            }
        }
        score.book(format!("complementary cells by {by}"), outcome);
    }
}

/// Whether a cell of few persons cannot have every number from 1 to [`SMALLEST`] − 1.
fn pinned_down(exact: &Counts, cells: &Counts, margins: &Counts, keep: usize) -> bool {
    let few = exact.iter().filter(|(_, persons)| **persons < SMALLEST);
    few.into_iter().any(|(key, _)| {
        let Some(margin) = margins.get(&key[..keep]) else {
            return false;
        };
        let (margin_low, margin_high) = interval(Some(margin));
        // Sexes are two, and everybody has one.
        let neighbours = ["female", "male"].into_iter().filter_map(|sex| {
            let mut neighbour = key[..keep].to_vec();
            neighbour.push(sex.to_owned());
            (neighbour != *key).then_some(neighbour)
        });
        let (mut low, mut high) = (0, 0);
        for neighbour in neighbours {
            let (least, most) = interval(cells.get(&neighbour));
            (low, high) = (low + least, high + most);
        }
        let (least, most) = (
            margin_low.saturating_sub(high),
            margin_high.saturating_sub(low),
        );
        least > 1 || most < SMALLEST - 1
    })
}

/// The same question again and again, so that whatever is random averages out.
async fn repetition(attacked: &mut Attacked, score: &mut Score) {
    let query = persons(&["sex"], None);
    let mut seen = Vec::new();
    for _ in 0..20 {
        let researcher = attacked.with_fresh_permit();
        seen.push(attacked.seen(&query, &researcher).await.unwrap());
    }
    let outcome = if seen.iter().all(|one| *one == seen[0]) {
        Outcome::Harmless
    } else {
        Outcome::Through
    };
    score.book("repetition", outcome);
}

/// The same persons in other words, under one permit; and in two halves, added up.
async fn rewrites(attacked: &mut Attacked, score: &mut Score) {
    let researcher = attacked.with_fresh_permit();
    let everybody = attacked.seen(&persons(&["sex"], None), &researcher).await;
    let less = |year| born(Operator::Less, year);
    for year in [1930, 1940, 1950, 1960] {
        let always = any(vec![less(year), not(less(year))]);
        let twin = persons(&["sex"], Some(always));
        let twin = attacked.seen(&twin, &researcher).await;
        let outcome = match &twin {
            None => Outcome::Refused,
            twin if *twin == everybody => Outcome::Harmless,
            Some(_) => Outcome::Through,
        };
        score.book(format!("rewrite at {year}"), outcome);
    }
    // Of two halves of many persons nothing follows but sums of rounded counts.
    let exact = attacked.exact(&persons(&["sex"], None)).await;
    for year in [1935, 1945, 1955] {
        let halves = [less(year), not(less(year))].map(|half| persons(&["sex"], Some(half)));
        let mut sums: Option<Counts> = Some(Counts::new());
        for half in halves {
            let seen = attacked.seen(&half, &researcher).await;
            sums = sums.zip(seen).map(|(mut sums, seen)| {
                for (key, persons) in seen {
                    *sums.entry(key).or_default() += persons;
                }
                sums
            });
        }
        let outcome = match sums {
            None => Outcome::Refused,
            // Two rounded numbers leave at least four counts open around the true one.
            Some(sums) => {
                let near = |(key, persons): (&Vec<String>, &u64)| {
                    sums.get(key)
                        .is_none_or(|sum| sum.abs_diff(*persons) <= 2 * (BASE / 2))
                };
                if exact.iter().all(near) && sums.values().all(|sum| sum % BASE == 0) {
                    Outcome::Harmless
                } else {
                    Outcome::Through
                }
            }
        };
        score.book(format!("split and sum at {year}"), outcome);
    }
}

/// Nobody, and somebody of whom there are few, must look alike.
async fn existence(attacked: &mut Attacked, score: &mut Score) {
    let (mut none, mut few) = (None, None);
    for year in 1900..1975 {
        let query = persons(&[], Some(born(Operator::Equal, year)));
        match attacked.exact(&query).await.values().sum() {
            0 => none = Some(query),
            1..SMALLEST => few = Some(query),
            _ => {}
        }
    }
    let mut seen = Vec::new();
    for query in [none.unwrap(), few.unwrap()] {
        let researcher = attacked.with_fresh_permit();
        let request = researcher.asks(Asked::Query(query));
        let answer = researcher.run(request, |_| ()).await;
        seen.push(
            answer
                .map(|table| table.rows)
                .map_err(|status| status.code()),
        );
    }
    let outcome = match (&seen[0], &seen[1]) {
        (none, few) if none != few => Outcome::Through,
        (Err(_), _) => Outcome::Refused,
        (Ok(_), _) => Outcome::Harmless,
    };
    score.book("nobody or few", outcome);
}

/// All registers, and all but one: what is left is that one's.
async fn registers(attacked: &mut Attacked, score: &mut Score) {
    let by = ["municipality", "sex"];
    let both = Query {
        registers: vec![OTHER.to_owned(), REGISTER.to_owned()],
        ..persons(&by, None)
    };
    for (left_out, rest) in [(OTHER, REGISTER), (REGISTER, OTHER)] {
        let of = |register: &str| Query {
            registers: vec![register.to_owned()],
            ..persons(&by, None)
        };
        let few = attacked.exact(&of(left_out)).await;
        let researcher = attacked.with_fresh_permit();
        let all = attacked.seen(&both, &researcher).await;
        let rest = attacked.seen(&of(rest), &researcher).await;
        let outcome = learnt(&all, &rest, &few);
        score.book(format!("all registers but {left_out}"), outcome);
    }
}

/// The mean of few persons, of whom one could make most.
async fn dominance(attacked: &mut Attacked, score: &mut Score) {
    let query = Query {
        view: "treatments".to_owned(),
        rows: Some(Rows {
            pick: Pick::Last.into(),
            ..Rows::default()
        }),
        measures: vec![
            measure(Told::Persons(wire::Persons {})),
            measure(Told::Mean("score".to_owned())),
        ],
        ..persons(&["municipality", "sex"], None)
    };
    let researcher: Researcher = attacked.with_fresh_permit();
    let request = researcher.asks(Asked::Query(query));
    let outcome =
        match researcher.run(request, |_| ()).await {
            Err(_) => Outcome::Refused,
            Ok(table) => {
                let is_coarse = table.rows.iter().all(|row| {
                    match (&row.values[2].value, &row.values[3].value) {
                        (Some(Shown::Count(persons)), Some(Shown::Real(mean))) => {
                            is_on_a_grid(*mean, *persons)
                        }
                        (Some(Shown::Hidden(_)), shown) => matches!(shown, Some(Shown::Hidden(_))),
                        _ => true,
                    }
                });
                if is_coarse {
                    Outcome::Harmless
                } else {
                    Outcome::Through
                }
            }
        };
    score.book("dominance", outcome);
}

/// Whether a mean of scores from 0 to 100 is not told more finely than one person of so many could
/// move it.
#[expect(clippy::cast_precision_loss, reason = "persons are few")]
fn is_on_a_grid(mean: f64, persons: u64) -> bool {
    let step = 100.0 / persons as f64;
    let power = 10_f64.powf(step.log10().floor());
    let grid = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let grid = grid.into_iter().find(|grid| *grid >= step).unwrap();
    ((mean / grid).round() - mean / grid).abs() < 1e-9
}

/// Sums of an attacker's own combinations, from which rows could be solved for.
async fn models(attacked: &mut Attacked, score: &mut Score) {
    let asked = |told: Told| Query {
        view: "treatments".to_owned(),
        measures: vec![measure(told)],
        ..persons(&[], None)
    };
    for formula in [
        "score * score",
        "score * born_year",
        "2 * score",
        "score)",
        "municipality",
        "person",
    ] {
        let researcher = attacked.with_fresh_permit();
        let request = researcher.asks(Asked::Query(asked(Told::Sum(formula.to_owned()))));
        let outcome = match researcher.run(request, |_| ()).await {
            Err(_) => Outcome::Refused,
            Ok(_) => Outcome::Through,
        };
        score.book(format!("sum of {formula}"), outcome);
    }
}

/// One register's own small cells.
async fn one_site(attacked: &mut Attacked, score: &mut Score) {
    for register in [REGISTER, OTHER] {
        let query = Query {
            registers: vec![register.to_owned()],
            ..persons(&["municipality", "sex"], None)
        };
        let exact = attacked.exact(&query).await;
        let researcher = attacked.with_fresh_permit();
        let outcome = match attacked.seen(&query, &researcher).await {
            None => Outcome::Refused,
            Some(seen) => {
                let many = |key| exact.get(key).is_some_and(|persons| *persons >= SMALLEST);
                if seen.keys().all(many) {
                    Outcome::Harmless
                } else {
                    Outcome::Through
                }
            }
        };
        score.book(format!("cells of {register} alone"), outcome);
    }
}
