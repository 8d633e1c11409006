//! A researcher's question to every register, through the research gateway, the relay and real
//! agents; held against a count of the registers' own files.

use std::collections::BTreeMap;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::registers::folder::Content;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::truth::pooled::{By, Counted, Question, Rows, Table, pooled};
use innsyn_sim::world::WorldSpec;
use rustix::process::Signal;
use tokio::time::Instant;
use wire::RegisterState as State;
use wire::dimension::Dimension as Divided;
use wire::measure::Measure as Told;
use wire::run_request::Question as Asked;
use wire::run_response::Message;
use wire::value::Value as Shown;

use super::fleet::{Fleet, Prepared};

/// How a research gateway without disclosure control is started.
pub(super) const EXACT: &[&str] = &["weakened-research-gateway", "control"];

/// A world whose registers publish views.
pub(super) fn spec(persons: u32, seed: u64) -> WorldSpec {
    WorldSpec {
        content: Content::Views,
        ..WorldSpec::new(persons, seed)
    }
}

/// Persons by sex in the view that every register publishes, or some of them.
pub(super) fn persons_by_sex(registers: &[&str]) -> wire::Query {
    wire::Query {
        view: "persons".to_owned(),
        registers: registers.iter().map(|one| (*one).to_owned()).collect(),
        dimensions: vec![by_code("sex", 0)],
        measures: vec![measure(Told::Persons(wire::Persons {}))],
        ..wire::Query::default()
    }
}

pub(super) fn by_code(variable: &str, level: u32) -> wire::Dimension {
    wire::Dimension {
        dimension: Some(Divided::Code(wire::CodeLevel {
            variable: variable.to_owned(),
            level,
        })),
    }
}

pub(super) fn measure(measure: Told) -> wire::Measure {
    wire::Measure {
        measure: Some(measure),
    }
}

/// What a value is, in words: the text of a dimension, a count, or why it is hidden.
pub(super) fn told(value: &wire::Value) -> String {
    match &value.value {
        None => "missing".to_owned(),
        Some(Shown::Text(text)) => text.clone(),
        Some(Shown::Count(count)) => count.to_string(),
        Some(Shown::Real(real)) => real.to_string(),
        Some(Shown::Hidden(reason)) => wire::Hidden::try_from(*reason)
            .unwrap()
            .as_str_name()
            .to_owned(),
    }
}

/// What became of each register.
pub(super) fn states(table: &wire::ReleasedTable) -> BTreeMap<String, State> {
    let registers = table.registers.iter();
    registers
        .map(|one| (one.register_id.clone(), one.state()))
        .collect()
}

pub(super) async fn run(researcher: &Researcher, query: wire::Query) -> wire::ReleasedTable {
    let request = researcher.asks(Asked::Query(query));
    researcher.run(request, |_| ()).await.unwrap()
}

/// Every cell that is shown is the truth, rounded; and some are shown.
fn agrees(table: &wire::ReleasedTable, truth: &Table, counted: fn(&Counted) -> u64) {
    let base = u64::from(table.rounding_base);
    let dimensions = table.columns.len() - 1;
    let mut shown = 0;
    for row in &table.rows {
        let (key, values) = row.values.split_at(dimensions);
        let key: Vec<Option<String>> = key
            .iter()
            .map(|value| value.value.as_ref().map(|_| told(value)))
            .collect();
        let Some(Shown::Count(count)) = values[0].value else {
            continue;
        };
        shown += 1;
        let exact = truth.get(&key).map_or(0, counted);
        assert!(count.is_multiple_of(base), "{count}");
        assert!(
            count.abs_diff(exact) * 2 <= base,
            "{key:?}: {count} of {exact}"
        );
    }
    assert!(shown > 0, "nothing is shown");
}

#[tokio::test]
async fn a_query_is_answered_by_every_register_and_every_shown_cell_is_true() {
    let fleet = Fleet::start(&spec(2_000, 3), 12).await;
    let researcher = fleet.researcher().await;
    let mut told = Vec::new();
    let request = researcher.asks(Asked::Query(persons_by_sex(&[])));
    let table = researcher.run(request, |update| told.push(update.clone()));
    let table = table.await.unwrap();

    let asked: Vec<&str> = fleet.publishing().collect();
    let states = states(&table);
    for register in &asked {
        assert_eq!(states[*register], State::Answered, "{register}");
    }
    assert!(table.counts_registrations, "registers share persons");
    assert!(matches!(told[0], Message::Started(_)));
    let answered = told.iter().filter(
        |update| matches!(update, Message::Progress(one) if one.state() == State::Answered),
    );
    assert_eq!(answered.count(), asked.len());

    let country = fleet.world.folder.join("country");
    let question = Question {
        view: "persons",
        by: &[By::Code("sex", 0)],
        rows: Rows::All,
        only: |_| true,
    };
    let truth = pooled(&country, &question, SystemClock.now()).unwrap();
    agrees(&table, &truth, |cell| cell.registrations);

    let of_one = run(&researcher, persons_by_sex(&asked[..1])).await;
    assert!(
        !of_one.counts_registrations,
        "one register has no person twice"
    );
}

#[tokio::test]
async fn a_hung_and_a_dead_register_are_named_and_the_others_are_counted() {
    // The one that knows people by pseudonyms only publishes nothing.
    let mut fleet = Prepared::choosing(&spec(600, 4), |id, position| id != "lmr" && position <= 70)
        .start()
        .await;
    let researcher = fleet.researcher().await;
    let asked: Vec<String> = fleet.publishing().map(str::to_owned).collect();
    assert_eq!(asked.len(), 70);
    let (hung, dead) = (asked[0].clone(), asked[1].clone());
    fleet.signal(&hung, Signal::STOP);
    fleet.kill(&dead).await;

    let request = wire::RunRequest {
        deadline_ms: 5_000,
        ..researcher.asks(Asked::Query(persons_by_sex(&[])))
    };
    let began = Instant::now();
    let table = researcher.run(request.clone(), |_| ()).await.unwrap();
    // The hung one costs its deadline, and not what the connection to it takes to be given up.
    let took = began.elapsed();
    assert!((5..9).contains(&took.as_secs()), "{took:?}");
    let states = states(&table);
    for register in &asked {
        let silent = *register == hung || *register == dead;
        let expected = if silent {
            State::Silent
        } else {
            State::Answered
        };
        assert_eq!(states[register], expected, "{register}");
    }
    let answered = states.values().filter(|state| **state == State::Answered);
    assert_eq!((answered.count(), states.len()), (68, 70));
    let complete = wire::RunRequest {
        must_be_complete: true,
        ..request
    };
    let refused = researcher.run(complete, |_| ()).await.unwrap_err();
    assert!(refused.message().contains(&hung), "{refused}");
    assert!(refused.message().contains(&dead), "{refused}");
    fleet.signal(&hung, Signal::CONT);
}

#[tokio::test]
async fn a_research_gateway_that_was_killed_answers_again() {
    let mut fleet = Prepared::new(&spec(600, 5), 4).start().await;
    let researcher = fleet.researcher().await;
    let before = run(&researcher, persons_by_sex(&[])).await;
    fleet.kill_research_gateway().await;
    let request = researcher.asks(Asked::Query(persons_by_sex(&[])));
    researcher.run(request, |_| ()).await.unwrap_err();

    fleet.restart_research_gateway();
    let researcher = fleet.researcher().await;
    let after = run(&researcher, persons_by_sex(&[])).await;
    assert_eq!(after.rows, before.rows);
}
