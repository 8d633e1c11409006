//! The codec, the codes and the tree.

use innsyn_policy::{DenyReason, NotCountedReason, OutsidePermit, UseKind, WithheldReason};
use proptest::prelude::*;
use sha2::Digest as _;

use super::*;
use crate::uselog::codes;

#[test]
fn the_codes_never_change() {
    use DenyReason as D;
    use NotCountedReason as N;
    use OutsidePermit as O;
    let denied = [
        D::AssuranceTooLow,
        D::NotOneself,
        D::RepresentsOneself,
        D::ChildBirthDateMissing,
        D::ChildNotUnder16,
        D::RepresentationNotYetValid,
        D::RepresentationExpired,
        D::RepresentationCoversNothing,
        D::RepresentationNotForPurpose,
        D::HoldsNoIdentities,
        D::SettingsUnreadable,
        D::SettingsStale,
        D::SettingUndefined,
        D::NoConsent,
        D::ConsentEnded,
        D::Reserved,
        D::Blocked,
    ];
    for (code, reason) in (1..).zip(denied) {
        assert_eq!(codes::of_decision(UseDecision::Denied(reason)), (3, code));
    }
    let withheld = [
        WithheldReason::AreaNotCovered,
        WithheldReason::SensitiveFromTwelve,
    ];
    for (code, reason) in (1..).zip(withheld) {
        assert_eq!(codes::of_decision(UseDecision::Withheld(reason)), (2, code));
    }
    assert_eq!(codes::of_decision(UseDecision::Answered), (1, 0));
    assert_eq!(codes::of_decision(UseDecision::OverCap), (4, 0));
    assert_eq!(codes::of_decision(UseDecision::SourceUnavailable), (5, 0));
    let outside = [
        O::Validity,
        O::People,
        O::Organisation,
        O::Purpose,
        O::LegalBasis,
        O::Registers,
        O::Variables,
        O::BornYears,
        O::Months,
        O::OwnUnit,
        O::Kinds,
        O::SmallestCell,
        O::RoundingBase,
        O::Budget,
    ];
    for (code, field) in (1..).zip(outside) {
        let decision = UseDecision::OutsidePermit(field);
        assert_eq!(codes::of_decision(decision), (6, code));
    }
    let not_counted = [
        N::Query,
        N::Permit,
        N::Steward,
        N::Stopped,
        N::TooLarge,
        N::Cancelled,
    ];
    for (code, reason) in (1..).zip(not_counted) {
        let decision = UseDecision::NotCounted(reason);
        assert_eq!(codes::of_decision(decision), (7, code));
    }
    assert_eq!(codes::of_kind(UseKind::Listing), 1);
    assert_eq!(codes::of_kind(UseKind::Query), 2);
    assert_eq!(codes::of_kind(UseKind::LogReading), 3);
    assert_eq!(codes::of_kind(UseKind::SettingChange), 4);
    assert_eq!(codes::of_kind(UseKind::Dialog), 5);
    let purposes = [
        Purpose::OwnInsight,
        Purpose::Treatment,
        Purpose::QualityImprovement,
        Purpose::Research,
        Purpose::Administration,
    ];
    for (code, purpose) in (1..).zip(purposes) {
        assert_eq!(codes::of_purpose(purpose), code);
    }
}

#[test]
fn every_pair_of_codes_has_one_meaning_or_none() {
    let mut meanings = 0;
    for decision in 0..=255 {
        for reason in 0..=255 {
            if let Some(meaning) = codes::decision(decision, reason) {
                assert_eq!(codes::of_decision(meaning), (decision, reason));
                meanings += 1;
            }
        }
    }
    assert_eq!(meanings, 3 + 2 + 17 + 14 + 6);
}

#[test]
fn an_entry_tells_everything_but_who() {
    let record = record(5);
    let entry = Entry::new(&record, keys().tagger(), [9; 16]);
    let bytes = entry.to_bytes();

    assert_eq!(Entry::from_bytes(&bytes), Ok(entry.clone()));
    assert_eq!((entry.at, entry.question), (record.at, record.question));
    assert_eq!(entry.organisation, record.organisation);
    for id in [person(5), record.caller] {
        assert!(!bytes.windows(11).any(|window| window == id.expose()));
    }
}

#[test]
fn an_entry_of_a_query_commits_to_persons_and_tags_none() {
    let record = UseRecord {
        subject: UseSubject::Counted([0xc5; 32]),
        ..record(5)
    };
    let entry = Entry::new(&record, keys().tagger(), [9; 16]);
    let bytes = entry.to_bytes();
    assert_eq!(entry.subject, EntrySubject::Counted([0xc5; 32]));
    assert_eq!(Entry::from_bytes(&bytes), Ok(entry));

    for place in [32, 47] {
        let mut tagged = bytes;
        tagged[place] = 1;
        assert_eq!(Entry::from_bytes(&tagged), Err(ReadEntryError::Reserve));
    }
    let mut listing = bytes;
    listing[1] = 1;
    assert_eq!(Entry::from_bytes(&listing), Err(ReadEntryError::Reserve));
}

#[test]
fn a_tag_finds_a_person_and_hides_own_access() {
    let (tagger, other) = (Tagger::new(&[1; 32]), Tagger::new(&[2; 32]));
    let id = person(0);
    assert_eq!(tagger.subject(&id), Tagger::new(&[1; 32]).subject(&id));
    assert_ne!(tagger.subject(&id), tagger.subject(&person(1)));
    assert_ne!(tagger.subject(&id), tagger.caller(&id));
    assert_ne!(tagger.subject(&id), other.subject(&id));
    assert!(!format!("{tagger:?}").contains('['));
}

#[test]
fn the_tree_is_that_of_the_library() {
    struct Stored(Vec<tlog_tiles::Hash>);
    impl tlog_tiles::HashReader for Stored {
        fn read_hashes(&self, at: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
            let at = at.iter().map(|at| usize::try_from(*at).unwrap());
            Ok(at.map(|at| self.0[at]).collect())
        }
    }
    let (mut tree, mut ours, mut theirs) = (tree::Tree::default(), Vec::new(), Stored(Vec::new()));
    assert_eq!(
        hash::leaf_hash(&[7; ENTRY_BYTES]),
        tlog_tiles::record_hash(&[7; ENTRY_BYTES])
    );
    for n in 0..300_u64 {
        assert_eq!(tree.root(), tlog_tiles::tree_hash(n, &theirs).unwrap().0);
        let data = n.to_le_bytes();
        tree.push(tlog_tiles::record_hash(&data), |hash| ours.push(hash));
        let more = tlog_tiles::stored_hashes(n, &data, &theirs).unwrap();
        theirs.0.extend(more);
        assert_eq!(ours, theirs.0);
    }
}

fn any_use() -> impl Strategy<Value = PersonUse> {
    prop_oneof![
        Just(PersonUse::Listing),
        Just(PersonUse::LogReading),
        Just(PersonUse::SettingChange),
        Just(PersonUse::Dialog),
    ]
}

proptest! {
    #[test]
    fn bytes_that_are_an_entry_are_that_entry_only(
        bytes in proptest::collection::vec(any::<u8>(), ENTRY_BYTES),
        plausible in any::<[bool; 4]>(),
    ) {
        let mut bytes: [u8; ENTRY_BYTES] = bytes.try_into().unwrap();
        // Mostly almost right, so that some are right.
        if plausible[0] {
            let [_, _, decision, reason, purpose, ..] = bytes;
            let kind = 1 + bytes[1] % 3;
            let head = [1, kind, 1 + decision % 8, reason % 19, 1 + purpose % 6, 0, 0, 0];
            bytes[..8].copy_from_slice(&head);
        }
        if plausible[1] {
            let unused = if bytes[1] == 2 { 32..48 } else { 96..128 };
            bytes[unused].fill(0);
        }
        if plausible[2] {
            let len = usize::from(bytes[64] % 17);
            bytes[64..80].iter_mut().for_each(|byte| *byte = b'!' + *byte % 94);
            bytes[64 + len..80].fill(0);
        }
        if let Ok(entry) = Entry::from_bytes(&bytes) {
            prop_assert_eq!(entry.to_bytes(), bytes);
        }
    }

    #[test]
    fn an_entry_survives_its_bytes(
        micros in any::<i64>(),
        (question, caller, salt) in any::<([u8; 16], [u8; 16], [u8; 16])>(),
        subject in prop_oneof![
            (any::<[u8; 16]>(), any_use()).prop_map(|(tag, done)| EntrySubject::Person(tag, done)),
            any::<[u8; 32]>().prop_map(EntrySubject::Counted),
        ],
        organisation in "[!-~]{1,16}",
        codes in (1..=5_u8, 1..=7_u8, 0..=17_u8),
    ) {
        let (Ok(organisation), Some(decision)) =
            (Organisation::parse(&organisation), codes::decision(codes.1, codes.2))
        else {
            return Ok(());
        };
        let entry = Entry {
            at: Timestamp::from_micros(micros),
            question: QuestionId(question),
            subject,
            caller,
            organisation,
            purpose: codes::purpose(codes.0).unwrap(),
            decision,
            salt,
        };
        prop_assert_eq!(Entry::from_bytes(&entry.to_bytes()), Ok(entry));
    }
}

#[test]
fn a_hash_is_the_same_whatever_its_length_and_whoever_makes_it() {
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    for length in 0..=130 {
        let bytes = &bytes[..length];
        let expected: [u8; 32] = sha2::Sha256::digest(bytes).into();
        assert_eq!(hash::sha256(bytes).0, expected, "{length} bytes");
    }
}
