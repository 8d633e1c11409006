//! Equal questions give equal bytes, whenever they are asked and whoever has been restarted since.
//!
//! Each run has a permit of its own, so that no ledger gives an earlier table, and agents answer in
//! whatever order they come. The gateway shows everything exactly, so that a sum that is off by its
//! last bit would show.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use innsyn_policy::{Clock as _, PermitId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::World;
use prost::Message as _;
use wire::dimension::Dimension as Divided;
use wire::measure::Measure as Told;
use wire::run_request::Question as Asked;
use wire::{Period, Pick, Query, Rows};

use super::asked_agents::AskedAgents;
use super::fleet::{Fleet, Prepared, until};
use super::research::{EXACT, by_code, measure, persons_by_sex, spec};

/// Registers whose numbers are whole, and three whose numbers are not and whose cells are the same:
/// of two it would not show in which order they are added.
const REGISTERS: [&str; 7] = ["fortyaar", "hkr", "hunt", "kreft", "mfr", "nowac", "npr"];
/// Runs of all queries together.
const RUNS: usize = 1_000;
/// After so many runs, an agent is restarted.
const RUNS_BETWEEN_RESTARTS: usize = 100;
/// Runs at once.
const AT_ONCE: usize = 8;

/// Of a person's first or last event: means and variances of `variables` by `by`.
fn moments(view: &str, pick: Pick, by: &str, variables: &[&str]) -> Query {
    let measures = variables.iter().flat_map(|name| {
        let name = (*name).to_owned();
        let told = [Told::Mean(name.clone()), Told::Variance(name)];
        told.map(measure)
    });
    Query {
        view: view.to_owned(),
        rows: Some(Rows {
            pick: pick.into(),
            ..Rows::default()
        }),
        dimensions: vec![by_code(by, 0)],
        measures: measures.collect(),
        ..Query::default()
    }
}

fn queries() -> Vec<Query> {
    let life_table = wire::LifeTable {
        entry: "diagnosed".to_owned(),
        event: "died".to_owned(),
        exit: "emigrated".to_owned(),
        step: Period::Year.into(),
        steps: 30,
    };
    let births_by_year = Query {
        period: Period::Year.into(),
        dimensions: vec![wire::Dimension {
            dimension: Some(Divided::Period(wire::OwnPeriod {})),
        }],
        ..moments("births", Pick::Last, "sex", &["weight", "weeks"])
    };
    let diagnoses = Query {
        view: "diagnoses".to_owned(),
        measures: vec![
            measure(Told::Persons(wire::Persons {})),
            measure(Told::Events(wire::EventCount {})),
        ],
        dimensions: vec![by_code("sex", 0), by_code("municipality", 1)],
        ..Query::default()
    };
    let survival = Query {
        measures: vec![measure(Told::LifeTable(life_table))],
        ..moments("cancers", Pick::First, "sex", &[])
    };
    vec![
        persons_by_sex(&[]),
        moments("examinations", Pick::First, "smoking", &["bmi", "systolic"]),
        moments("examinations", Pick::Last, "municipality", &["bmi"]),
        births_by_year,
        diagnoses,
        survival,
    ]
}

/// A permit that nobody has asked with before.
fn fresh_permit(world: &World, agents: &mut AskedAgents) -> String {
    let number = agents.permit_number();
    let permit = world.data_permit_with(SystemClock.now(), |terms| {
        terms.id = PermitId::new(ISSUER, &number).unwrap();
    });
    permit.unwrap()
}

fn request(researcher: &Researcher, query: &Query) -> wire::RunRequest {
    wire::RunRequest {
        must_be_complete: true,
        ..researcher.asks(Asked::Query(query.clone()))
    }
}

/// The table as it travels, but for the moment at which it left.
async fn released(researcher: Researcher, query: &Query) -> Result<Vec<u8>, tonic::Status> {
    let request = request(&researcher, query);
    let table = researcher.run(request, |_| ()).await?;
    assert!(!table.is_earlier, "computed, not remembered");
    assert!(!table.rows.is_empty());
    let table = wire::ReleasedTable {
        released_at: 0,
        // Each names its permit, its entry in the log and its time.
        receipts: Vec::new(),
        ..table
    };
    Ok(table.encode_to_vec())
}

/// Each register's cells and the name of its snapshot as they travel. What else is in a part is of
/// the one run: its entry in the log of use.
async fn parts(
    fleet: &Fleet,
    agents: &mut AskedAgents,
    researcher: &Researcher,
    query: &Query,
) -> BTreeMap<String, Vec<u8>> {
    let planned = researcher.dry_run(request(researcher, query)).await;
    let planned = planned.unwrap();
    let mut parts = BTreeMap::new();
    for register in &planned.registers {
        let permit = fresh_permit(&fleet.world, agents);
        let part = agents.part(register, &planned, permit).await.unwrap();
        let mut bytes = part.snapshot.to_vec();
        for cell in &part.cells {
            bytes.extend(cell.encode_to_vec());
        }
        parts.insert(register.clone(), bytes);
    }
    parts
}

#[tokio::test]
async fn equal_questions_give_equal_bytes_a_thousand_times_with_agents_restarted_between() {
    let prepared = Prepared::choosing(&spec(800, 12), |id, _| REGISTERS.contains(&id));
    let mut fleet = prepared.researching_with(EXACT).start().await;
    let researcher = fleet.researcher().await;
    let mut agents = AskedAgents::of(&fleet.world);
    let queries = queries();

    let mut tables: Vec<BTreeSet<Vec<u8>>> = vec![BTreeSet::new(); queries.len()];
    let mut first_parts = BTreeMap::new();
    let mut runs = 0;
    for round in 0..RUNS / RUNS_BETWEEN_RESTARTS {
        let asked: Vec<_> = (runs..runs + RUNS_BETWEEN_RESTARTS)
            .map(|run| {
                let permit = fresh_permit(&fleet.world, &mut agents);
                (run % queries.len(), researcher.clone().with_permit(permit))
            })
            .collect();
        let answers: Vec<(usize, Vec<u8>)> = stream::iter(asked)
            .map(async |(which, researcher)| {
                let table = released(researcher, &queries[which]).await?;
                Ok::<_, tonic::Status>((which, table))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
            .unwrap();
        runs += answers.len();
        for (which, table) in answers {
            tables[which].insert(table);
        }
        // Half of the queries in one round, the others in the next.
        for which in (round % 2..queries.len()).step_by(2) {
            let now = parts(&fleet, &mut agents, &researcher, &queries[which]).await;
            let first = first_parts.entry(which).or_insert_with(|| now.clone());
            assert_eq!(&now, first, "query {which}");
        }

        let register = REGISTERS[round % REGISTERS.len()];
        if round % 2 == 0 {
            fleet.kill(register).await;
        } else {
            fleet.stop(register).await;
        }
        fleet.restart(register);
        until("every register answers again", async || {
            let permit = fresh_permit(&fleet.world, &mut agents);
            let researcher = researcher.clone().with_permit(permit);
            released(researcher, &queries[0]).await.is_ok()
        })
        .await;
    }
    assert_eq!(runs, RUNS);
    let different: Vec<usize> = tables.iter().map(BTreeSet::len).collect();
    assert_eq!(different, vec![1; queries.len()], "tables of each query");
}
