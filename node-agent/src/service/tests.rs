//! Answering, over a log on a disk that forgets and fails.

mod crash;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use innsyn_policy::{
    Area, Assurance, Caller, Clock, LegalBasis, ManualClock, NoAnswerReason, Organisation, Outcome,
    Presence, Purpose, QuestionId, Register, RegisterId, RegisterKind, Representation, Request,
    Timestamp, UseDecision, Validity, WithheldReason,
};
use innsyn_proto::convert::{NodeAnswer, answer_from_wire, encode_question};
use innsyn_proto::head::HeadKey;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::wire::node::v1::Question;
use prost::Message as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::sources::{FolderSource, Silent, SubjectsStore};
use crate::subjects::SubjectKey;
use crate::test_ids::{NUMBERS, digits, person};
use crate::uselog::{
    Disk, ENTRY_BYTES, Entry, LogKeys, NoSync, SimDisk, UseLog, UseLogConfig, verify,
};

const MANIFEST: &str = r#"
    [persons]
    files = ["persons.csv"]
    columns = { national_id = "fnr" }
"#;
/// The persons in the register; the one after them is not in it.
const PERSONS: usize = 2;
const PLENTY: Caps = Caps {
    per_minute: 1_000_000,
    per_day: 1_000_000,
};

fn subjects_key() -> SubjectKey {
    SubjectKey::generate(&mut StdRng::seed_from_u64(1), None)
}

fn register() -> Register {
    Register {
        id: RegisterId::parse("kreft").unwrap(),
        kind: RegisterKind::Central,
        legal_basis: LegalBasis::Mandatory,
        membership_is_sensitive: false,
    }
}

fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)))
}

type Subjects = Arc<SubjectsStore<Arc<dyn Clock>>>;

async fn subjects() -> Subjects {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..PERSONS).map(digits).collect();
    std::fs::write(folder.path().join("manifest.toml"), MANIFEST).unwrap();
    let table = format!("fnr\n{}\n", rows.join("\n"));
    std::fs::write(folder.path().join("persons.csv"), table).unwrap();
    let source = Arc::new(FolderSource::new(folder.path()));
    let (age, silent) = (Duration::from_hours(1), Arc::new(Silent));
    SubjectsStore::open(source, subjects_key(), NUMBERS, age, clock(), silent)
        .await
        .unwrap()
}

fn keys() -> LogKeys {
    LogKeys::from_seed(&register().id, [7; 32]).unwrap()
}

fn open_log(disk: impl Disk) -> Option<UseLog> {
    let config = UseLogConfig {
        // Small, so that crashes also meet the change to a new segment.
        segment_bytes_max: 4000,
        ..UseLogConfig::default()
    };
    UseLog::open(config, keys(), disk, StdRng::seed_from_u64(1)).ok()
}

fn answering_over(log: UseLog, subjects: &Subjects, caps: Caps) -> Answering {
    let (log, subjects) = (Arc::new(log), Arc::clone(subjects));
    let caps = [(gateway(), caps)];
    Answering::new(register(), NUMBERS.rules, subjects, log, clock(), caps)
}

async fn answering(disk: &SimDisk, caps: Caps) -> Answering {
    let log = open_log(disk.clone()).unwrap();
    answering_over(log, &subjects().await, caps)
}

/// Person `n` asks about themself, in question `id`.
fn own(id: u64, n: usize) -> Question {
    asked(id, n, Assurance::High, Representation::Own)
}

fn asked(id: u64, n: usize, assurance: Assurance, representation: Representation) -> Question {
    let own = representation == Representation::Own;
    let request = Request {
        subject: person(n),
        caller: Caller {
            person: person(if own { n } else { 20 }),
            organisation: Organisation::parse("983658776").unwrap(),
            assurance,
        },
        representation,
        purpose: Purpose::OwnInsight,
    };
    let id = QuestionId(u128::from(id).to_le_bytes());
    let encoded = encode_question(id, 0, &request, 3000);
    Question::decode(encoded).unwrap()
}

async fn ask(answering: &Answering, questions: Vec<Question>) -> Vec<NodeAnswer> {
    let numbered = questions.into_iter().zip(100..).map(|(question, number)| {
        let mut question = question;
        question.number = number;
        question
    });
    let answers = answering.answer(&gateway(), numbered.collect()).await;
    let answers: Vec<NodeAnswer> = answers
        .iter()
        .map(|answer| answer_from_wire(answer).unwrap())
        .collect();
    let numbers: Vec<u64> = answers.iter().map(|answer| answer.number).collect();
    let expected: Vec<u64> = (100..).take(answers.len()).collect();
    assert_eq!(numbers, expected, "answers in the order of questions");
    answers
}

/// The log's entries with their leaves, as they stand on `disk`.
fn entries(disk: &SimDisk) -> Vec<(Entry, [u8; 32])> {
    const HEAD_BYTES: usize = 20;
    const TAIL_BYTES: usize = 36;
    let mut entries = Vec::new();
    for (name, bytes) in disk.files() {
        let mut rest = bytes.as_slice();
        while name.contains(".seg") && rest.len() >= HEAD_BYTES {
            let count = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
            let end = HEAD_BYTES + count * ENTRY_BYTES;
            if &rest[..4] != b"IULF" || rest.len() < end + TAIL_BYTES {
                break;
            }
            for entry in rest[HEAD_BYTES..end].chunks(ENTRY_BYTES) {
                let Ok(read) = Entry::from_bytes(entry.try_into().unwrap()) else {
                    return entries;
                };
                entries.push((read, tlog_tiles::record_hash(entry).0));
            }
            rest = &rest[end + TAIL_BYTES..];
        }
    }
    entries
}

fn decisions(disk: &SimDisk) -> Vec<UseDecision> {
    let entries = entries(disk).into_iter();
    entries.map(|(entry, _)| entry.decision).collect()
}

fn silent(reason: NoAnswerReason) -> Outcome {
    Outcome::NoAnswer(reason)
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[tokio::test]
async fn each_question_of_a_batch_gets_its_answer_and_its_entry() {
    let disk = SimDisk::new(1);
    let answering = answering(&disk, PLENTY).await;
    let answers = ask(&answering, vec![own(1, 0), own(2, PERSONS), own(3, 1)]).await;
    let here = Outcome::Registered(Presence::default());
    let outcomes: Vec<Outcome> = answers.iter().map(|answer| answer.outcome).collect();
    assert_eq!(outcomes, [here, Outcome::NotRegistered, here]);
    let leaves: Vec<_> = answers.iter().map(|a| a.use_log_leaf.unwrap()).collect();
    let logged: Vec<_> = entries(&disk).into_iter().map(|(_, leaf)| leaf).collect();
    assert_eq!(leaves, logged);
    assert_eq!(decisions(&disk), [UseDecision::Answered; 3]);
}

#[tokio::test]
async fn a_question_asked_twice_has_one_answer_and_one_entry() {
    let disk = SimDisk::new(2);
    let answering = answering(&disk, PLENTY).await;
    let first = ask(&answering, vec![own(1, 0)]).await;
    assert_eq!(ask(&answering, vec![own(1, 0)]).await, first);
    assert_eq!(entries(&disk).len(), 1);
    assert_eq!(count(&answering.counts().repeated), 1);
    let other = ask(&answering, vec![own(2, 0)]).await;
    assert_ne!(other[0].use_log_leaf, first[0].use_log_leaf);
}

#[tokio::test]
async fn what_is_over_the_cap_is_refused_and_logged() {
    let disk = SimDisk::new(3);
    let caps = Caps {
        per_minute: 1,
        per_day: 10,
    };
    let answering = answering(&disk, caps).await;
    let answers = ask(&answering, vec![own(1, 0), own(2, 1)]).await;
    assert_eq!(answers[1].outcome, silent(NoAnswerReason::OverCap));
    assert!(answers[1].use_log_leaf.is_some());
    assert_eq!(
        decisions(&disk),
        [UseDecision::Answered, UseDecision::OverCap]
    );
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_refused_and_its_neighbours_are_answered() {
    let disk = SimDisk::new(4);
    let answering = answering(&disk, PLENTY).await;
    let mut unreadable = own(2, 0);
    unreadable.subject = 1_815_000_037;
    let answers = ask(&answering, vec![own(1, 0), unreadable, own(3, 1)]).await;
    assert_eq!(answers[1].outcome, silent(NoAnswerReason::Refused));
    assert_eq!(answers[1].use_log_leaf, None);
    let leaves = [answers[0].use_log_leaf, answers[2].use_log_leaf];
    let logged = entries(&disk);
    assert_eq!(leaves, [Some(logged[0].1), Some(logged[1].1)]);
    assert_eq!(count(&answering.counts().unreadable), 1);
}

#[tokio::test]
async fn what_is_withheld_or_denied_is_logged_as_such() {
    let disk = SimDisk::new(5);
    let answering = answering(&disk, PLENTY).await;
    let elsewhere = Representation::PowerOfAttorney {
        areas: [Area::Kind(RegisterKind::Biobank)].into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(2_000_000_000),
        },
    };
    let withheld = asked(1, 0, Assurance::High, elsewhere);
    let denied = asked(2, 0, Assurance::Substantial, Representation::Own);
    let answers = ask(&answering, vec![withheld, denied]).await;
    let reason = WithheldReason::AreaNotCovered;
    assert_eq!(answers[0].outcome, Outcome::Withheld(reason));
    assert_eq!(answers[1].outcome, silent(NoAnswerReason::Refused));
    assert!(answers.iter().all(|answer| answer.use_log_leaf.is_some()));
    let logged = decisions(&disk);
    assert_eq!(logged[0], UseDecision::Withheld(reason));
    assert!(matches!(logged[1], UseDecision::Denied(_)), "{logged:?}");
    assert_eq!(count(&answering.counts().denied), 1);
}

#[tokio::test]
async fn promise_4_a_log_that_cannot_be_written_leaves_a_whole_batch_unanswered() {
    let disk = SimDisk::new(6);
    let answering = answering(&disk, PLENTY).await;
    disk.set_capacity(0);
    let answers = ask(&answering, vec![own(1, 0), own(2, 1), own(3, 0)]).await;
    for answer in answers {
        assert_eq!(answer.outcome, silent(NoAnswerReason::LogUnavailable));
        assert_eq!(answer.use_log_leaf, None);
    }
    assert_eq!(entries(&disk), []);
    assert_eq!(count(&answering.counts().unlogged), 3);

    // Asked again when there is room, they are answered: nothing was remembered as answered.
    disk.set_capacity(u64::MAX);
    let answers = ask(&answering, vec![own(1, 0), own(2, 1)]).await;
    assert!(answers.iter().all(|answer| answer.use_log_leaf.is_some()));
    assert_eq!(entries(&disk).len(), 2);
}

#[tokio::test]
async fn a_gateway_without_a_cap_of_its_own_is_refused() {
    let disk = SimDisk::new(7);
    let answering = answering(&disk, PLENTY).await;
    let stranger: GatewayName = "stranger".parse().unwrap();
    let answers = answering.answer(&stranger, vec![own(1, 0)]).await;
    let answer = answer_from_wire(&answers[0]).unwrap();
    assert_eq!(answer.outcome, silent(NoAnswerReason::Refused));
    assert_eq!(entries(&disk), []);
}
