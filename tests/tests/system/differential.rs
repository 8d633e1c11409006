//! Random questions over random registers have one answer, whoever counts: the engine
//! over files, PostgreSQL where the rows stand in a database, and `DuckDB` over the same files.
//!
//! `DuckDB` gets its statements from `clients/differential.py`, which is written from what
//! `proto/query.md` says and shares nothing with ours. Registers and questions are those that the
//! engine's own tests draw.

#![expect(clippy::print_stdout, reason = "the seed")]

mod duckdb;
mod loading;

/// The engine's own registers and questions, from its tests.
mod engine {
    pub(super) use innsyn_agent::engine::{
        Answer, EngineError, Included, PersonSet, SCAN_BYTES, Snapshot, StoredFile, StoredView, run,
    };

    #[expect(dead_code, reason = "the engine's tests use more of them")]
    pub(super) mod tests {
        #[path = "../../../../../../node-agent/src/engine/tests/random.rs"]
        pub(in crate::system::differential) mod random;
        #[path = "../../../../../../node-agent/src/engine/tests/world.rs"]
        pub(in crate::system::differential) mod world;

        pub(in crate::system::differential) mod drawn;
    }
}

use std::time::Duration;

use innsyn_policy::Persons as _;
use tokio::time::{Instant, timeout};

use super::postgres::register::{self, Published, RESEARCH};
use super::postgres::server::Server;
use duckdb::DuckDb;
use engine::tests::drawn::Drawn;

/// Registers, and questions asked of each: 2,000 cases.
const REGISTERS: u64 = 50;
const QUESTIONS: u32 = 40;
/// Persons of a register, and events in each of its views, at most.
const PERSONS_MAX: u32 = 250;
const EVENTS_MAX: u32 = 700;
/// People who are not in a register, and whose rows are there all the same.
const STRANGERS: u32 = 3;
/// Where the cases begin.
const SEED: u64 = 20_261_127;
/// A wait that only a failing test sits out.
const LONG: Duration = Duration::from_mins(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_random_questions_have_one_answer_in_files_in_postgresql_and_in_duckdb() {
    println!("seed {SEED}");
    let begun = Instant::now();
    let server = Server::start();
    server.run(RESEARCH).await;
    let mut duckdb = DuckDb::start();
    let asking = async {
        let mut cells = 0;
        for seed in SEED..SEED + REGISTERS {
            cells += ask(&server, &mut duckdb, seed).await;
            println!("seed {seed}: {cells} cells, {:?}", begun.elapsed());
        }
        cells
    };
    let cells = timeout(LONG, asking).await.expect("it ends");
    println!("{cells} cells, in {:?}", begun.elapsed());
    // The questions are not all about nobody.
    assert!(cells > 10_000, "{cells}");
}

/// Asks all three about one register; how many cells there were.
async fn ask(server: &Server, duckdb: &mut DuckDb, seed: u64) -> usize {
    let mut drawn = Drawn::new(seed, PERSONS_MAX, EVENTS_MAX);
    let persons = drawn.snapshot().persons;
    let ids = register::ids(persons + STRANGERS);
    server.run(&loading::tables(&drawn, &ids)).await;
    server
        .run(&people(&mut drawn, &ids[..persons as usize]))
        .await;
    let section = register::section(server, &loading::views(&drawn));
    let published = Published::open(section).await;
    let data = published.look().await;
    duckdb.open(drawn.snapshot()).await;

    let mut cells = 0;
    for _ in 0..QUESTIONS {
        let (query, mut included) = drawn.question();
        // Some said no before the views were looked at, the others since.
        included.keep_only(&register::included(&data));
        let answer = drawn.answer(&query, &included);
        let (table, counted) = duckdb.answer(&query, &included).await;
        assert_eq!(answer.table, table, "DuckDB, seed {seed}: {query:#?}");
        assert_eq!(answer.counted, counted, "DuckDB, seed {seed}: {query:#?}");
        let pushed = register::count(&data, &query, included).await;
        let pushed = pushed.unwrap_or_else(|error| panic!("seed {seed}: {error}: {query:#?}"));
        // Their texts, so that two numbers that are equal but not alike are told apart.
        assert_eq!(
            format!("{:?}", answer.table),
            format!("{:?}", pushed.table),
            "PostgreSQL, seed {seed}: {query:#?}"
        );
        assert_eq!(answer.counted, pushed.counted, "seed {seed}: {query:#?}");
        assert_eq!(answer.placed, pushed.placed, "seed {seed}: {query:#?}");
        cells += table.cells.len();
    }
    cells
}

/// The statements that make `ids` the people, of whom some say no.
fn people(drawn: &mut Drawn, ids: &[String]) -> String {
    let values: Vec<_> = ids.iter().map(|id| format!("('{id}')")).collect();
    let mut statements = format!(
        "TRUNCATE people, settings; INSERT INTO people (fnr) VALUES {};",
        values.join(", ")
    );
    for id in ids {
        if drawn.chance(10) {
            let no = "', 'block', 'research', '2024-01-01');";
            statements.extend(["INSERT INTO settings VALUES ('", id, no]);
        }
    }
    statements
}
