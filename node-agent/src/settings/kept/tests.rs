//! What binds, what stays on disk, and what comes twice.

use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{
    Clock as _, DefinitionId, LegalBasis, ManualClock, NationalId, Organisation, RegisterId,
    SettingKind, Timestamp, UseDecision,
};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::setting::{ActedAs, Change, ChangeId, Item};
use innsyn_proto::uselog::EntrySubject;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

mod represented;

use super::*;
use crate::records::Records;
use crate::subjects::SubjectKey;
use crate::test_ids::person;
use crate::uselog::tests::entries_on;
use crate::uselog::{LogKeys, SimDisk, UseLog, UseLogConfig};

const DEFINITIONS: &str = r#"
[[definition]]
id = "00000000-0000-0000-0000-000000000001"
part = "HDIR"
kind = "reservation"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 1
name = "Reservasjon"
name_en = "Opt-out"

[[definition]]
id = "00000000-0000-0000-0000-000000000002"
part = "HUNT"
register = "hunt"
kind = "consent"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 1
name = "Samtykke"
name_en = "Consent"
"#;

/// What an agent keeps, on its disks.
struct World {
    folder: TempDir,
    disk: SimDisk,
    clock: ManualClock,
    kept: Arc<KeptSettings>,
    records: Records,
    log: Arc<UseLog>,
}

fn definition(n: u8) -> DefinitionId {
    let mut bytes = [0; 16];
    bytes[15] = n;
    DefinitionId::from_bytes(bytes)
}

fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

fn hunt() -> RegisterId {
    RegisterId::parse("hunt").unwrap()
}

impl World {
    async fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap(), SimDisk::new(1)).await
    }

    async fn on(folder: TempDir, disk: SimDisk) -> Self {
        let mut random = StdRng::seed_from_u64(5);
        let (at, key) = (
            folder.path().join("records"),
            folder.path().join("records.key"),
        );
        let records = Records::open(
            &at,
            &key,
            &[SCHEMA, crate::settings::proofs::SCHEMA],
            &mut random,
        )
        .await
        .unwrap();
        let kept = KeptSettings::new(
            LegalBasis::Consent,
            Arc::new(SettingDefinitions::parse(DEFINITIONS).unwrap()),
            Arc::new(SubjectKey::generate(&mut random, None)),
            Currency::new(Duration::from_mins(1), [gateway()]),
        );
        kept.load(&records).await.unwrap();
        let keys = LogKeys::from_seed(&hunt(), [7; 32]).unwrap();
        let log = UseLog::open(UseLogConfig::default(), keys, disk.clone(), random).unwrap();
        Self {
            folder,
            disk,
            clock: ManualClock::new(Timestamp::from_seconds(1_000)),
            kept,
            records,
            log: Arc::new(log),
        }
    }

    /// The agent ends, and starts again on the same disks.
    async fn restarted(self) -> Self {
        self.records.close().await;
        self.log.close().await;
        Self::on(self.folder, self.disk).await
    }

    async fn take(&self, items: &[Item]) -> Vec<TakenItem> {
        self.kept
            .take_items(items, &self.records, &self.log, &self.clock)
            .await
            .unwrap()
    }

    fn kinds_of(&self, who: usize) -> Vec<(SettingKind, bool)> {
        let OfPerson::Known(settings) = self.kept.of(&person(who)) else {
            panic!("undefined");
        };
        let now = self.clock.now();
        settings
            .iter()
            .map(|it| (it.kind, it.holds_at(now)))
            .collect()
    }
}

fn says(who: usize, definition: DefinitionId, sequence: i64, active: bool) -> Change {
    let person: NationalId = person(who);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&sequence.to_be_bytes());
    id[8] = u8::try_from(who).unwrap();
    id[9] = u8::from(active);
    Change {
        id: ChangeId(id),
        definition,
        text_version: 1,
        person,
        by: person,
        organisation: Organisation::parse("983658776").unwrap(),
        acted_as: ActedAs::Own,
        sequence,
        active,
        until: None,
    }
}

fn item(number: u64, content: Option<Change>) -> Item {
    Item {
        gateway: gateway(),
        register: hunt(),
        number,
        at: Timestamp::from_seconds(900),
        content,
    }
}

#[tokio::test]
async fn promise_8_what_was_taken_binds_once_and_outlives_the_agent() {
    let world = World::new().await;
    let said = says(1, definition(1), 10, true);
    let items = [item(1, None), item(2, Some(said.clone())), item(3, None)];
    assert_eq!(world.take(&items).await, [TakenItem::Applied; 3]);
    assert_eq!(world.kinds_of(1), [(SettingKind::Reservation, true)]);
    assert_eq!(world.kinds_of(2), []);

    // The relay sends them again, and one from after a gap.
    let again = [items[1].clone(), items[2].clone(), item(5, None)];
    let expected = [TakenItem::Before, TakenItem::Before, TakenItem::AfterGap];
    assert_eq!(world.take(&again).await, expected);

    let world = world.restarted().await;
    assert_eq!(world.kinds_of(1), [(SettingKind::Reservation, true)]);
    assert_eq!(
        world.kept.currency().standing(&gateway()).unwrap().applied,
        3
    );
    assert_eq!(world.take(&items).await, [TakenItem::Before; 3]);
    assert_eq!(
        world
            .kept
            .changes_of(&person(1), &world.records)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        entries_on(&world.disk).len(),
        1,
        "dummies leave no entry, and a change leaves one"
    );
}

/// The entries about each of `people`, in the log on `disk`.
fn entries(world: &World, people: std::ops::Range<usize>) -> Vec<usize> {
    let (tagger, all) = (world.log.tagger(), entries_on(&world.disk));
    let of = |who| {
        let tag = tagger.subject(&person(who));
        let about =
            |subject: &EntrySubject| matches!(subject, EntrySubject::Person(of, ..) if *of == tag);
        all.iter()
            .filter(|(entry, _)| about(&entry.subject))
            .count()
    };
    people.map(of).collect()
}

#[tokio::test]
async fn promise_8_an_agent_that_died_between_log_and_records_logs_no_change_twice() {
    let world = World::new().await;
    world
        .take(&[item(1, Some(says(0, definition(1), 10, true)))])
        .await;
    let changes: Vec<Change> = (1..6)
        .map(|who| says(who, definition(1), 10, true))
        .collect();
    // It has logged three of them, and dies.
    let logged = changes[..3].iter();
    let now = world.clock.now();
    let uses = logged.map(|change| use_of(change, UseDecision::Answered, now));
    world.log.append(uses.collect()).await.unwrap();

    let world = world.restarted().await;
    let items: Vec<Item> = (2..)
        .zip(&changes)
        .map(|(number, change)| item(number, Some(change.clone())))
        .collect();
    // They come in parts, another writer's change in between.
    assert_eq!(world.take(&items[..2]).await, [TakenItem::Applied; 2]);
    let by_register = says(6, definition(1), 10, true);
    let list = Writer::List;
    let (records, log, clock) = (&world.records, &world.log, &world.clock);
    world
        .kept
        .take_change(&list, &by_register, records, log, clock)
        .await
        .unwrap();
    assert_eq!(world.take(&items[2..]).await, [TakenItem::Applied; 3]);
    assert_eq!(entries(&world, 0..7), [1; 7]);
    for who in 0..7 {
        assert_eq!(world.kinds_of(who), [(SettingKind::Reservation, true)]);
    }
}

#[tokio::test]
async fn promise_4_no_change_goes_unlogged_under_the_name_of_one_that_was_logged() {
    let world = World::new().await;
    let first = says(1, definition(1), 10, true);
    world.take(&[item(1, Some(first.clone()))]).await;
    // After a start, a gateway brings another change and calls it the same.
    let world = world.restarted().await;
    let other = Change {
        sequence: 11,
        active: false,
        ..first
    };
    assert_eq!(
        world.take(&[item(2, Some(other))]).await,
        [TakenItem::Applied]
    );
    assert_eq!(entries(&world, 1..2), [2]);
}

#[tokio::test]
async fn the_highest_sequence_wins_and_a_tie_denies() {
    let world = World::new().await;
    let take = async |number, change| world.take(&[item(number, Some(change))]).await;
    // A reservation: its no is active.
    take(1, says(1, definition(1), 10, true)).await;
    take(2, says(1, definition(1), 9, false)).await;
    assert_eq!(
        world.kinds_of(1),
        [(SettingKind::Reservation, true)],
        "an older one came later"
    );
    take(3, says(1, definition(1), 10, false)).await;
    assert_eq!(
        world.kinds_of(1),
        [(SettingKind::Reservation, true)],
        "a tie denies"
    );
    take(4, says(1, definition(1), 11, false)).await;
    assert_eq!(world.kinds_of(1), [(SettingKind::Reservation, false)]);
    take(5, says(1, definition(1), 11, true)).await;
    assert_eq!(
        world.kinds_of(1),
        [(SettingKind::Reservation, true)],
        "a tie denies again"
    );
    // A consent: its no is not active, and then stands as a reservation.
    take(6, says(2, definition(2), 20, true)).await;
    assert_eq!(world.kinds_of(2), [(SettingKind::Consent, true)]);
    take(7, says(2, definition(2), 20, false)).await;
    assert_eq!(
        world.kinds_of(2),
        [(SettingKind::Reservation, true)],
        "a consent taken back"
    );
    take(8, says(2, definition(2), 20, true)).await;
    assert_eq!(world.kinds_of(2), [(SettingKind::Reservation, true)]);
    // And all of it is the same after a start.
    let world = world.restarted().await;
    assert_eq!(world.kinds_of(1), [(SettingKind::Reservation, true)]);
    assert_eq!(world.kinds_of(2), [(SettingKind::Reservation, true)]);
    assert_eq!(
        world
            .kept
            .changes_of(&person(1), &world.records)
            .await
            .unwrap(),
        5
    );
}

#[tokio::test]
async fn promise_5_what_has_no_meaning_here_means_no() {
    let world = World::new().await;
    world
        .take(&[item(1, Some(says(3, definition(9), 1, false)))])
        .await;
    assert_eq!(world.kept.of(&person(3)), OfPerson::Undefined);
    assert_eq!(world.kept.of(&person(4)), OfPerson::Known(Vec::new()));
}

#[tokio::test]
async fn promise_4_a_setting_that_cannot_be_logged_is_not_taken() {
    let world = World::new().await;
    world.log.close().await;
    let items = [item(1, Some(says(1, definition(1), 10, true)))];
    let taken = world
        .kept
        .take_items(&items, &world.records, &world.log, &world.clock)
        .await;
    assert!(matches!(taken, Err(KeepError::Log(_))));
    assert_eq!(world.kinds_of(1), []);
    let world = world.restarted().await;
    assert_eq!(world.kinds_of(1), []);
    assert_eq!(
        world.kept.currency().standing(&gateway()).unwrap().applied,
        0
    );
    assert_eq!(world.take(&items).await, [TakenItem::Applied]);
}

#[tokio::test]
async fn a_change_that_is_brought_twice_by_one_writer_is_one() {
    let world = World::new().await;
    let change = says(1, definition(1), 10, true);
    for writer in [Writer::Clerk, Writer::Clerk, Writer::Pvk] {
        world
            .kept
            .take_change(&writer, &change, &world.records, &world.log, &world.clock)
            .await
            .unwrap();
    }
    assert_eq!(
        world
            .kept
            .changes_of(&person(1), &world.records)
            .await
            .unwrap(),
        2
    );
    assert_eq!(entries_on(&world.disk).len(), 2);
    assert_eq!(world.kinds_of(1), [(SettingKind::Reservation, true)]);
}
