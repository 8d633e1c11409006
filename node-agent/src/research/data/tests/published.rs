//! When something is published, under what name, and how long its files stay.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use innsyn_proto::wire::research::v1 as wire;
use tokio_util::sync::CancellationToken;

use super::super::ResearchData;
use super::super::publisher::{Publisher, Refreshed};
use super::world::{Agent, Folder, VIEW, config, persons_of, read_parquet};
use crate::engine::{self, SCAN_BYTES};
use crate::finding::Severity;
use crate::sources::{self, Silent};
use crate::subjects::Found;
use crate::test_ids::{NUMBERS, clearance, digits, person};

fn published(agent: &Agent) -> Arc<ResearchData> {
    agent
        .store
        .current()
        .research()
        .expect("something published")
}

/// The only view's file.
fn file_of(research: &ResearchData) -> PathBuf {
    research.snapshot().views[0].files[0].path().to_owned()
}

/// The persons of the only view's rows.
fn rows_of(research: &ResearchData) -> Vec<u32> {
    persons_of(&read_parquet(&file_of(research)))
}

#[tokio::test]
async fn what_is_published_says_whose_it_is_and_can_be_asked_of() {
    let folder = Folder::of(&[0, 1, 2], VIEW);
    folder.write_prescriptions(&[(0, "A10"), (1, "A10"), (1, "B01")]);
    let agent = Agent::over(&folder).await;
    assert!(agent.store.current().research().is_none());
    agent.publish().await;

    let research = published(&agent);

    let [view] = research.views() else {
        panic!("not one view");
    };
    assert_eq!(view.register_id, "reseptreg");
    assert_eq!(
        (view.name.as_str(), view.persons_about),
        ("prescriptions", 0)
    );
    let query = wire::Query {
        view: "prescriptions".to_owned(),
        dimensions: vec![wire::Dimension {
            dimension: Some(wire::dimension::Dimension::Code(wire::CodeLevel {
                variable: "atc".to_owned(),
                level: 1,
            })),
        }],
        rows: Some(wire::Rows {
            r#where: None,
            pick: wire::Pick::First.into(),
        }),
        measures: vec![wire::Measure {
            measure: Some(wire::measure::Measure::Persons(wire::Persons {})),
        }],
        ..wire::Query::default()
    };
    let register = innsyn_policy::RegisterId::parse("reseptreg").unwrap();
    let checked = innsyn_proto::query::check_at(&register, &query, research.views());
    checked.expect("the gateway's check takes it");
    let everybody = research.included(&research_use(), agent.now());
    let answer = engine::run(
        &query,
        research.snapshot(),
        &everybody,
        SCAN_BYTES + (64 << 20),
        &CancellationToken::new(),
    );
    let answer = answer.expect("the engine takes it");
    assert_eq!(answer.counted.iter().collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn equal_data_have_an_equal_name_after_a_restart_and_their_file_is_used_again() {
    let folder = Folder::of(&[4, 0, 2], VIEW);
    folder.write_prescriptions(&[(0, "A10"), (2, "B01")]);
    let agent = Agent::seeded(&folder, 1).await;
    let before = agent.publish().await;
    let name = *published(&agent).snapshot_name();
    let file = file_of(&published(&agent));
    let written = fs::metadata(&file).unwrap();
    drop(agent);
    // Equal data need not be the same files.
    let copy = fs::read(folder.source().join("prescriptions.parquet")).unwrap();
    fs::remove_file(folder.source().join("prescriptions.parquet")).unwrap();
    fs::write(folder.source().join("prescriptions.parquet"), copy).unwrap();

    let agent = Agent::seeded(&folder, 2).await;
    let after = agent.publish().await;

    assert_eq!(published(&agent).snapshot_name(), &name);
    assert_eq!(rows_of(&published(&agent)), [1, 2]);
    let found = fs::metadata(&file).unwrap();
    assert_eq!(found.ino(), written.ino());
    assert_eq!(found.mtime_nsec(), written.mtime_nsec());
    let counts = |outcomes: &[super::super::ViewOutcome]| outcomes[0].as_ref().unwrap().clone();
    assert_eq!(counts(&before), counts(&after));
}

#[tokio::test]
async fn other_data_have_another_name() {
    let name_of = async |persons: &[usize], rows: &[(usize, &str)], view: &str| {
        let folder = Folder::of(persons, view);
        folder.write_prescriptions(rows);
        let agent = Agent::over(&folder).await;
        agent.publish().await;
        *published(&agent).snapshot_name()
    };
    let rows = [(0, "A10"), (1, "B01")];
    let relabelled = VIEW.replace("Drug", "Medicine");
    let mut names = vec![
        name_of(&[0, 1], &rows, VIEW).await,
        name_of(&[1, 0], &rows, VIEW).await,
        name_of(&[0, 1], &rows[..1], VIEW).await,
        name_of(&[0, 1], &rows, &relabelled).await,
    ];
    assert_eq!(name_of(&[0, 1], &rows, VIEW).await, names[0]);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 4);
}

#[tokio::test]
async fn a_changed_view_is_published_once_it_stands_still_and_the_old_stays_while_it_is_used() {
    let folder = Folder::of(&[0, 1], VIEW);
    folder.write_prescriptions(&[(0, "A10")]);
    let agent = Agent::over(&folder).await;
    agent.publish().await;
    assert!(matches!(agent.look().await, Refreshed::Unchanged));
    let held = published(&agent);
    let [old] = &folder.snapshots()[..] else {
        panic!("not one file");
    };

    folder.write_prescriptions(&[(0, "A10"), (1, "A10")]);
    assert!(matches!(agent.look().await, Refreshed::Settling));
    folder.write_prescriptions(&[(1, "A10"), (1, "B01"), (0, "A10")]);
    assert!(matches!(agent.look().await, Refreshed::Settling));
    assert_eq!(rows_of(&published(&agent)), [0]);
    agent.publish().await;

    assert_eq!(rows_of(&published(&agent)), [0, 1, 1]);
    assert_eq!(rows_of(&held), [0]);
    assert_eq!(folder.snapshots().len(), 2);
    drop(held);
    assert!(matches!(agent.look().await, Refreshed::Unchanged));
    assert_eq!(folder.snapshots().len(), 1);
    assert!(!folder.snapshots().contains(old));
}

#[tokio::test]
async fn while_the_people_change_nothing_is_published_under_the_wrong_numbers() {
    let folder = Folder::of(&[0, 1], VIEW);
    folder.write_prescriptions(&[(0, "A10")]);
    let agent = Agent::over(&folder).await;
    agent.publish().await;
    let first = *published(&agent).snapshot_name();

    folder.write_persons(&[1, 0], &[]);
    // The index in use still has the old numbers.
    assert!(matches!(agent.look().await, Refreshed::Settling));
    assert_eq!(rows_of(&published(&agent)), [0]);
    let reloaded = agent.reload().await;
    assert!(reloaded.research().is_none());
    // At first it is seen to have changed.
    assert!(matches!(agent.look().await, Refreshed::Settling));
    agent.publish().await;

    assert_eq!(rows_of(&published(&agent)), [1]);
    assert_ne!(published(&agent).snapshot_name(), &first);
}

#[tokio::test]
async fn changed_settings_bind_at_the_next_look_and_cost_no_new_file() {
    let folder = Folder::of(&[0, 1], VIEW);
    folder.write_prescriptions(&[(0, "A10"), (1, "A10")]);
    let agent = Agent::over(&folder).await;
    agent.publish().await;
    let first = published(&agent);

    folder.write_settings(&[(0, "reservation,research,2026-01-01,")]);
    let reloaded = agent.reload().await;
    assert!(
        reloaded.research().is_none(),
        "counted by yesterday's settings"
    );
    agent.publish().await;

    let now = agent.now();
    let research = published(&agent);
    let included = research.included(&research_use(), now);
    assert_eq!(included.persons().iter().collect::<Vec<_>>(), [1]);
    assert_eq!(research.snapshot_name(), first.snapshot_name());
    assert_eq!(folder.snapshots().len(), 1);
}

#[tokio::test]
async fn a_view_that_cannot_be_made_ready_costs_neither_the_others_nor_the_listing() {
    let broken = VIEW
        .replace("\"prescriptions\"", "\"refills\"")
        .replace("s.parquet", "z.parquet");
    let misspelt = VIEW
        .replace("\"prescriptions\"", "\"doses\"")
        .replace("system", "sistem");
    let folder = Folder::of(&[0], &format!("{broken}{VIEW}{misspelt}"));
    folder.write_prescriptions(&[(0, "A10")]);

    let agent = Agent::over(&folder).await;
    let outcomes = agent.publish().await;

    let registered = Found::Registered(innsyn_policy::Presence::default());
    assert_eq!(
        agent.store.current().find(&clearance(person(0))),
        registered
    );
    let is_ready: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(is_ready, [false, true, false]);
    let research = published(&agent);
    let names: Vec<_> = research
        .views()
        .iter()
        .map(|view| view.name.as_str())
        .collect();
    assert_eq!(names, ["prescriptions"]);

    // The file comes later: it is published then, as soon as it stands still.
    fs::copy(
        folder.source().join("prescriptions.parquet"),
        folder.source().join("prescriptionz.parquet"),
    )
    .unwrap();
    assert!(matches!(agent.look().await, Refreshed::Settling));
    agent.publish().await;
    assert_eq!(published(&agent).views().len(), 2);
}

#[tokio::test]
async fn check_says_what_can_be_published_and_what_not_and_writes_nothing() {
    let misspelt = VIEW
        .replace("\"prescriptions\"", "\"doses\"")
        .replace("system", "sistem");
    let folder = Folder::of(&[0], &format!("{VIEW}{misspelt}"));
    folder.write_prescriptions(&[(0, "A10"), (7, "A10")]);

    let mut random: rand::rngs::StdRng = rand::make_rng();
    let findings = sources::check(&config(&folder), NUMBERS, &mut random, Arc::new(Silent)).await;

    let said: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let said = said.join("\n");
    for expected in [
        "note: view `prescriptions` can be published: 1 rows about 1 people",
        "warning: view `prescriptions` has 1 rows about nobody who is registered",
        "warning: view `doses` is not published: variable `atc`: unknown field `sistem`",
    ] {
        assert!(said.contains(expected), "{expected} is not in:\n{said}");
    }
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity < Severity::Error)
    );
    assert!(!said.contains(&digits(0)) && !said.contains(&digits(7)));
    assert!(!folder.research().exists());
}

#[tokio::test]
async fn the_folder_of_snapshots_is_one_agents_own() {
    let folder = Folder::of(&[0], VIEW);
    folder.write_prescriptions(&[(0, "A10")]);
    let agent = Agent::over(&folder).await;
    agent.publish().await;

    let snapshots = folder.research().join("snapshots");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(snapshots.clone()), 0o700);
    assert_eq!(mode(snapshots.join(&folder.snapshots()[0])), 0o600);
    let register = innsyn_policy::Register {
        id: innsyn_policy::RegisterId::parse("annet").unwrap(),
        kind: innsyn_policy::RegisterKind::Central,
        legal_basis: innsyn_policy::LegalBasis::Mandatory,
        membership_is_sensitive: false,
    };
    let store = Arc::clone(&agent.store);
    let other = Publisher::open(&config(&folder), register, store, &folder.research());
    let refused = other.unwrap_err().to_string();
    assert!(refused.contains("is another agent's"), "{refused}");
}

#[tokio::test]
async fn what_an_earlier_process_left_is_swept_and_a_broken_file_written_again() {
    let folder = Folder::of(&[0], VIEW);
    folder.write_prescriptions(&[(0, "A10")]);
    let agent = Agent::over(&folder).await;
    agent.publish().await;
    let file = file_of(&published(&agent));
    drop(agent);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let snapshots = folder.research().join("snapshots");
    fs::write(snapshots.join("0000.parquet"), "old").unwrap();
    fs::write(snapshots.join("0000.parquet.new"), "never finished").unwrap();

    let agent = Agent::over(&folder).await;
    agent.publish().await;

    assert_eq!(rows_of(&published(&agent)), [0]);
    assert_eq!(fs::read(&file).unwrap(), whole);
    assert_eq!(folder.snapshots().len(), 1);
}

#[tokio::test]
async fn an_agent_that_is_stopped_leaves_no_half_snapshot() {
    let folder = Folder::of(&[0], VIEW);
    folder.write_prescriptions(&[(0, "A10")]);
    let agent = Agent::over(&folder).await;
    let stopped = CancellationToken::new();
    stopped.cancel();

    let looked = agent.publisher.refresh(&stopped).await.unwrap();

    assert!(matches!(looked, Refreshed::Settling));
    assert!(agent.store.current().research().is_none());
    assert!(folder.snapshots().is_empty());
    agent.publish().await;
}

/// Research that uses whatever there is, in sums.
fn research_use() -> innsyn_policy::Use {
    let aggregate = innsyn_policy::Identifiability::Aggregate;
    innsyn_policy::Use::of_all(innsyn_policy::Purpose::Research, aggregate)
}
