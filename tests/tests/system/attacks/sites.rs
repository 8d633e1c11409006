//! One register's own cells, where only all registers together are asked for.

use std::ops::RangeInclusive;

use rustix::process::Signal;

use super::asking::{Answer, Statement, Way, counts};
use super::country::{Attacked, OTHER, REGISTER};
use super::planted::{LEAVING, MANY, NOBODY};
use super::tracker::learnt;
use super::{Kind, Outcome, SMALLEST, Score};

/// How long registers may take that are not to answer, in milliseconds.
const SHORT_MS: u32 = 1_500;

/// What a receipt says, in its own words. None is of whom the query counted.
const OF_RECEIPT: [&str; 15] = [
    "register",
    "query",
    "permit",
    "permit-digest",
    "snapshot",
    "purpose",
    "settings-read",
    "settings-age-s",
    "smallest-cell",
    "rounding-base",
    "steward-rule",
    "steward-approved",
    "persons-excluded-about",
    "use-log-leaf",
    "at",
];

/// Women of whom the attacked register has many and the other one three.
fn sql(registers: &[&str]) -> String {
    sql_of(MANY, registers)
}

fn sql_of(born: RangeInclusive<i64>, registers: &[&str]) -> String {
    let (from, to) = born.into_inner();
    let registers = registers.join("', '");
    format!(
        "SELECT sex, COUNT(*) FROM persons WHERE born_year BETWEEN {from} AND {to} \
         AND _register IN ('{registers}') GROUP BY sex"
    )
}

/// Every attack of this kind.
pub(super) async fn all(attacked: &mut Attacked, way: Way, score: &mut Score) {
    alone(attacked, way, score).await;
    left_out(attacked, way, score).await;
    late(attacked, way, score).await;
    beside(attacked, way, score).await;
}

/// A register's cells, asked for alone.
async fn alone(attacked: &mut Attacked, way: Way, score: &mut Score) {
    for register in [REGISTER, OTHER] {
        let sql = format!(
            "SELECT municipality, sex, COUNT(*) FROM persons WHERE _register IN ('{register}') \
             GROUP BY municipality, sex"
        );
        let exact = attacked.exact(&sql).await;
        let permit = attacked.fresh_permit();
        let outcome = match counts(&attacked.told(way, &permit, &sql).await, 2) {
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
        score.book(Kind::OneSite, way, format!("{register} alone"), outcome);
    }
}

/// All registers, and all but one: what is left is that one's.
async fn left_out(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let (both, one) = (sql(&[OTHER, REGISTER]), sql(&[REGISTER]));
    for (attack, first, second) in [("left out", &both, &one), ("added", &one, &both)] {
        let permit = attacked.fresh_permit();
        let first = counts(&attacked.told(way, &permit, first).await, 1);
        let second = counts(&attacked.told(way, &permit, second).await, 1);
        let outcome = learnt(first.as_ref(), second.as_ref());
        score.book(Kind::OneSite, way, format!("{OTHER} {attack}"), outcome);
    }
}

/// The same, where a register has not answered in time and the table says so. What the gateway has
/// released it gives again, so the second time is in other words.
async fn late(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let ((from, to), both) = (MANY.into_inner(), sql(&[OTHER, REGISTER]));
    let again = sql_of(from - 1..=to + 1, &[OTHER, REGISTER]);
    for is_late_first in [true, false] {
        let permit = attacked.fresh_permit();
        let mut seen = Vec::new();
        for (sql, is_late) in [(&both, is_late_first), (&again, !is_late_first)] {
            let statement = Statement {
                sql,
                permit: &permit,
                deadline_ms: if is_late { SHORT_MS } else { 0 },
                must_be_complete: false,
            };
            if is_late {
                attacked.fleet.signal(OTHER, Signal::STOP);
            }
            let told = attacked.send(way, &statement).await;
            attacked.fleet.signal(OTHER, Signal::CONT);
            seen.push(counts(&told, 1));
        }
        let outcome = learnt(seen[0].as_ref(), seen[1].as_ref());
        let when = if is_late_first { "first" } else { "then" };
        score.book(Kind::OneSite, way, format!("{OTHER} {when} late"), outcome);
    }
    let permit = attacked.fresh_permit();
    let complete = Statement {
        sql: &both,
        permit: &permit,
        deadline_ms: SHORT_MS,
        must_be_complete: true,
    };
    attacked.fleet.signal(OTHER, Signal::STOP);
    let told = attacked.send(way, &complete).await;
    attacked.fleet.signal(OTHER, Signal::CONT);
    let outcome = match told {
        Err(text) if text.contains(&format!("there is no answer of `{OTHER}`")) => Outcome::Refused,
        _ => Outcome::Through,
    };
    score.book(
        Kind::OneSite,
        way,
        "only if it is complete, and it is not",
        outcome,
    );
}

/// What is said beside the table: of each register that it answered, and no number of its own.
async fn beside(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let mut told = Vec::new();
    for born in [MANY, LEAVING.0..=LEAVING.0, NOBODY..=NOBODY] {
        let sql = sql_of(born, &[OTHER, REGISTER]);
        let permit = attacked.fresh_permit();
        let answer = attacked.told(way, &permit, &sql).await.unwrap();
        let report = match way {
            Way::Grpc => None,
            #[cfg(feature = "external")]
            Way::FlightSql => {
                let report = attacked
                    .told(way, &permit, "SELECT * FROM query_report")
                    .await;
                Some(report.unwrap())
            }
        };
        told.push((answer, report));
    }
    let is_silent = told.iter().all(|(answer, report)| {
        tells_no_number(answer, &told[0].0) && report.as_ref().is_none_or(is_of_outcomes)
    });
    let outcome = if is_silent {
        Outcome::Harmless
    } else {
        Outcome::Through
    };
    score.book(Kind::OneSite, way, "what is said beside a table", outcome);
}

/// Whether nothing beside the rows of `answer` depends on whom it counted; `other` counted others.
fn tells_no_number(answer: &Answer, other: &Answer) -> bool {
    let numbers = |text: &String| text.bytes().any(|byte| byte.is_ascii_digit());
    let states = [
        answer.beside.get("registers"),
        answer.beside.get("progress"),
    ];
    let columns = [
        "sex",
        "registrations",
        "persons",
        "registrations_hidden",
        "persons_hidden",
    ];
    let columns = [&columns[..], &["_registers_asked", "_registers_answered"]].concat();
    answer.beside == other.beside
        && !states.into_iter().flatten().any(numbers)
        && answer
            .columns
            .iter()
            .all(|name| columns.contains(&name.as_str()))
        && answer
            .receipts
            .iter()
            .all(|receipt| is_of_no_query(receipt, &other.receipts))
}

/// Whether all that a receipt says is known, and its one number of persons the same as in a
/// receipt of that register for whatever was asked.
fn is_of_no_query(receipt: &str, others: &[String]) -> bool {
    let (text, _signature) = receipt.split_once("\n\n").unwrap();
    let mut lines = text.lines();
    let lines_of = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.map(str::to_owned)
    };
    let register = lines_of(text, "register: ");
    let excluded = lines_of(text, "persons-excluded-about: ").unwrap();
    lines.next() == Some("innsyn receipt 1")
        && lines.all(|line| OF_RECEIPT.contains(&line.split_once(": ").unwrap().0))
        && excluded.ends_with('0')
        && others
            .iter()
            .filter(|other| lines_of(other, "register: ") == register)
            .all(|other| lines_of(other, "persons-excluded-about: ").unwrap() == excluded)
}

/// Grounds of a refusal that are nobody in the register's data; none is given of who answered.
const GROUNDS: [&str; 5] = [
    "None",
    "settings_too_old",
    "steward",
    "data_permit",
    "outside_data_permit",
];

/// Whether a report says of each register what became of it, and nothing else.
fn is_of_outcomes(report: &Answer) -> bool {
    let columns = [
        "query_name",
        "released_at",
        "is_earlier",
        "register",
        "outcome",
        "reason",
    ];
    report.columns == columns
        && report.rows.iter().all(|row| {
            ["answered", "refused", "silent"].contains(&row[4].as_str())
                && GROUNDS.contains(&row[5].as_str())
        })
}
