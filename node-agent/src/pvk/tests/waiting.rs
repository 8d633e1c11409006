//! What is said here of what is written there: it waits, and is not in effect.

use std::time::Duration;

use innsyn_policy::{
    Clock as _, Identifiability, Organisation, Purpose, RegisterId, Timestamp, Use,
};
use innsyn_proto::setting::{ActedAs, Change, ChangeId, Item};

use super::super::wire::PvkSetting;
use super::world::{CONSENT, NOW, OWN, RESEARCH, World, definition};
use crate::settings::forwarding::{self, Forward};
use crate::settings::kept::{KeepError, TakenItem, Writer};
use crate::test_ids::person;
use crate::uselog::tests::entries_on;

fn change(id: u8, of: &str, active: bool) -> Change {
    Change {
        id: ChangeId([id; 16]),
        definition: definition(of),
        text_version: 3,
        person: person(1),
        by: person(2),
        organisation: Organisation::parse("helsenorge").unwrap(),
        acted_as: ActedAs::Parent(Some(jiff::civil::date(2018, 9, 1))),
        sequence: NOW.as_micros() + i64::from(id),
        active,
        until: None,
    }
}

async fn take(world: &World, changes: Vec<Change>) -> Vec<TakenItem> {
    let items: Vec<Item> = (1..)
        .zip(changes)
        .map(|(number, change)| Item {
            gateway: "helsenorge".parse().unwrap(),
            register: RegisterId::parse("hunt").unwrap(),
            number,
            at: NOW,
            content: Some(change),
        })
        .collect();
    let (kept, records) = (world.keeper.kept(), world.keeper.records());
    let taken = kept.take_items(&items, records, &world.log, &*world.clock);
    taken.await.unwrap()
}

async fn waiting(world: &World) -> Vec<Forward> {
    forwarding::waiting(world.keeper.records(), 10)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_item_of_what_is_written_elsewhere_waits_and_is_not_in_effect() {
    let world = World::new().await;
    let changes = vec![
        change(1, RESEARCH, true),
        change(2, OWN, true),
        change(3, RESEARCH, false),
    ];
    assert_eq!(take(&world, changes.clone()).await, [TakenItem::Applied; 3]);
    assert_eq!(take(&world, changes.clone()).await, [TakenItem::Before; 3]);

    let said = world.keeper.kept().said_by(&person(1));
    let definitions: Vec<_> = said.iter().map(|said| said.definition).collect();
    assert_eq!(
        definitions,
        [definition(OWN)],
        "only what is its own is in effect"
    );
    assert_eq!(entries_on(&world.disk).len(), 1);
    let wait = waiting(&world).await;
    let wait: Vec<_> = wait.into_iter().map(|it| it.change).collect();
    // What the parent's right was judged by is behind it.
    let judged = |change: &Change| Change {
        acted_as: ActedAs::Parent(None),
        ..change.clone()
    };
    let expected = [judged(&changes[0]), judged(&changes[2])];
    assert_eq!(wait, expected, "in order");
}

#[tokio::test]
async fn what_was_said_there_for_somebody_here_is_in_the_log_as_theirs() {
    let world = World::new().await;
    take(&world, vec![change(1, RESEARCH, true)]).await;
    let [forward] = waiting(&world).await.try_into().unwrap();
    let records = world.keeper.records();
    forwarding::tries(records, &forward, 6).await.unwrap();
    assert_eq!(waiting(&world).await[0].stood, Some(6));

    // PVK pushes it before its answer has come.
    let theirs = PvkSetting {
        person: person(1),
        definition: definition(RESEARCH),
        active: true,
        sequence: 7,
        changed_at: NOW,
        until: None,
    };
    assert_eq!(world.taking().take_pushed(&theirs).await.unwrap(), 1);
    let again = world.taking().take_one(&theirs, Some(&forward)).await;
    assert_eq!(again.unwrap(), 0, "it is the same");
    forwarding::said(records, &forward, 7).await.unwrap();
    assert!(waiting(&world).await.is_empty());

    let said = world.keeper.kept().said_by(&person(1));
    assert_eq!((said[0].sequence, said[0].active), (7, true));
    let when = Timestamp::from_micros(change(1, RESEARCH, true).sequence);
    assert_eq!(said[0].since, when, "when it was said here");
    let (by, version): (Vec<u8>, i64) =
        sqlx::query_as("SELECT acting, text_version FROM setting_change WHERE writer = 'pvk'")
            .fetch_one(records.pool())
            .await
            .unwrap();
    assert_eq!(by, records.key().code(&person(2)).0);
    assert_eq!(version, 3);
}

#[tokio::test]
async fn nobody_but_pvk_writes_what_it_writes_and_its_word_stands_over_what_was_before() {
    let world = World::new().await;
    for writer in [Writer::Case, Writer::Clerk] {
        let refused = world
            .keeper
            .take_change(&writer, &change(1, RESEARCH, true))
            .await;
        assert!(matches!(refused, Err(KeepError::WrittenElsewhere)));
        let own = change(2, OWN, true);
        world.keeper.take_change(&writer, &own).await.unwrap();
    }
    // A row of a time when gateways wrote it, at a gateway's sequence.
    let before = [(change(9, CONSENT, true), NOW)];
    world
        .keeper
        .take_changes(&Writer::Pvk, &before)
        .await
        .unwrap();
    sqlx::query("UPDATE setting_change SET writer = 'gateway:helsenorge' WHERE writer = 'pvk'")
        .execute(world.keeper.records().pool())
        .await
        .unwrap();
    let theirs = PvkSetting {
        person: person(1),
        definition: definition(CONSENT),
        active: false,
        sequence: 2,
        changed_at: NOW,
        until: None,
    };
    world.taking().take(&[theirs]).await.unwrap();
    let said = world.keeper.kept().said_by(&person(1));
    let said = said.iter().find(|it| it.definition == definition(CONSENT));
    assert_eq!(said.map(|it| (it.sequence, it.active)), Some((2, false)));
}

#[tokio::test]
async fn what_is_not_known_to_be_whole_is_refused_for_what_it_covers_and_nothing_else() {
    let world = World::new().await;
    let kept = world.keeper.kept();
    let of = |purpose| Use::of_all(purpose, Identifiability::Aggregate);
    let may = |purpose| kept.is_current_for(&of(purpose), world.clock.now());
    let all = || {
        [
            Purpose::Research,
            Purpose::QualityImprovement,
            Purpose::Administration,
        ]
        .map(may)
    };
    let since = |purpose| kept.current_at_for(&of(purpose));
    assert_eq!(all(), [false, false, true]);
    assert_eq!(since(Purpose::Research), None);
    let always = Timestamp::from_micros(i64::MAX);
    assert_eq!(since(Purpose::Administration), Some(always));
    kept.elsewhere().is_whole(&definition(RESEARCH), NOW);
    assert_eq!(all(), [true, false, true]);
    // A list that is missing makes no other settings old.
    assert_eq!(since(Purpose::Research), Some(NOW));
    assert_eq!(since(Purpose::QualityImprovement), None);
    assert!(!kept.is_current(NOW));
    kept.elsewhere().is_whole(&definition(CONSENT), NOW);
    assert_eq!(all(), [true; 3]);
    assert_eq!(since(Purpose::QualityImprovement), Some(NOW));
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(all(), [false, false, true]);
    let warnings = world.standing.warnings(world.clock.now()).await;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}
