//! A person is told which queries counted them, and can check it.

use innsyn_proto::uselog::reading::{CountedEntry, UsesFault, check_counted};

use super::super::told::{CountedRecords, OpenedQuery, ToldOfQuery};
use super::*;

fn records(world: &World) -> CountedRecords {
    let (data, key) = (
        Arc::clone(world.data.as_ref().unwrap()),
        world.log.mark_key(),
    );
    let mark_of = move |id: &NationalId| data.people.mark(id, &key);
    CountedRecords::new(world.folder.path(), Arc::new(mark_of))
}

fn commitment(world: &World, entry: usize) -> [u8; 32] {
    match entries_on(&world.disk)[entry].0.subject {
        EntrySubject::Counted(commitment) => commitment,
        EntrySubject::Person(..) => panic!("a query's entry"),
    }
}

fn told(world: &World, n: usize) -> ToldOfQuery {
    records(world)
        .person(&person(n))
        .tell(&commitment(world, 0))
}

fn opened(world: &World, n: usize) -> Box<OpenedQuery> {
    match told(world, n) {
        ToldOfQuery::Counted(opened) => opened,
        other => panic!("counted, not {other:?}"),
    }
}

#[tokio::test]
async fn who_was_counted_is_told_for_what_and_can_check_it() {
    let world = World::with(ENOUGH, PLENTY, |_, loaded| {
        let mut some = PersonSet::nobody(PERSONS);
        for person in 0..40 {
            some.insert(person);
        }
        loaded.included = some;
    });
    world.part(world.request()).await;
    let head = world.log.sign_head().await.unwrap().unwrap();
    let opened = opened(&world, 7);
    assert_eq!(opened.permit, format!("{ISSUER}/2026-017"));
    assert_eq!(opened.project, terms().project);

    let reader = world.log.reader();
    let shown = CountedEntry {
        position: 0,
        bytes: Box::new(reader.entry(0).unwrap().0),
        inclusion: reader.inclusion(0, head.size()).unwrap(),
        what: opened.what,
        root: opened.root,
        membership: opened.membership,
    };
    assert!(check_counted(&head, &shown).is_ok());
    let mut other = shown.clone();
    other.membership.person += 1;
    let fault = Err(UsesFault::NotCounted { position: 0 });
    assert_eq!(check_counted(&head, &other), fault);
    let mut other = shown.clone();
    other.what.permit = [0; 32];
    assert_eq!(check_counted(&head, &other), fault);
    let mut other = shown;
    other.bytes[80] ^= 1;
    assert_eq!(check_counted(&head, &other), fault);

    assert!(matches!(told(&world, 50), ToldOfQuery::NotCounted));
    assert!(matches!(told(&world, 70), ToldOfQuery::NotCounted));
}

#[tokio::test]
async fn what_cannot_be_told_any_more_is_said_to_be_so() {
    let world = World::new();
    world.part(world.request()).await;
    assert!(matches!(told(&world, 7), ToldOfQuery::Counted(_)));
    let rolls = world.folder.path().join("rolls");
    let roll = std::fs::read_dir(&rolls).unwrap().next().unwrap().unwrap();
    let whole = std::fs::read(roll.path()).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(roll.path(), changed).unwrap();
    assert!(matches!(told(&world, 7), ToldOfQuery::Untold));
    std::fs::write(roll.path(), whole).unwrap();
    assert!(matches!(told(&world, 7), ToldOfQuery::Counted(_)));
    let folder = world.folder.path().join(FOLDER);
    std::fs::remove_file(folder.join(hex::encode(commitment(&world, 0)))).unwrap();
    assert!(matches!(told(&world, 7), ToldOfQuery::Untold));
}

#[tokio::test]
async fn people_are_found_again_in_another_order_of_numbers() {
    let mut world = World::new();
    world.part(world.request()).await;
    let before = opened(&world, 7).membership.person;
    // The register is read again: another key, another order.
    let later = Loaded {
        views: Vec::new(),
        snapshot: Snapshot {
            persons: PERSONS,
            views: Vec::new(),
        },
        name: [6; 32],
        included: PersonSet::everybody(PERSONS),
        people: people(2, (0..PERSONS as usize).rev()),
        begins: Box::new(|| {}),
        says_no: Arc::default(),
        settings: settings(),
    };
    world.data = Some(Arc::new(later));
    assert_eq!(opened(&world, 7).membership.person, before);
}
