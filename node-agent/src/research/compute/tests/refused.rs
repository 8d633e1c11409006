//! What is refused: named exactly in the register's own record, coarsely to the gateway.

use innsyn_policy::{NotCountedReason, OutsidePermit};
use innsyn_proto::wire::types::v1 as types;
use wire::Refusal as R;

use super::*;

type Violation = (OutsidePermit, fn(&mut Terms), fn(&mut wire::ComputeRequest));

/// Each field violated once, by the permit or by the question; the budget, and what ends when the
/// permit is read (validity, issuer, signature), see below.
const VIOLATIONS: [Violation; 12] = [
    (
        OutsidePermit::People,
        |terms| terms.people = [another_person()].into(),
        |_| {},
    ),
    (
        OutsidePermit::Organisation,
        |_| {},
        |request| request.organisation = "974760673".to_owned(),
    ),
    (
        OutsidePermit::Purpose,
        |_| {},
        |request| request.purpose = types::Purpose::Administration.into(),
    ),
    (
        OutsidePermit::LegalBasis,
        |terms| terms.legal_basis = PermitBasis::Consent,
        |_| {},
    ),
    (
        OutsidePermit::Registers,
        |terms| terms.registers = [RegisterId::parse("msis").unwrap()].into(),
        |_| {},
    ),
    (
        OutsidePermit::Variables,
        |terms| terms.variables = [("persons".to_owned(), names(["born_year"]))].into(),
        |_| {},
    ),
    (
        OutsidePermit::BornYears,
        |_| {},
        |request| request.query = Some(born_in("persons", 1939..2000)),
    ),
    (
        OutsidePermit::Months,
        |terms| terms.months = 541..660,
        |_| {},
    ),
    (
        OutsidePermit::OwnUnit,
        |terms| {
            terms.kind = PermitKind::OwnUnit {
                variable: "sex".to_owned(),
                code: "K".to_owned(),
            };
        },
        |_| {},
    ),
    (
        OutsidePermit::Kinds,
        |terms| terms.kinds = [QueryKind::Count].into(),
        |_| {},
    ),
    (
        OutsidePermit::SmallestCell,
        |_| {},
        |request| request.smallest_cell = 4,
    ),
    (
        OutsidePermit::RoundingBase,
        |_| {},
        |request| request.rounding_base = 2,
    ),
];

#[tokio::test]
async fn each_field_of_the_permit_violated_once_is_refused_and_named_in_the_record() {
    for (field, permit, question) in VIOLATIONS {
        let world = World::new();
        let mut terms = terms();
        permit(&mut terms);
        let mut request = world.request_under(terms);
        question(&mut request);
        assert_eq!(world.refusal(request).await, R::OutsidePermit, "{field}");
        let named = (UseDecision::OutsidePermit(field), field.label().to_owned());
        assert_eq!(world.logged(), [named]);
    }
}

#[tokio::test]
async fn a_permits_budget_is_kept_over_a_restart_and_a_query_is_charged_once() {
    let mut world = World::new();
    let small = Terms {
        budget_queries: 1,
        ..terms()
    };
    let first = world.request_under(small.clone());
    let other = wire::ComputeRequest {
        query: Some(born_in("persons", 1950..1960)),
        ..first.clone()
    };
    world.part(first.clone()).await;
    for _ in 0..2 {
        assert_eq!(world.refusal(other.clone()).await, R::OverBudget);
        let last = world.logged().pop().unwrap();
        let budget = UseDecision::OutsidePermit(OutsidePermit::Budget);
        assert_eq!(last, (budget, "budget".to_owned()));
        // The same again is the same.
        world.part(first.clone()).await;
        world.restart();
    }
    // Another permit has a budget of its own.
    let another = Terms {
        id: PermitId::new(ISSUER, "2026-018").unwrap(),
        ..small
    };
    world.part(world.request_under(another)).await;
}

#[tokio::test]
async fn a_refused_query_is_not_charged() {
    let world = World::new();
    let small = Terms {
        budget_queries: 1,
        ..terms()
    };
    let mut refused = world.request_under(small.clone());
    refused.query = Some(born_in("persons", 1950..1960));
    world.steward_says("stopped = true");
    assert_eq!(world.refusal(refused).await, R::Steward);
    world.steward_says(ALLOW);
    world.part(world.request_under(small)).await;
}

#[tokio::test]
async fn a_permit_by_another_issuer_or_of_another_time_is_refused() {
    let world = World::new();
    let permit = (
        UseDecision::NotCounted(NotCountedReason::Permit),
        "permit".to_owned(),
    );
    let mut by_another = world.request();
    by_another.data_permit = Issuer::new().sign(terms());
    assert_eq!(world.refusal(by_another).await, R::Permit);
    let mut unknown = world.request();
    unknown.data_permit = world.issuer.sign(Terms {
        id: PermitId::new("example.no", "1").unwrap(),
        ..terms()
    });
    assert_eq!(world.refusal(unknown).await, R::Permit);
    let request = world.request();
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(world.refusal(request).await, R::Permit);
    assert_eq!(world.logged(), [permit.clone(), permit.clone(), permit]);
}

#[tokio::test]
async fn a_query_that_the_catalogue_does_not_allow_is_refused() {
    let world = World::new();
    let mut request = world.request();
    request.query = Some(born_in("deaths", 1940..2000));
    assert_eq!(world.refusal(request).await, R::Query);
    let reason = UseDecision::NotCounted(NotCountedReason::Query);
    assert_eq!(world.logged(), [(reason, "query".to_owned())]);
}

#[tokio::test]
async fn the_steward_denies_and_stops_at_once() {
    let world = World::new();
    world.part(world.request()).await;
    let deny = "[[rule]]\ndecision = \"deny\"\nvariables = [\"persons.sex\"]\n";
    for (rules, reason, label) in [
        (
            format!("{deny}{ALLOW}"),
            NotCountedReason::Steward,
            "steward",
        ),
        (
            format!("stopped = true\n{ALLOW}"),
            NotCountedReason::Stopped,
            "stopped",
        ),
        (
            "decision = \"allow\"".to_owned(),
            NotCountedReason::Steward,
            "steward",
        ),
    ] {
        world.steward_says(&rules);
        assert_eq!(world.refusal(world.request()).await, R::Steward);
        let last = world.logged().pop().unwrap();
        assert_eq!(last, (UseDecision::NotCounted(reason), label.to_owned()));
    }
    world.steward_says(ALLOW);
    world.part(world.request()).await;
}

#[tokio::test]
async fn the_kill_switch_keeps_the_part_of_a_query_that_runs() {
    let file = Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
    let switch = Arc::clone(&file);
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.begins = Box::new(move || {
            std::fs::write(switch.get().unwrap(), "stopped = true").unwrap();
        });
    });
    file.set(world.folder.path().join(steward::FILE)).unwrap();
    let messages = world.ask(world.request()).await;
    assert!(matches!(
        messages.as_slice(),
        [Message::Running(_), Message::Refusal(refusal)] if *refusal == i32::from(R::Steward)
    ));
    let stopped = UseDecision::NotCounted(NotCountedReason::Stopped);
    assert_eq!(world.logged(), [(stopped, "stopped".to_owned())]);
}

#[tokio::test]
async fn a_permit_that_ends_while_the_query_runs_keeps_the_part() {
    let clock = Arc::new(std::sync::OnceLock::<Arc<ManualClock>>::new());
    let later = Arc::clone(&clock);
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.begins = Box::new(move || {
            later.get().unwrap().advance(Duration::from_hours(24));
        });
    });
    clock.set(Arc::clone(&world.clock)).unwrap();
    assert_eq!(world.refusal(world.request()).await, R::Permit);
    let ended = UseDecision::OutsidePermit(OutsidePermit::Validity);
    assert_eq!(world.logged(), [(ended, "validity".to_owned())]);
}

#[tokio::test]
async fn promise_5_who_says_no_while_a_query_runs_is_not_in_what_leaves() {
    use std::sync::atomic::{AtomicU32, Ordering};
    // Persons are looked at when the query begins, when it has counted, and when it is to leave.
    for (look, entry) in [
        (
            2,
            (
                UseDecision::NotCounted(NotCountedReason::SettingsChanged),
                "settings_changed",
            ),
        ),
        (3, (UseDecision::Answered, "answered")),
    ] {
        let looks = AtomicU32::new(0);
        let world = World::with(ENOUGH, PLENTY, |_, data| {
            let says_no = Arc::clone(&data.says_no);
            data.begins = Box::new(move || {
                if looks.fetch_add(1, Ordering::SeqCst) + 1 == look {
                    *says_no.lock().unwrap() = Some(3);
                }
            });
        });
        assert_eq!(world.refusal(world.request()).await, R::DataUnavailable);
        assert_eq!(
            world.logged(),
            [(entry.0, entry.1.to_owned())],
            "at look {look}"
        );
        // Asked again, the query counts everybody else.
        let part = world.part(world.request()).await;
        let persons: u64 = part.cells.iter().map(|cell| cell.persons).sum();
        assert_eq!(persons, u64::from(PERSONS) - 1);
    }
}

#[tokio::test]
async fn nobody_included_is_no_empty_table() {
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.included = PersonSet::nobody(PERSONS);
    });
    assert_eq!(world.refusal(world.request()).await, R::DataUnavailable);
    let unavailable = UseDecision::SourceUnavailable;
    assert_eq!(
        world.logged(),
        [(unavailable, "nobody_included".to_owned())]
    );
}

#[tokio::test]
async fn a_register_that_publishes_nothing_refuses_and_logs() {
    let mut world = World::new();
    world.data = None;
    world.restart();
    assert_eq!(world.refusal(world.request()).await, R::DataUnavailable);
    let unavailable = UseDecision::SourceUnavailable;
    assert_eq!(
        world.logged(),
        [(unavailable, "nothing_published".to_owned())]
    );
}

#[tokio::test]
async fn a_file_that_is_gone_refuses() {
    let world = World::new();
    std::fs::remove_file(world.folder.path().join("persons.parquet")).unwrap();
    assert_eq!(world.refusal(world.request()).await, R::DataUnavailable);
    let unavailable = UseDecision::SourceUnavailable;
    assert_eq!(world.logged(), [(unavailable, "UNREADABLE".to_owned())]);
}

#[tokio::test]
async fn each_refusal_keeps_a_record_of_its_own() {
    let world = World::new();
    world.steward_says("stopped = true");
    world.refusal(world.request()).await;
    world.steward_says("");
    world.refusal(world.request()).await;
    let labels: Vec<String> = world.logged().into_iter().map(|(_, label)| label).collect();
    assert_eq!(labels, ["stopped", "steward"]);
}

#[tokio::test]
async fn what_is_over_a_gateways_cap_is_refused_and_logged() {
    let caps = Caps {
        per_minute: 1,
        per_day: 10,
    };
    let world = World::with(ENOUGH, caps, |_, _| {});
    world.part(world.request()).await;
    assert_eq!(world.refusal(world.request()).await, R::OverBudget);
    let last = world.logged().pop().unwrap();
    assert_eq!(last, (UseDecision::OverCap, "over_cap".to_owned()));
}

#[tokio::test]
async fn what_names_no_question_or_no_asker_is_no_question() {
    let world = World::new();
    let wrong: [fn(&mut wire::ComputeRequest); 10] = [
        |request| request.question_id = vec![9; 15].into(),
        |request| request.query = None,
        |request| request.researcher = 1_815_000_037,
        |request| request.researcher = 100_000_000_000,
        |request| request.organisation = String::new(),
        |request| request.smallest_cell = 0,
        |request| request.rounding_base = 0,
        |request| request.deadline_ms = 0,
        |request| request.purpose = 0,
        |request| request.purpose = 77,
    ];
    for change in wrong {
        let mut request = world.request();
        change(&mut request);
        let status = world.call(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
        assert!(!status.message().contains(ORGANISATION));
    }
    assert_eq!(entries_on(&world.disk), []);
}
