//! The log, on a disk that forgets, fails and is tampered with.

mod attacks;
mod chains;
mod crash;
mod entries;
mod failures;
mod files;
mod live;
mod tamper;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use innsyn_policy::{
    NationalId, NumberRules, Organisation, PersonUse, Purpose, QuestionId, RegisterId, Timestamp,
    UseDecision, UseRecord, UseSubject,
};
use innsyn_proto::head::{HeadKey, HeadSigner};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

type Files = BTreeMap<String, Vec<u8>>;

/// Synthetic numbers (month + 80), invented for these tests.
const PEOPLE: [&str; 2] = ["15857510027", "15857510108"];

fn person(n: u64) -> NationalId {
    let text = PEOPLE[usize::try_from(n).unwrap() % PEOPLE.len()];
    NationalId::parse(text, NumberRules::default()).unwrap()
}

fn record(n: u64) -> UseRecord {
    UseRecord {
        at: Timestamp::from_seconds(1_800_000_000 + i64::try_from(n).unwrap()),
        question: QuestionId((u128::from(n) + 1).to_le_bytes()),
        subject: UseSubject::Person(person(n), PersonUse::Listing),
        caller: person(n / 2),
        organisation: Organisation::parse("983658776").unwrap(),
        purpose: Purpose::OwnInsight,
        decision: UseDecision::Answered,
    }
}

/// When heads are countersigned.
const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn records(range: std::ops::Range<u64>) -> Vec<UseRecord> {
    range.map(record).collect()
}

fn register() -> RegisterId {
    RegisterId::parse("kreft").unwrap()
}

fn keys() -> LogKeys {
    LogKeys::from_seed(&register(), [7; 32]).unwrap()
}

fn log_key() -> HeadKey {
    static KEY: LazyLock<HeadKey> = LazyLock::new(|| HeadKey::parse(keys().public_text()).unwrap());
    KEY.clone()
}

fn gateway() -> HeadSigner {
    HeadSigner::from_seed("gateway-1", [8; 32]).unwrap()
}

fn gateway_key() -> WitnessKey {
    static KEY: LazyLock<WitnessKey> = LazyLock::new(|| gateway().witness().unwrap());
    KEY.clone()
}

fn config() -> UseLogConfig {
    UseLogConfig {
        countersigners: vec![gateway_key()],
        ..UseLogConfig::default()
    }
}

fn salts() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn open(disk: impl Disk) -> Result<Writer<impl Disk>, AuditError> {
    Writer::open(disk, config(), keys(), salts())
}

fn check(disk: &SimDisk) -> Result<Report, AuditError> {
    verify(disk, &log_key(), &[gateway_key()], None)
}

/// What verification finds wrong with `files`.
fn fault_in(files: &Files) -> Option<Fault> {
    match check(&SimDisk::with_files(files)) {
        Ok(_) => None,
        Err(AuditError::Fault(fault)) => Some(fault),
        Err(error) => panic!("{error}"),
    }
}

/// A log of `entries`, `per_commit` at a time, in segments of `segment_bytes_max`, with a
/// countersigned head half-way and a signed one at the end.
fn log_of(entries: u64, per_commit: u64, segment_bytes_max: u64) -> Files {
    let disk = SimDisk::new(0);
    let config = UseLogConfig {
        segment_bytes_max,
        ..config()
    };
    let mut log = Writer::open(disk.clone(), config, keys(), salts()).unwrap();
    let mut countersigned = false;
    let mut n = 0;
    while n < entries {
        let next = entries.min(n + per_commit);
        log.commit(records(n..next).iter()).unwrap();
        n = next;
        if n >= entries / 2 && !countersigned {
            let head = log.sign_head().unwrap().unwrap();
            let note = countersign(&head);
            log.add_countersigned(&note).unwrap();
            countersigned = true;
        }
    }
    log.sign_head().unwrap();
    disk.files()
}

fn countersign(head: &SignedHead) -> Vec<u8> {
    innsyn_proto::head::countersign(head.note(), &log_key(), None, &[], &gateway(), AT)
        .unwrap()
        .note()
        .to_vec()
}

/// The entries on `disk` with their hashes, in order.
pub(crate) fn entries_on(disk: &impl Disk) -> Vec<(Entry, LogHash)> {
    let mut entries = Vec::new();
    for number in audit::segments(disk).unwrap() {
        let bytes = disk.read(&audit::segment_name(number)).unwrap();
        let mut at = 0;
        while let frame::Read::Frame(frame) = frame::read(&bytes, at) {
            let read = |entry| (Entry::from_bytes(entry).unwrap(), hash::leaf_hash(entry).0);
            entries.extend(frame.entries.iter().map(read));
            at += frame.len;
        }
    }
    entries
}
