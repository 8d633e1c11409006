//! Promise 8 for research: the gateway is killed during a run and started again. The researcher
//! is told, the ledger is right, nothing is charged twice, and the same query answers again.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use innsyn_broker::research::ledger::{LedgerConfig, Release};
use innsyn_policy::PermitId;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::processes::Starter;
use innsyn_sim::researcher::Researcher;
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tonic::Code;
use wire::RegisterState as State;
use wire::run_request::Question as Asked;
use wire::run_response::Message;

use super::fleet::{Fleet, Prepared, until};
use super::research::{persons_by_sex, run, spec};

type Ended = Result<wire::ReleasedTable, tonic::Status>;

/// What the gateway's ledger has under the researcher's permit, read by another program: the
/// releases, and how many queries each register is charged for.
pub(super) async fn ledger(fleet: &Fleet) -> (Vec<Release>, BTreeMap<String, u32>) {
    let config = fleet.world.research_gateway_config();
    let file = config.with_file_name("ledger.sqlite");
    assert!(file.exists(), "the ledger lies beside the configuration");
    let store = LedgerConfig::Sqlite { file }.open().await.unwrap();
    let permit = PermitId::new(ISSUER, "demo-1").unwrap();
    let releases = store.releases(&permit).await.unwrap();
    let answered = store.answered(&permit).await.unwrap().into_iter();
    let answered = answered.map(|(register, count)| (register.to_string(), count));
    (releases, answered.collect())
}

/// Starts a run, and says when a register has answered.
fn begin(
    researcher: &Researcher,
    query: wire::Query,
) -> (mpsc::UnboundedReceiver<()>, JoinHandle<Ended>) {
    let (answered, answers) = mpsc::unbounded_channel();
    let researcher = researcher.clone();
    let running = tokio::spawn(async move {
        let request = researcher.asks(Asked::Query(query));
        let each = |update: &Message| match update {
            Message::Progress(one) if one.state() == State::Answered => {
                answered.send(()).unwrap();
            }
            _ => {}
        };
        researcher.run(request, each).await
    });
    (answers, running)
}

#[tokio::test]
async fn promise_8_a_run_whose_gateway_is_killed_is_told_charges_nothing_and_can_be_run_again() {
    let mut fleet = Prepared::new(&spec(600, 6), 4).start().await;
    let researcher = fleet.researcher().await;
    let asked: Vec<String> = fleet.publishing().map(str::to_owned).collect();
    fleet.signal(&asked[0], Signal::STOP);
    let (mut answers, running) = begin(&researcher, persons_by_sex(&[]));
    for _ in &asked[1..] {
        answers.recv().await.unwrap();
    }
    fleet.kill_research_gateway().await;

    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    let (plain, library) = error.message().split_once(" (").unwrap();
    assert!(plain.contains("ask the same query again") && plain.contains("charged twice"));
    println!("the researcher is told: {plain}; beside it: ({library}");
    assert_eq!(ledger(&fleet).await, (Vec::new(), BTreeMap::new()));

    fleet.signal(&asked[0], Signal::CONT);
    fleet.restart_research_gateway();
    let researcher = fleet.researcher().await;
    let table = run(&researcher, persons_by_sex(&[])).await;
    assert!(!table.is_earlier);
    let again = run(&researcher, persons_by_sex(&[])).await;
    assert!(again.is_earlier);
    assert_eq!(again.rows, table.rows);
    let (releases, charged) = ledger(&fleet).await;
    assert_eq!(releases.len(), 1);
    assert_eq!(charged, asked.into_iter().map(|one| (one, 1)).collect());
}

#[tokio::test]
async fn promise_8_a_gateway_killed_at_any_moment_of_a_run_charges_each_question_once() {
    let mut fleet = Prepared::new(&spec(600, 7), 6).start().await;
    let asked: Vec<String> = fleet.publishing().take(4).map(str::to_owned).collect();
    let mut expected: BTreeMap<String, u32> = BTreeMap::new();
    let (mut released_before, lives) = (0, 1_usize << asked.len());
    for life in 1..lives {
        // Another question each time: of other registers.
        let some = asked.iter().enumerate();
        let some: Vec<&str> = some
            .filter(|(position, _)| life >> position & 1 == 1)
            .map(|(_, register)| register.as_str())
            .collect();
        let researcher = fleet.researcher().await;
        let (mut answers, running) = begin(&researcher, persons_by_sex(&some));
        // At another moment each time: before, between and after the registers' answers.
        for _ in 0..life % (some.len() + 1) {
            answers.recv().await.unwrap();
        }
        sleep(Duration::from_millis(life as u64 * 3 % 16)).await;
        fleet.kill_research_gateway().await;
        let killed = running.await.unwrap();
        let (in_ledger, _) = ledger(&fleet).await;
        if let Ok(told) = &killed {
            let last = in_ledger.last().unwrap();
            assert_eq!(last.table.rows, told.rows, "told, so recorded");
        }

        fleet.restart_research_gateway();
        let researcher = fleet.researcher().await;
        let again = run(&researcher, persons_by_sex(&some)).await;
        let was_released = in_ledger.len() == life;
        assert_eq!(again.is_earlier, was_released, "life {life}");
        released_before += usize::from(was_released);
        if let Ok(told) = killed {
            assert_eq!(again.rows, told.rows);
        }
        for register in some {
            *expected.entry(register.to_owned()).or_default() += 1;
        }
        let (releases, charged) = ledger(&fleet).await;
        assert_eq!(releases.len(), life);
        assert_eq!(charged, expected);
    }
    let (releases, _) = ledger(&fleet).await;
    let queries: BTreeSet<_> = releases.iter().map(|one| one.key.query).collect();
    assert_eq!(queries.len(), releases.len());
    println!(
        "killed {} times during a run; {released_before} had been recorded by then",
        lives - 1
    );
}

#[tokio::test]
async fn promise_5_a_gateway_that_cannot_open_its_ledger_does_not_start_and_says_what_to_do() {
    let prepared = Prepared::new(&spec(300, 9), 1);
    let config = prepared.world.research_gateway_config();
    let file = config.with_file_name("ledger.sqlite");
    std::fs::write(&file, "a letter to somebody, and no ledger at all").unwrap();
    let starter = Starter::new(PathBuf::from(env!("CARGO_BIN_EXE_innsyn-world")));
    let mut gateway = starter.research_gateway(&prepared.world).unwrap();
    until("it ends", async || gateway.has_ended()).await;
    let said = std::fs::read_to_string(config.with_file_name("log.txt")).unwrap();
    assert!(said.contains("ledger.sqlite` cannot be opened"), "{said}");
    assert!(said.contains("name another file"), "{said}");
}
