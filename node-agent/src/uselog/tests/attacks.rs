//! A dishonest agent against whoever checks what it shows: which mechanism finds which attack.
//!
//! The agent has its keys and a real log, and shows whatever it likes: it makes entries, heads and
//! proofs of its own. Against each attack exactly one of the four mechanisms stands, so that without
//! it that attack comes through, and no other does.

use std::fmt::Write as _;

use innsyn_proto::head::countersign;
use innsyn_proto::uselog::reading::{
    ShownEntry, Told, UsesFault, check_chain, check_inclusion, check_receipt, check_witnessed,
};
use tlog_tiles::{Hash, HashReader};

use super::*;
use crate::uselog::entry::ChainPlace;
use crate::uselog::hash::leaf_hash;
use crate::uselog::tree::Tree;

/// What finds attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Inclusion,
    Chain,
    Receipt,
    Witnesses,
}

use Mechanism::{Chain, Inclusion, Receipt as Receipts, Witnesses};

const MECHANISMS: [Mechanism; 4] = [Inclusion, Chain, Receipts, Witnesses];
/// The question of the reading that is checked.
const READING: QuestionId = QuestionId([0xee; 16]);
/// Whose log is read.
const KARI: u64 = 0;

/// A log as the agent shows it, with entries of its own making, signed with its key.
#[derive(Clone)]
struct Log(Vec<Entry>);

/// All that is shown to one person, and what they and the witnesses hold.
#[derive(Clone)]
struct Shown {
    head: SignedHead,
    entries: Vec<ShownEntry>,
    /// An earlier receipt of the person, and the proof that is shown for it.
    receipt: Option<(ReadingReceipt, Vec<LogHash>)>,
    /// The head that witnesses have signed, and the proof that is shown for it.
    witnessed: (SignedHead, Vec<LogHash>),
}

struct Hashes(Vec<Hash>);

impl HashReader for Hashes {
    fn read_hashes(&self, at: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let at = at.iter().map(|at| usize::try_from(*at).unwrap());
        Ok(at.map(|at| self.0[at]).collect())
    }
}

impl Log {
    /// A real log: Kari and Ola, their own listings and readings, and a stranger's use of Kari's.
    fn real() -> Self {
        let disk = SimDisk::new(1);
        let mut log = open(disk.clone()).unwrap();
        let mut written = records(0..20);
        written[8].organisation = Organisation::parse("974760673").unwrap();
        log.commit(written.iter()).unwrap();
        Self(
            entries_on(&disk)
                .into_iter()
                .map(|(entry, _)| entry)
                .collect(),
        )
    }

    /// Adds an entry about Kari as the chain has it.
    fn add(&mut self, question: QuestionId, done: PersonUse) {
        let last = self.chain().first().map(|at| (*at, self.place(*at).number));
        let place = ChainPlace {
            number: last.map_or(0, |(_, number)| number) + 1,
            before: last.map(|(at, _)| at),
        };
        self.add_at(question, done, place);
    }

    fn add_at(&mut self, question: QuestionId, done: PersonUse, place: ChainPlace) {
        let mut record = record(KARI);
        record.question = question;
        record.subject = UseSubject::Person(person(KARI), done);
        let salt = [u8::try_from(self.0.len()).unwrap(); 16];
        self.0.push(keys().tagger().entry(&record, salt, |_| place));
    }

    fn place(&self, position: u64) -> ChainPlace {
        match self.0[usize::try_from(position).unwrap()].subject {
            EntrySubject::Person(_, _, Some(place)) => place,
            _ => panic!("a place"),
        }
    }

    /// Kari's positions, newest first, as the newest one leads back.
    fn chain(&self) -> Vec<u64> {
        let tag = keys().tagger().subject(&person(KARI));
        let is_hers =
            |entry: &Entry| matches!(entry.subject, EntrySubject::Person(of, _, _) if of == tag);
        let mut next = self.0.iter().rposition(is_hers).map(|at| at as u64);
        let mut positions = Vec::new();
        while let Some(position) = next {
            positions.push(position);
            next = self.place(position).before;
        }
        positions
    }

    fn tree(&self) -> (Tree, Hashes) {
        let (mut tree, mut hashes) = (Tree::default(), Vec::new());
        for entry in &self.0 {
            tree.push(leaf_hash(&entry.to_bytes()), |hash| hashes.push(hash));
        }
        (tree, Hashes(hashes))
    }

    fn head(&self) -> SignedHead {
        let (tree, _) = self.tree();
        SignedHead::sign(tree.size(), tree.root(), &keys().signer).unwrap()
    }

    /// A proof that this log continues its own first `size` entries: the best the agent has for a
    /// head of that size, whether or not it was another log's.
    fn consistency(&self, size: u64) -> Vec<LogHash> {
        let (tree, hashes) = self.tree();
        let proof = tlog_tiles::prove_tree(tree.size(), size.min(tree.size()), &hashes).unwrap();
        proof.into_iter().map(|hash| hash.0).collect()
    }

    /// The log when Kari has read it, and the receipt that she was given.
    fn read_once(mut self) -> (Self, ReadingReceipt) {
        self.add(QuestionId([0xaa; 16]), PersonUse::LogReading);
        let (head, position) = (self.head(), self.chain()[0]);
        let receipt = ReadingReceipt {
            register: register(),
            person: keys().tagger().subject(&person(KARI)),
            entries: head.size(),
            root: head.root(),
            newest: self.place(position).number,
            position,
            at: Timestamp::from_seconds(1_800_000_100),
        };
        let note = receipt.sign(&keys().signer).unwrap();
        (self, ReadingReceipt::read(&note, &log_key()).unwrap())
    }

    /// What an agent shows of this log that does nothing else wrong.
    fn show(mut self, receipt: Option<ReadingReceipt>, witnessed: &SignedHead) -> Shown {
        self.add(READING, PersonUse::LogReading);
        self.show_as_it_is(receipt, witnessed)
    }

    fn show_as_it_is(&self, receipt: Option<ReadingReceipt>, witnessed: &SignedHead) -> Shown {
        let (tree, hashes) = self.tree();
        let shown = |position: u64| {
            let proof = tlog_tiles::prove_record(tree.size(), position, &hashes).unwrap();
            let entry = &self.0[usize::try_from(position).unwrap()];
            ShownEntry {
                position,
                number: self.place(position).number,
                told: Told::Entry(Box::new(entry.to_bytes())),
                inclusion: proof.into_iter().map(|hash| hash.0).collect(),
            }
        };
        let with_proof = |size| self.consistency(size);
        Shown {
            head: self.head(),
            entries: self.chain().into_iter().map(shown).collect(),
            receipt: receipt.map(|receipt| (receipt.clone(), with_proof(receipt.entries))),
            witnessed: (witnessed.clone(), with_proof(witnessed.size())),
        }
    }
}

/// The head as a witness signs it.
fn witnessed(log: &Log) -> SignedHead {
    countersign(log.head().note(), &log_key(), None, &[], &gateway(), AT).unwrap()
}

impl Shown {
    /// What each mechanism finds wrong, without the one that is taken out.
    fn found_by(&self, without: Option<Mechanism>) -> Vec<Mechanism> {
        let fault = |mechanism| -> Result<(), UsesFault> {
            match mechanism {
                Inclusion => check_inclusion(&self.head, &self.entries),
                Chain => check_chain(&self.entries, READING).map(drop),
                Receipts => match &self.receipt {
                    None => Ok(()),
                    Some((receipt, proof)) => {
                        let tag = keys().tagger().subject(&person(KARI));
                        check_receipt(receipt, &self.head, proof, &tag, &self.entries)
                    }
                },
                Witnesses => {
                    let (head, proof) = &self.witnessed;
                    check_witnessed(head, &self.head, proof)
                }
            }
        };
        let left = MECHANISMS.into_iter().filter(|m| Some(*m) != without);
        left.filter(|mechanism| fault(*mechanism).is_err())
            .collect()
    }

    fn told_mut(&mut self, number: u64) -> &mut [u8; ENTRY_BYTES] {
        let shown = self.entries.iter_mut().find(|entry| entry.number == number);
        match &mut shown.unwrap().told {
            Told::Entry(bytes) => bytes,
            Told::HeldBack { .. } => panic!("told"),
        }
    }
}

/// Nothing wrong: Kari has read once, a witness has signed, and more has come since.
fn honest() -> Shown {
    let (mut log, receipt) = Log::real().read_once();
    let seen = witnessed(&log);
    log.add(QuestionId([0xbb; 16]), PersonUse::Listing);
    log.show(Some(receipt), &seen)
}

/// Every attack, what it does, and the mechanism that must find it.
fn attacks() -> Vec<(&'static str, Mechanism, Shown)> {
    let mut attacks = Vec::new();
    let mut attack = |name, by, shown| attacks.push((name, by, shown));

    let mut changed = honest();
    // The organisation of the stranger.
    changed.told_mut(5)[64..73].copy_from_slice(b"983658776");
    attack("an entry is changed", Inclusion, changed);

    let mut made_up = honest();
    let mut other = *made_up.told_mut(5);
    other[80] ^= 1;
    *made_up.told_mut(5) = other;
    attack("an entry is made up in another's place", Inclusion, made_up);

    let mut held = honest();
    let shown = held.entries.iter_mut().find(|entry| entry.number == 11);
    shown.unwrap().told = Told::HeldBack {
        leaf: [7; 32],
        until: Timestamp::from_seconds(2_000_000_000),
    };
    attack("what is held back is not in the log", Inclusion, held);

    let mut dropped = honest();
    dropped.entries.retain(|entry| entry.number != 5);
    attack("an entry is left out", Chain, dropped);

    let mut renumbered = honest();
    renumbered.entries.retain(|entry| entry.number != 5);
    for entry in &mut renumbered.entries {
        entry.number -= u64::from(entry.number > 5);
    }
    // What the receipt says is the agent's to reach: it is asked for by number.
    if let Some((receipt, _)) = &mut renumbered.receipt {
        receipt.newest -= 1;
    }
    attack(
        "an entry is left out, and the others renumbered",
        Chain,
        renumbered,
    );

    let mut reordered = honest();
    let at = |number| {
        let shown = reordered.entries.iter();
        shown
            .clone()
            .position(|entry| entry.number == number)
            .unwrap()
    };
    let (a, b) = (at(5), at(6));
    reordered.entries.swap(a, b);
    attack("two entries are shown in another order", Chain, reordered);

    let (mut unlogged, receipt) = Log::real().read_once();
    let seen = witnessed(&unlogged);
    unlogged.add(QuestionId([0xbb; 16]), PersonUse::Listing);
    let newer_left_out = unlogged.show_as_it_is(Some(receipt), &seen);
    attack("the newest entries are left out", Chain, newer_left_out);

    attacks.extend(attacks_on_the_log());
    attacks
}

/// Those that change the log itself, or show another.
fn attacks_on_the_log() -> Vec<(&'static str, Mechanism, Shown)> {
    let mut attacks = Vec::new();
    let mut attack = |name, by, shown| attacks.push((name, by, shown));

    // An older copy of the log is put back; witnesses had not seen what came after it.
    let older = Log::real();
    let seen = witnessed(&older);
    let mut longer = older.clone();
    longer.add(QuestionId([0xbb; 16]), PersonUse::Listing);
    let (_, receipt) = longer.read_once();
    attack(
        "the log is cut to an old head that witnesses know",
        Receipts,
        older.show(Some(receipt), &seen),
    );

    // The same, of somebody who has no receipt, when witnesses had seen it.
    let older = Log::real();
    let mut longer = older.clone();
    longer.add(QuestionId([0xbb; 16]), PersonUse::Listing);
    longer.add(QuestionId([0xbc; 16]), PersonUse::Listing);
    attack(
        "the log is cut to an older head than witnesses know",
        Witnesses,
        older.show(None, &witnessed(&longer)),
    );

    // Ola is shown, and witnesses have signed, a log that has what Kari is not shown.
    let mut for_ola = Log::real();
    let for_kari = for_ola.clone();
    for n in 0..3 {
        for_ola.add(QuestionId([0xc0 + n; 16]), PersonUse::Listing);
    }
    attack(
        "two logs are shown to two people",
        Witnesses,
        for_kari.show(None, &witnessed(&for_ola)),
    );

    // The counter begins anew, in the same log.
    let (mut log, receipt) = Log::real().read_once();
    let seen = witnessed(&log);
    let first = ChainPlace {
        number: 1,
        before: None,
    };
    log.add_at(QuestionId([0xd0; 16]), PersonUse::Listing, first);
    attack(
        "the counter is set back to 1",
        Receipts,
        log.show(Some(receipt), &seen),
    );

    // The counter goes on past an entry that has been seen, by another way.
    let (mut log, receipt) = Log::real().read_once();
    let seen = witnessed(&log);
    let around = ChainPlace {
        number: 11,
        before: Some(log.chain()[1]),
    };
    log.add_at(QuestionId([0xd1; 16]), PersonUse::Listing, around);
    attack(
        "the chain is led around the last entry",
        Receipts,
        log.show(Some(receipt), &seen),
    );
    attacks
}

#[test]
fn what_an_honest_agent_shows_holds() {
    assert_eq!(honest().found_by(None), []);
}

#[test]
fn promise_4_every_attack_is_found_by_one_mechanism_and_comes_through_without_it() {
    let attacks = attacks();
    let mut table = format!("{:<52} found by\n", "attack");
    for (name, by, shown) in &attacks {
        let found = shown.found_by(None);
        writeln!(table, "{name:<52} {found:?}").unwrap();
        assert_eq!(found, [*by], "{name}");
    }
    for without in MECHANISMS {
        let through = attacks.iter().filter(|(_, _, shown)| {
            let found = shown.found_by(Some(without));
            found.is_empty()
        });
        let through: Vec<&str> = through.map(|(name, _, _)| *name).collect();
        let its_own = attacks.iter().filter(|(_, by, _)| *by == without);
        let its_own: Vec<&str> = its_own.map(|(name, _, _)| *name).collect();
        writeln!(table, "without {without:?}: {} come through", through.len()).unwrap();
        assert_eq!(through, its_own, "without {without:?}");
        assert!(!through.is_empty(), "{without:?} stands against nothing");
    }
    // Kept with the test's output, for whoever runs it with `--nocapture`.
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, table.as_bytes()).unwrap();
}

#[test]
fn a_receipt_of_another_person_or_log_is_not_taken() {
    let shown = honest();
    let (receipt, proof) = shown.receipt.clone().unwrap();
    let tag = keys().tagger().subject(&person(KARI));
    let other_person = ReadingReceipt {
        person: keys().tagger().subject(&person(1)),
        ..receipt.clone()
    };
    let other_register = ReadingReceipt {
        register: RegisterId::parse("hunt").unwrap(),
        ..receipt
    };
    for other in [other_person, other_register] {
        assert_eq!(
            check_receipt(&other, &shown.head, &proof, &tag, &shown.entries),
            Err(UsesFault::OtherReceipt)
        );
    }
}
