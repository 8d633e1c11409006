//! Registers that are silent, refuse or speak nonsense, and runs that are cancelled.

use std::time::Duration;

use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use serde_json::json;
use tokio::time::timeout;
use tonic::Code;
use tonic_types::StatusExt as _;
use wire::run_response::Message;

use super::agent::Behaviour;
use super::queries::*;
use super::world::*;

const A_SECOND: Duration = Duration::from_secs(1);

fn state_of(table: &wire::ReleasedTable, register: &str) -> wire::RegisterState {
    let of = |r: &&wire::RegisterProgress| r.register_id == register;
    table.registers.iter().find(of).unwrap().state()
}

/// Both agents count, but `vest` does as it is told.
async fn world_where_vest(behaviour: Behaviour) -> World {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").does(behaviour);
    world
}

fn soon(world: &World) -> wire::RunRequest {
    wire::RunRequest {
        deadline_ms: 500,
        ..world.asking(persons_by_sex())
    }
}

#[tokio::test]
async fn promise_7_a_hung_register_is_named_and_the_others_make_the_table() {
    let world = world_where_vest(Behaviour::Hangs).await;

    let (told, table) = world.run_of(soon(&world)).await;
    let table = table.unwrap();

    assert_eq!(told.last().unwrap(), "vest SILENT");
    assert_eq!(state_of(&table, "nord"), wire::RegisterState::Answered);
    assert_eq!(state_of(&table, "vest"), wire::RegisterState::Silent);
    assert_eq!(table.rows.len(), 2);
    // The call is over for the agent, too.
    timeout(A_SECOND, world.agent("vest").has_under_way(0))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_table_that_must_be_complete_is_none_without_a_register() {
    let world = world_where_vest(Behaviour::Hangs).await;
    let request = wire::RunRequest {
        must_be_complete: true,
        ..soon(&world)
    };

    let error = world.run_of(request).await.1.unwrap_err();

    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(
        error.get_details_error_info().unwrap().reason,
        "REGISTERS_MISSING"
    );
    assert!(error.message().contains("`vest`") && !error.message().contains("`nord`"));
    // Nothing left, so nothing is charged.
    let ledger = wire::LedgerRequest {
        data_permit: world.permit(),
    };
    let ledger = world.client().ledger(world.call(ledger)).await.unwrap();
    assert!(ledger.into_inner().releases.is_empty());
}

#[tokio::test]
async fn a_register_that_was_never_reached_is_named() {
    let world = World::of(&["borte", "nord"], true).await;
    world.agent("nord").counts(sexes(103, 52));

    let (told, table) = world.run_of(soon(&world)).await;

    assert!(told.contains(&"borte SILENT".to_owned()), "{told:?}");
    assert_eq!(
        state_of(&table.unwrap(), "borte"),
        wire::RegisterState::Silent
    );
    // Asked for by name, it is known to be missing before anybody is asked.
    let named = wire::Query {
        registers: vec!["borte".to_owned(), "nord".to_owned()],
        ..persons_by_sex()
    };
    let error = world.run(named).await.unwrap_err();
    assert_eq!(
        error.get_details_error_info().unwrap().reason,
        "REGISTER_UNKNOWN"
    );
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_register_that_refuses_is_named() {
    let world = world_where_vest(Behaviour::Refuses(node::Refusal::Steward)).await;

    let (told, table) = world.run_of(world.asking(persons_by_sex())).await;

    assert!(told.contains(&"vest REFUSED".to_owned()), "{told:?}");
    assert_eq!(
        state_of(&table.unwrap(), "vest"),
        wire::RegisterState::Refused
    );
}

#[tokio::test]
async fn why_a_register_refuses_is_told_where_the_ground_is_nobody_in_its_data() {
    use node::Refusal as N;
    use wire::RefusalReason as R;
    for (refusal, reason, label) in [
        (N::SettingsTooOld, R::SettingsTooOld, "settings_too_old"),
        (N::Steward, R::Steward, "steward"),
        (N::Permit, R::DataPermit, "data_permit"),
        (
            N::OutsidePermit,
            R::OutsideDataPermit,
            "outside_data_permit",
        ),
        (N::DataUnavailable, R::Unspecified, ""),
        (N::TooLarge, R::Unspecified, ""),
    ] {
        let world = world_where_vest(Behaviour::Refuses(refusal)).await;
        let table = world.run(persons_by_sex()).await.unwrap();
        let vest = table.registers.iter().find(|it| it.register_id == "vest");
        let vest = vest.unwrap();
        assert_eq!(vest.state(), wire::RegisterState::Refused);
        assert_eq!(vest.refusal_reason(), reason);
        assert_eq!(vest.refusal_receipt, None, "{refusal:?}");

        // So do errors, in words and by a word for programs.
        world.agent("nord").does(Behaviour::Ends);
        let complete = wire::RunRequest {
            must_be_complete: true,
            ..world.asking(asks(vec![], vec![persons()]))
        };
        for (request, named) in [
            (world.asking(asks(vec![], vec![persons()])), "2 were asked"),
            (complete, "there is no answer of `nord`, `vest`"),
        ] {
            let error = world.run_of(request).await.1.unwrap_err();
            assert!(error.message().contains(named), "{error:?}");
            let told = error.get_details_error_info().unwrap().metadata;
            assert_eq!(error.message().contains("`vest` ("), !label.is_empty());
            match label {
                "" => assert!(told.is_empty(), "{told:?}"),
                label => assert_eq!(told[label], "vest"),
            }
        }
    }
}

#[tokio::test]
async fn a_query_that_waits_for_a_steward_is_seen_to_wait() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    let part = world.agent("vest").part(sexes(104, 51));
    world.agent("vest").does(Behaviour::HoldsThenCounts(part));

    let (told, table) = world.run_of(world.asking(persons_by_sex())).await;

    table.unwrap();
    let of_vest: Vec<_> = told
        .iter()
        .filter(|told| told.starts_with("vest"))
        .collect();
    assert_eq!(
        of_vest,
        ["vest ASKED", "vest HELD", "vest RUNNING", "vest ANSWERED"]
    );
}

#[tokio::test]
async fn a_register_whose_steward_has_not_decided_is_told_to_hold_the_query() {
    for behaviour in [Behaviour::Holds, Behaviour::Refuses(node::Refusal::Held)] {
        let world = world_where_vest(behaviour).await;
        let (told, table) = world.run_of(soon(&world)).await;
        assert_eq!(told.last().unwrap(), "vest HELD");
        assert_eq!(state_of(&table.unwrap(), "vest"), wire::RegisterState::Held);
    }
}

#[tokio::test]
async fn a_table_that_only_lacks_stewards_words_says_so() {
    let world = world_where_vest(Behaviour::Holds).await;
    let complete = wire::RunRequest {
        must_be_complete: true,
        ..soon(&world)
    };
    let error = world.run_of(complete).await.1.unwrap_err();
    let reason = |error: &tonic::Status| error.get_details_error_info().unwrap().reason;
    assert_eq!(reason(&error), "HELD_BY_STEWARD");
    assert!(error.message().contains("`vest`") && error.message().contains("run it again"));
    assert!(!error.message().contains("`nord`"));

    world
        .agent("nord")
        .does(Behaviour::Refuses(node::Refusal::Steward));
    let error = world.run_of(soon(&world)).await.1.unwrap_err();
    assert_eq!(reason(&error), "HELD_BY_STEWARD");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_no_answer() {
    let world = world_where_vest(Behaviour::Ends).await;
    let agent = world.agent("vest");
    let twice = [sexes(104, 51), sexes(104, 51)].concat();
    let nonsense = [
        Behaviour::Ends,
        Behaviour::SaysNothing,
        Behaviour::Refuses(node::Refusal::Unspecified),
        Behaviour::Counts(agent.part(twice)),
        Behaviour::Counts(node::Part {
            snapshot: vec![1; 31].into(),
            ..agent.part(sexes(104, 51))
        }),
        Behaviour::Counts(agent.part(sexes(0, 51))),
    ];
    for (number, behaviour) in nonsense.into_iter().enumerate() {
        world.agent("vest").does(behaviour);
        let mut terms = world.terms();
        terms.id = innsyn_policy::PermitId::new(terms.id.issuer(), &format!("n{number}")).unwrap();
        let request = wire::RunRequest {
            data_permit: world.permit_of(terms),
            ..world.asking(persons_by_sex())
        };
        let table = world.run_of(request).await.1.unwrap();
        assert_eq!(
            state_of(&table, "vest"),
            wire::RegisterState::Silent,
            "{number}"
        );
        assert_eq!(state_of(&table, "nord"), wire::RegisterState::Answered);
    }
}

#[tokio::test]
async fn without_an_answer_there_is_no_table() {
    let world = world_where_vest(Behaviour::Refuses(node::Refusal::Query)).await;
    world.agent("nord").does(Behaviour::Ends);

    let error = world.run(persons_by_sex()).await.unwrap_err();

    assert_eq!(
        error.get_details_error_info().unwrap().reason,
        "NO_REGISTER_ANSWERED"
    );
}

/// A run whose registers hang, and its id.
async fn hanging(world: &World) -> (tonic::Streaming<wire::RunResponse>, Vec<u8>) {
    let request = world.asking(persons_by_sex());
    let mut updates = world
        .client()
        .run(world.call(request))
        .await
        .unwrap()
        .into_inner();
    let first = updates.message().await.unwrap().unwrap().message;
    let Some(Message::Started(started)) = first else {
        panic!("a run begins with its plan");
    };
    for register in ["nord", "vest"] {
        world.agent(register).has_under_way(1).await;
    }
    (updates, started.run_id)
}

async fn ended_at_the_agents(world: &World) {
    for register in ["nord", "vest"] {
        let ended = timeout(A_SECOND, world.agent(register).has_under_way(0)).await;
        ended.unwrap_or_else(|_| panic!("the work at {register} should have ended"));
    }
}

#[tokio::test]
async fn cancelling_a_run_ends_the_work_at_the_agents_within_a_second() {
    let world = World::new().await;
    let (mut updates, run_id) = hanging(&world).await;

    let cancel = || wire::CancelRequest {
        run_id: run_id.clone(),
    };
    // Another researcher's is none of theirs.
    let mut claims = claims();
    claims["pid"] = json!(OLA);
    let others = call_with(cancel(), &world.token_of(&claims));
    assert!(
        !world
            .client()
            .cancel(others)
            .await
            .unwrap()
            .into_inner()
            .was_running
    );
    let own = world.client().cancel(world.call(cancel())).await.unwrap();
    assert!(own.into_inner().was_running);

    ended_at_the_agents(&world).await;
    let error = loop {
        match updates.message().await {
            Ok(update) => assert!(update.is_some(), "a cancelled run ends with an error"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::Cancelled);
    let again = world.client().cancel(world.call(cancel())).await.unwrap();
    assert!(!again.into_inner().was_running);
}

#[tokio::test]
async fn leaving_a_run_ends_the_work_at_the_agents_within_a_second() {
    let world = World::new().await;
    let (updates, _) = hanging(&world).await;

    drop(updates);

    ended_at_the_agents(&world).await;
    let forgotten = timeout(A_SECOND, async {
        while world.face.runs.count() > 0 {
            tokio::task::yield_now().await;
        }
    });
    forgotten.await.unwrap();
}

#[tokio::test]
async fn more_runs_than_the_gateway_bears_are_refused() {
    let world = World::new().await;
    let mut under_way = Vec::new();
    for _ in 0..3 {
        let request = world.asking(persons_by_sex());
        under_way.push(world.client().run(world.call(request)).await.unwrap());
    }

    let error = world.run(persons_by_sex()).await.unwrap_err();

    assert_eq!(error.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_connection_is_kept_and_made_anew_when_it_has_broken() {
    let world = World::of(&["nord"], true).await;
    let agent = world.agent("nord");
    agent.counts(sexes(103, 52));
    world.run(persons_by_sex()).await.unwrap();
    agent.counts(vec![cell(vec![], 155, vec![counted()])]);
    world.run(asks(vec![], vec![persons()])).await.unwrap();
    assert_eq!(agent.connections(), 1);

    agent.loses_its_connections().await;
    let other = asks(vec![by_sex(), by_age()], vec![persons()]);
    agent.counts(vec![cell(vec![code("K"), band(1)], 9, vec![counted()])]);
    world.run(other).await.unwrap();

    assert_eq!(agent.connections(), 2);
}
