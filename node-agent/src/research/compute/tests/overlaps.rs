//! A count compared with earlier ones, over other snapshots, and after the agent was started again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use proptest::prelude::*;
use wire::Refusal as R;

use super::super::kept::{CountedUnder, KeptCounts};
use super::super::overlap::{Comparing, OverlapError};
use super::*;
use crate::engine::{Answer, Key, PartialTable, Placed};

/// What a gateway keeps of a part, to ask of it later.
fn named(part: &wire::Part, query: &research::Query) -> wire::EarlierCount {
    wire::EarlierCount {
        query_name: name_of(query).to_vec().into(),
        snapshot: part.snapshot.clone(),
        use_log_leaf: part.use_log_leaf.clone(),
    }
}

fn asking(
    world: &World,
    query: research::Query,
    earlier: &[wire::EarlierCount],
) -> wire::ComputeRequest {
    wire::ComputeRequest {
        query: Some(query),
        audit: Some(wire::OverlapAudit {
            earlier: earlier.to_vec(),
        }),
        ..world.request()
    }
}

/// The sizes of cells, by their only code.
fn sizes(cells: &[wire::PersonsAt]) -> Vec<(&str, u64)> {
    let cells = cells.iter().map(|cell| match &cell.key[0].category {
        Some(wire::category::Category::Code(code)) => (code.as_str(), cell.persons),
        other => panic!("a code, not {other:?}"),
    });
    cells.collect()
}

fn pairs(overlap: &wire::Overlap) -> Vec<(u32, u32, u64)> {
    let places = overlap.cell.iter().zip(&overlap.earlier_cell);
    let pairs = places.zip(&overlap.persons);
    pairs
        .map(|((one, other), both)| (*one, *other, *both))
        .collect()
}

/// The register with these people, in this order: person n has the sex and the year of birth of
/// `who[n]`.
fn snapshot(world: &World, name: u8, who: &[usize]) -> Arc<Loaded> {
    let path = world.folder.path().join(format!("{name}.parquet"));
    let numbers: Vec<u32> = (0..).take(who.len()).collect();
    let ids: Vec<u32> = who.iter().map(|who| u32::try_from(*who).unwrap()).collect();
    write_rows(&path, &numbers, &ids);
    let persons = u32::try_from(who.len()).unwrap();
    Arc::new(Loaded {
        views: vec![persons_view("persons")],
        snapshot: Snapshot {
            persons,
            views: vec![StoredView {
                description: persons_view("persons"),
                files: vec![crate::engine::StoredFile::new(path)],
                person_column: "person".to_owned(),
            }],
        },
        name: [name; 32],
        included: PersonSet::everybody(persons),
        // The key of the process is another every time.
        people: people(u64::from(name), who.iter().copied()),
        begins: Box::new(|| {}),
        says_no: Arc::default(),
        settings: settings(),
    })
}

fn kept_files(world: &World, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.folder.path().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_count_is_compared_with_the_earlier_ones_that_the_gateway_names() {
    let world = World::new();
    let first = world.part(world.request()).await;
    assert_eq!(first.overlaps, None, "nothing was asked");
    let later = born_in("persons", 1940..1950);
    let second = world
        .part(asking(&world, later.clone(), &[named(&first, &by_sex())]))
        .await;

    let overlaps = second.overlaps.clone().unwrap();
    assert_eq!(sizes(&overlaps.cells), [("K", 5), ("M", 5)]);
    let [of_first] = overlaps.earlier.as_slice() else {
        panic!("one was named");
    };
    assert_eq!(sizes(&of_first.cells), [("K", 30), ("M", 30)]);
    assert_eq!(pairs(of_first), [(0, 0, 5), (1, 1, 5)]);
    assert_eq!(overlaps.persons_in_common, [60, 10, 10]);

    // Of two, each has its own, in the order in which they were named.
    let earlier = [named(&second, &later), named(&first, &by_sex())];
    let third = world
        .part(asking(&world, born_in("persons", 1945..1960), &earlier))
        .await;
    let overlaps = third.overlaps.unwrap();
    assert_eq!(overlaps.persons_in_common, [10, 10, 60, 5, 15, 15]);
    let overlaps = overlaps.earlier;
    assert_eq!(pairs(&overlaps[0]), [(0, 0, 2), (1, 1, 3)]);
    assert_eq!(pairs(&overlaps[1]), [(0, 0, 7), (1, 1, 8)]);
}

#[tokio::test]
async fn the_same_query_after_a_reservation_is_another_count() {
    let mut world = World::new();
    let before = world.part(world.request()).await;
    let mut without_one = snapshot(&world, 5, &(0..60).collect::<Vec<_>>());
    Arc::get_mut(&mut without_one).unwrap().included.remove(7);
    world.data = Some(without_one);
    world.restart();

    let earlier = [named(&before, &by_sex())];
    let after = world.part(asking(&world, by_sex(), &earlier)).await;

    assert_eq!(before.snapshot, after.snapshot);
    let overlaps = after.overlaps.unwrap();
    assert_eq!(sizes(&overlaps.cells), [("K", 30), ("M", 29)]);
    assert_eq!(sizes(&overlaps.earlier[0].cells), [("K", 30), ("M", 30)]);
    assert_eq!(pairs(&overlaps.earlier[0]), [(0, 0, 30), (1, 1, 29)]);
}

#[tokio::test]
async fn persons_are_told_again_in_another_snapshot_after_a_restart() {
    let mut world = World::new();
    let before = world.part(world.request()).await;
    let earlier = [named(&before, &by_sex())];
    // Six are new and come first, the first ten have left, and the others have turned round, so
    // that whoever has a woman's old number is a man.
    let who: Vec<usize> = (60..66).chain((10..60).rev()).collect();
    world.data = Some(snapshot(&world, 6, &who));
    world.restart();

    let after = world
        .part(asking(&world, born_in("persons", 1940..1962), &earlier))
        .await;

    assert_ne!(before.snapshot, after.snapshot);
    let overlaps = after.overlaps.clone().unwrap();
    assert_eq!(sizes(&overlaps.earlier[0].cells), [("K", 30), ("M", 30)]);
    // Born in 1950 to 1961 are the persons 10 to 21; the new ones are so old as 0 to 5 were.
    assert_eq!(sizes(&overlaps.cells), [("K", 9), ("M", 9)]);
    assert_eq!(pairs(&overlaps.earlier[0]), [(0, 0, 6), (1, 1, 6)]);
    assert_eq!(overlaps.persons_in_common, [60, 12, 18]);
    assert_eq!(kept_files(&world, "rolls").len(), 2);

    // And back again, compared with both.
    let earlier = [
        earlier[0].clone(),
        named(&after, &born_in("persons", 1940..1962)),
    ];
    world.data = Some(snapshot(&world, 7, &(0..60).collect::<Vec<_>>()));
    world.restart();
    let last = world.part(asking(&world, by_sex(), &earlier)).await;
    let overlaps = last.overlaps.unwrap();
    assert_eq!(overlaps.persons_in_common, [60, 12, 18, 60, 12, 60]);
    let overlaps = overlaps.earlier;
    assert_eq!(pairs(&overlaps[0]), [(0, 0, 30), (1, 1, 30)]);
    assert_eq!(pairs(&overlaps[1]), [(0, 0, 6), (1, 1, 6)]);
    // The same people in the same order are one roll.
    assert_eq!(kept_files(&world, "rolls").len(), 2);
}

#[tokio::test]
async fn promise_6_what_cannot_be_compared_is_refused() {
    type Change = fn(&World, &mut wire::EarlierCount);
    let cells = |world: &World| kept_files(world, "cells").remove(0);
    let damage = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let changes: [(&str, Change); 6] = [
        ("of another query", |_, earlier| {
            earlier.query_name = vec![1; 32].into();
        }),
        ("of another snapshot", |_, earlier| {
            earlier.snapshot = vec![1; 32].into();
        }),
        ("of another entry", |_, earlier| {
            earlier.use_log_leaf = vec![1; 32].into();
        }),
        ("removed", |_, _| {}),
        ("damaged", |_, _| {}),
        ("of persons who cannot be told again", |_, _| {}),
    ];
    for (what, change) in changes {
        let mut world = World::new();
        let first = world.part(world.request()).await;
        let mut earlier = named(&first, &by_sex());
        change(&world, &mut earlier);
        match what {
            "removed" => fs::remove_file(cells(&world)).unwrap(),
            "damaged" => damage(cells(&world)),
            "of persons who cannot be told again" => {
                damage(kept_files(&world, "rolls").remove(0));
                world.data = Some(snapshot(&world, 6, &(0..59).collect::<Vec<_>>()));
                world.restart();
            }
            _ => {}
        }
        let refusal = world.refusal(asking(&world, by_sex(), &[earlier])).await;
        assert_eq!(refusal, R::Overlap, "{what}");
        let last = world.logged().pop().unwrap();
        assert_eq!(
            last,
            (UseDecision::SourceUnavailable, "overlap".to_owned()),
            "{what}"
        );
    }
    // What another permit has had is none of this one's.
    let world = World::new();
    let mut others = terms();
    others.id = PermitId::new(ISSUER, "2026-018").unwrap();
    let first = world.part(world.request_under(others)).await;
    let request = asking(&world, by_sex(), &[named(&first, &by_sex())]);
    assert_eq!(world.refusal(request).await, R::Overlap);
}

#[tokio::test]
async fn persons_of_a_log_with_another_key_cannot_be_told_again() {
    let mut world = World::new();
    let first = world.part(world.request()).await;
    let keys = LogKeys::from_seed(&register().id, [8; 32]).unwrap();
    let random = StdRng::seed_from_u64(2);
    let log = UseLog::open(UseLogConfig::default(), keys, SimDisk::new(2), random);
    world.log = Arc::new(log.unwrap());
    world.restart();

    let request = asking(&world, by_sex(), &[named(&first, &by_sex())]);
    assert_eq!(world.refusal(request).await, R::Overlap);
}

#[tokio::test]
async fn no_part_leaves_without_its_count_being_kept() {
    let world = World::new();
    let folder = world.folder.path().join("cells");
    fs::remove_dir(&folder).unwrap();
    assert_eq!(world.refusal(world.request()).await, R::LogUnavailable);

    fs::create_dir(&folder).unwrap();
    let part = world.part(world.request()).await;
    let kept = kept_files(&world, "cells");
    assert_eq!(kept, [folder.join(hex::encode(&part.use_log_leaf))]);
}

#[tokio::test]
async fn no_id_stands_in_what_is_kept() {
    let world = World::new();
    world.part(world.request()).await;
    for file in [kept_files(&world, "cells"), kept_files(&world, "rolls")].concat() {
        let bytes = fs::read(&file).unwrap();
        for who in 0..PERSONS as usize {
            let digits = crate::test_ids::digits(who);
            let is_there = |needle: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
            assert!(!is_there(digits.as_bytes()));
            assert!(!is_there(&person(who).expose_number().to_le_bytes()));
        }
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_query_that_is_not_the_one_named_is_refused() {
    let world = World::new();
    let request = wire::ComputeRequest {
        query_name: name_of(&born_in("persons", 1940..1950)).to_vec().into(),
        ..world.request()
    };
    assert_eq!(world.refusal(request).await, R::Query);
    assert_eq!(world.logged()[0].1, "query_name");
    // And one without a name is no question.
    let request = wire::ComputeRequest {
        query_name: vec![1; 31].into(),
        ..world.request()
    };
    assert!(world.call(request).await.is_err());
}

#[tokio::test]
async fn an_audit_of_nothing_or_of_too_much_is_no_question() {
    let world = World::new();
    assert!(world.call(asking(&world, by_sex(), &[])).await.is_err());
    let earlier = wire::EarlierCount {
        query_name: vec![1; 32].into(),
        snapshot: vec![1; 32].into(),
        use_log_leaf: vec![1; 32].into(),
    };
    let many = vec![earlier; 1_001];
    assert!(world.call(asking(&world, by_sex(), &many)).await.is_err());
}

/// A count as the engine gives it: persons with the cells of their rows.
fn answer(persons: u32, cells: u16, rows: &[(u32, Vec<u16>)]) -> Answer {
    let mut counted = PersonSet::nobody(persons);
    for (person, _) in rows {
        counted.insert(*person);
    }
    Answer {
        table: PartialTable::default(),
        counted,
        placed: Placed {
            cells: (0..cells)
                .map(|cell| vec![Key::Band(cell.into())])
                .collect(),
            rows: rows.iter().flat_map(|(_, rows)| rows.clone()).collect(),
            rows_each: rows
                .iter()
                .map(|(_, rows)| u16::try_from(rows.len()).unwrap())
                .collect(),
        },
    }
}

/// Who is where, by the persons themselves.
type Truth = BTreeSet<(usize, u16)>;

fn random_count(random: &mut StdRng, who: &[usize], cells: u16) -> (Answer, Truth) {
    let mut rows = Vec::new();
    let mut truth = Truth::new();
    for (number, who) in (0_u32..).zip(who) {
        let own: BTreeSet<u16> = (0..random.random_range(0..4))
            .map(|_| random.random_range(0..cells))
            .collect();
        truth.extend(own.iter().map(|cell| (*who, *cell)));
        if !own.is_empty() {
            rows.push((number, own.into_iter().collect()));
        }
    }
    let persons = u32::try_from(who.len()).unwrap();
    (answer(persons, cells, &rows), truth)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happened to people and numbers between, and whether pairs are few or many.
    #[test]
    fn what_two_counts_share_is_what_the_sets_share(
        seed in any::<u64>(),
        cells in prop_oneof![1_u16..5, 250_u16..260, 2_500_u16..2_600],
    ) {
        let mut random = StdRng::seed_from_u64(seed);
        let world = World::new();
        let kept = KeptCounts::open(world.folder.path(), world.log.mark_key()).unwrap();
        let mut draw = |from: usize| -> Vec<usize> {
            let mut who: Vec<usize> = (0..40).filter(|_| random.random_ratio(3, 4)).collect();
            let middle = from % who.len().max(1);
            who.rotate_left(middle);
            who
        };
        let (first, second, third) = (draw(0), draw(17), draw(5));
        let (earlier, was) = random_count(&mut random, &first, cells);
        let (also, was_also) = random_count(&mut random, &third, cells);
        let (later, is) = random_count(&mut random, &second, cells);
        let what = CountedUnder {
            permit: "a".to_owned(),
            query: [1; 32],
            snapshot: [6; 32],
        };
        kept.keep(&[9; 32], &what, &earlier, &*snapshot(&world, 6, &first)).unwrap();
        kept.keep(&[8; 32], &what, &also, &*snapshot(&world, 8, &third)).unwrap();

        let comparing = Comparing {
            kept: &kept,
            data: &*snapshot(&world, 7, &second),
            memory_bytes: 256 << 20,
            stop: &CancellationToken::new(),
        };
        let named = [9, 8].map(|leaf| super::super::asked::EarlierCount {
            query: [1; 32],
            snapshot: [6; 32],
            use_log_leaf: [leaf; 32],
        });
        let overlaps = comparing.overlaps(&later, "a", &named).unwrap();
        let wholes = [&was, &was_also, &is].map(|truth| {
            let who = truth.iter().map(|(who, _)| *who);
            who.collect::<BTreeSet<usize>>()
        });
        let in_common = |one: usize, other: usize| {
            let both = wholes[one].intersection(&wholes[other]);
            both.count() as u64
        };
        let rows = (0..3).flat_map(|one| (0..=one).map(move |other| (one, other)));
        let in_common: Vec<u64> = rows.map(|(one, other)| in_common(one, other)).collect();
        prop_assert_eq!(&overlaps.persons_in_common, &in_common);

        let mut both = BTreeMap::new();
        for (who, cell) in &is {
            for (_, other) in was.iter().filter(|(other, _)| other == who) {
                *both.entry((u32::from(*cell), u32::from(*other))).or_default() += 1_u64;
            }
        }
        let told: BTreeMap<_, _> = pairs(&overlaps.earlier[0])
            .into_iter()
            .map(|(one, other, both)| ((one, other), both))
            .collect();
        prop_assert_eq!(told, both);
        let in_cell = |cell: u16| was.iter().filter(|(_, other)| *other == cell).count() as u64;
        for (cell, told) in (0..cells).zip(&overlaps.earlier[0].cells) {
            prop_assert_eq!(told.persons, in_cell(cell));
        }
    }
}

#[test]
fn comparing_that_needs_more_memory_than_there_is_is_refused() {
    let world = World::new();
    let kept = KeptCounts::open(world.folder.path(), world.log.mark_key()).unwrap();
    let what = CountedUnder {
        permit: "a".to_owned(),
        query: [1; 32],
        snapshot: [6; 32],
    };
    let count = answer(3, 1, &[(0, vec![0]), (2, vec![0])]);
    kept.keep(&[9; 32], &what, &count, &*snapshot(&world, 6, &[0, 1, 2]))
        .unwrap();
    let data = snapshot(&world, 7, &[2, 1, 0]);
    let compare = |memory_bytes| {
        let comparing = Comparing {
            kept: &kept,
            data: &*data,
            memory_bytes,
            stop: &CancellationToken::new(),
        };
        let named = super::super::asked::EarlierCount {
            query: [1; 32],
            snapshot: [6; 32],
            use_log_leaf: [9; 32],
        };
        comparing.overlaps(&count, "a", &[named])
    };
    assert!(compare(256 << 20).is_ok());
    assert!(matches!(compare(1 << 7), Err(OverlapError::TooLarge)));
}
