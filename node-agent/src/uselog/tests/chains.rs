//! Each person's chain, found again and held to what was written.

use rand::RngExt as _;

use super::*;
use crate::uselog::entry::ChainPlace;
use crate::uselog::hash::leaf_hash;
use crate::uselog::tree::Tree;

/// What anybody finds who reads the whole log: the person's positions and places.
fn by_scanning(disk: &SimDisk, tag: &Tag) -> Vec<(u64, Option<ChainPlace>)> {
    let about = |(position, (entry, _)): (u64, (Entry, LogHash))| match entry.subject {
        EntrySubject::Person(of, _, place) if of == *tag => Some((position, place)),
        _ => None,
    };
    (0..).zip(entries_on(disk)).filter_map(about).collect()
}

/// What the reader finds by following the chain, oldest first.
fn by_chain(reader: &LogReader, tag: &Tag) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let mut next = reader.newest(tag);
    while let Some(position) = next {
        let placed = reader.about(tag, position).unwrap();
        found.push((placed.position, placed.number));
        next = placed.before;
    }
    found.reverse();
    found
}

/// A log of these entries as they are, ten to a frame.
fn log_with(entries: &[Entry]) -> Files {
    let (mut tree, mut segment) = (Tree::default(), Vec::new());
    for ten in entries.chunks(10) {
        let (mut frame, before) = (Vec::new(), tree.size());
        frame::begin(&mut frame);
        for entry in ten {
            frame.extend_from_slice(&entry.to_bytes());
            tree.push(leaf_hash(&entry.to_bytes()), |_| {});
        }
        frame::finish(&mut frame, before, &tree.root());
        segment.extend(frame);
    }
    Files::from([(audit::segment_name(0), segment)])
}

/// What was written before there were chains.
fn unchained(n: u64) -> Entry {
    let first = ChainPlace {
        number: 1,
        before: None,
    };
    let mut entry = keys().tagger().entry(&record(n), [9; 16], |_| first);
    if let EntrySubject::Person(_, _, place) = &mut entry.subject {
        *place = None;
    }
    entry
}

#[test]
fn a_persons_entries_are_numbered_and_each_names_the_one_before() {
    let disk = SimDisk::new(1);
    let mut log = open(disk.clone()).unwrap();
    log.commit(records(0..5).iter()).unwrap();
    log.commit(records(5..6).iter()).unwrap();
    let place = |number, before| Some(ChainPlace { number, before });
    assert_eq!(
        by_scanning(&disk, &keys().tagger().subject(&person(0))),
        [
            (0, place(1, None)),
            (2, place(2, Some(0))),
            (4, place(3, Some(2)))
        ]
    );
    assert_eq!(
        by_scanning(&disk, &keys().tagger().subject(&person(1))),
        [
            (1, place(1, None)),
            (3, place(2, Some(1))),
            (5, place(3, Some(3)))
        ]
    );
}

#[test]
fn a_persons_entries_are_found_wherever_they_stand() {
    let disk = SimDisk::new(2);
    let mut random = StdRng::seed_from_u64(2);
    let config = UseLogConfig {
        segment_bytes_max: 100_000,
        ..config()
    };
    let mut log = Writer::open(disk.clone(), config, keys(), salts()).unwrap();
    let mut n = 0;
    while n < 9_000 {
        let batch = match random.random_range(0..20) {
            0 => 3_000,
            1..6 => random.random_range(1..200),
            _ => 1,
        };
        log.commit(records(n..n + batch).iter()).unwrap();
        n += batch;
    }
    let head = log.sign_head().unwrap().unwrap();
    let again = open(SimDisk::with_files(&disk.files())).unwrap();
    for (reopened, reader) in [(false, log.reader()), (true, again.reader())] {
        for who in 0..2 {
            let tag = keys().tagger().subject(&person(who));
            let scanned = by_scanning(&disk, &tag).into_iter();
            let scanned: Vec<_> = scanned.map(|(at, p)| (at, p.unwrap().number)).collect();
            assert!(scanned.len() > 4_000);
            assert_eq!(by_chain(&reader, &tag), scanned, "reopened: {reopened}");
        }
        for _ in 0..200 {
            let position = random.random_range(0..n);
            let (bytes, _) = reader.entry(position).unwrap();
            let proof = reader.inclusion(position, head.size()).unwrap();
            let leaf = innsyn_proto::uselog::leaf_hash(&bytes);
            assert!(innsyn_proto::uselog::reading::is_included(
                &head, position, &leaf, &proof
            ));
        }
    }
}

#[test]
fn a_commit_that_failed_takes_no_numbers() {
    let disk = SimDisk::new(3);
    let mut log = open(disk.clone()).unwrap();
    log.commit(records(0..4).iter()).unwrap();
    disk.set_capacity(0);
    log.commit(records(4..40).iter()).unwrap_err();
    disk.set_capacity(u64::MAX);
    log.commit(records(40..42).iter()).unwrap();
    let tag = keys().tagger().subject(&person(0));
    assert_eq!(by_chain(&log.reader(), &tag), [(0, 1), (2, 2), (4, 3)]);
    check(&disk).unwrap();
}

#[test]
fn a_log_from_before_there_were_chains_is_read_and_goes_on() {
    let old: Vec<Entry> = (0..25).map(unchained).collect();
    let disk = SimDisk::with_files(&log_with(&old));
    let mut log = open(disk.clone()).unwrap();
    log.commit(records(25..28).iter()).unwrap();
    let tag = keys().tagger().subject(&person(0));
    let found = by_chain(&log.reader(), &tag);
    let numbered: Vec<(u64, u64)> = (0..14).map(|n| (2 * n, n + 1)).collect();
    assert_eq!(found, numbered);
    assert_eq!(
        by_scanning(&disk, &tag).last(),
        Some(&(
            26,
            Some(ChainPlace {
                number: 14,
                before: Some(24)
            })
        ))
    );
    check(&disk).unwrap();
}

#[test]
fn a_chain_that_does_not_continue_is_found_when_the_log_is_opened() {
    let disk = SimDisk::new(5);
    open(disk.clone())
        .unwrap()
        .commit(records(0..12).iter())
        .unwrap();
    let good: Vec<Entry> = entries_on(&disk)
        .into_iter()
        .map(|(entry, _)| entry)
        .collect();
    assert!(open(SimDisk::with_files(&log_with(&good))).is_ok());
    let place = |number, before| ChainPlace { number, before };
    // Set back, left out, another one before, and another's.
    for wrong in [
        place(1, None),
        place(4, Some(6)),
        place(6, Some(6)),
        place(5, Some(4)),
        place(5, Some(7)),
    ] {
        let mut entries = good.clone();
        let EntrySubject::Person(_, _, at) = &mut entries[8].subject else {
            panic!("a person's");
        };
        assert_eq!(*at, Some(place(5, Some(6))));
        *at = Some(wrong);
        match open(SimDisk::with_files(&log_with(&entries))) {
            Err(AuditError::Fault(fault)) => {
                assert_eq!((fault.entry, fault.check), (Some(8), Check::Chain));
            }
            other => panic!("{wrong:?}: {:?}", other.map(|log| log.size())),
        }
    }
}

#[test]
fn nobody_reads_anothers_entries() {
    let disk = SimDisk::new(6);
    let mut log = open(disk).unwrap();
    log.commit(records(0..4).iter()).unwrap();
    let tag = keys().tagger().subject(&person(0));
    assert!(log.reader().about(&tag, 0).is_ok());
    for position in [1, 3, 4, u64::MAX] {
        assert!(log.reader().about(&tag, position).is_err(), "{position}");
    }
}
