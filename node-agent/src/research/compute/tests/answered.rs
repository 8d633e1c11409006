//! A query within its permit, and what stands of it afterwards.

use innsyn_proto::head::HeadKey;

use super::*;
use crate::uselog::verify;

fn cells(part: &wire::Part) -> Vec<(String, u64)> {
    let code = |cell: &wire::Cell| match &cell.key[0].category {
        Some(wire::category::Category::Code(code)) => code.clone(),
        other => panic!("a code, not {other:?}"),
    };
    let cells = part.cells.iter();
    cells.map(|cell| (code(cell), cell.persons)).collect()
}

#[tokio::test]
async fn a_query_within_its_permit_is_counted() {
    let world = World::new();
    let messages = world.ask(world.request()).await;
    let [Message::Running(_), Message::Part(part)] = messages.as_slice() else {
        panic!("that it runs and the part, not {messages:?}");
    };
    assert_eq!(cells(part), [("K".to_owned(), 30), ("M".to_owned(), 30)]);
    assert_eq!(part.snapshot.as_ref(), [5; 32]);
}

#[tokio::test]
async fn the_entry_commits_to_the_persons_counted_and_to_what_they_were_counted_for() {
    let world = World::new();
    let request = world.request_under(Terms {
        born_years: Some(1940..2000),
        ..terms()
    });
    let permit = world.issuer.trusted().read(&request.data_permit, now());
    let part = world
        .part(wire::ComputeRequest {
            query: Some(born_in("persons", 1940..1950)),
            ..request
        })
        .await;

    let entries = entries_on(&world.disk);
    let [(entry, leaf)] = entries.as_slice() else {
        panic!("one entry, not {entries:?}");
    };
    assert_eq!(part.use_log_leaf.as_ref(), leaf);
    assert_eq!(entry.decision, UseDecision::Answered);
    assert_eq!(entry.organisation.as_str(), ORGANISATION);
    assert_eq!(entry.purpose, Purpose::Research);
    assert_eq!(entry.question.0, [9; 16]);

    let record = world.record(&entry.subject);
    assert_eq!(record.outcome, "answered");
    let what = record.counted_for();
    assert_eq!(&what.permit, permit.unwrap().digest());
    assert_eq!(what.snapshot, [5; 32]);
    let asked = innsyn_proto::query::check_at(
        &register().id,
        &born_in("persons", 1940..1950),
        &[persons_view("persons")],
    );
    assert_eq!(&what.query, asked.unwrap().name().as_bytes());
    let counted = record.persons().unwrap();
    assert!(
        counted.persons().iter().eq(0..10),
        "those born 1940 to 1949"
    );
    let (membership, root) = counted.membership(3).unwrap();
    assert!(membership.holds(&root, &what, &record.commitment().unwrap()));
    assert_eq!(counted.membership(10), None);
}

#[tokio::test]
async fn nobody_outside_the_included_is_counted_or_committed_to() {
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.included.remove(0);
    });
    let part = world.part(world.request()).await;
    assert_eq!(cells(&part), [("K".to_owned(), 29), ("M".to_owned(), 30)]);
    let entries = entries_on(&world.disk);
    let record = world.record(&entries[0].0.subject);
    assert!(record.persons().unwrap().persons().iter().eq(1..PERSONS));
}

#[tokio::test]
async fn equal_questions_give_equal_cells_and_an_entry_each() {
    let mut world = World::new();
    let first = world.part(world.request()).await;
    world.restart();
    let second = world.part(world.request()).await;
    assert_eq!(first.cells, second.cells);
    assert_ne!(first.use_log_leaf, second.use_log_leaf);
    assert_eq!(world.logged().len(), 2);
}

#[tokio::test]
async fn the_log_holds_with_entries_of_queries_in_it() {
    let world = World::new();
    world.part(world.request()).await;
    world.steward_says("stopped = true");
    world.refusal(world.request()).await;
    world.log.close().await;
    let key = HeadKey::parse(world.log.public_key()).unwrap();
    let report = verify(&world.disk, &key, &[], None).unwrap();
    assert_eq!(report.entries, 2);
}

#[tokio::test]
async fn a_record_that_was_changed_is_not_what_the_entry_commits_to() {
    let world = World::new();
    world.part(world.request()).await;
    let entries = entries_on(&world.disk);
    let EntrySubject::Counted(commitment) = entries[0].0.subject else {
        panic!("a query's entry");
    };
    let folder = world.folder.path().join(FOLDER);
    let file = folder.join(hex::encode(commitment));
    let mut bytes = std::fs::read(&file).unwrap();
    // The last bytes are those of the project's name.
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let read = QueryRecord::read(&folder, &commitment);
    assert!(matches!(
        read,
        Err(ReadRecordError::Other | ReadRecordError::Damaged)
    ));
}

#[tokio::test]
async fn promise_4_no_answer_without_an_entry_that_is_durable() {
    let world = World::new();
    world.disk.set_capacity(0);
    let refusal = world.refusal(world.request()).await;
    assert_eq!(refusal, wire::Refusal::LogUnavailable);
    assert_eq!(entries_on(&world.disk), []);

    // When there is room again, it is answered.
    world.disk.set_capacity(u64::MAX);
    world.part(world.request()).await;
    assert_eq!(world.logged().len(), 1);
}

#[tokio::test]
async fn promise_4_no_answer_without_the_record_that_the_entry_commits_to() {
    let world = World::new();
    let folder = world.folder.path().join(FOLDER);
    std::fs::remove_dir_all(&folder).unwrap();
    let refusal = world.refusal(world.request()).await;
    assert_eq!(refusal, wire::Refusal::LogUnavailable);
    assert_eq!(entries_on(&world.disk), []);
}

#[tokio::test]
async fn what_is_published_is_told_to_gateways_that_are_served() {
    let world = World::new();
    let mut request = Request::new(wire::PublishRequest {});
    request.extensions_mut().insert(peer());
    let published = world.compute.publish(request).await.unwrap().into_inner();
    assert_eq!(published.views, [persons_view("persons")]);
    assert_eq!(published.snapshot.as_ref(), [5; 32]);

    let nobody = world.compute.publish(Request::new(wire::PublishRequest {}));
    let code = nobody.await.unwrap_err().code();
    assert_eq!(code, tonic::Code::Unauthenticated);
    let mut request = Request::new(wire::PublishRequest {});
    request.extensions_mut().insert(Peer {
        gateway: "helsenorge".parse().unwrap(),
        ..peer()
    });
    let code = world.compute.publish(request).await.unwrap_err().code();
    assert_eq!(code, tonic::Code::PermissionDenied);
}
