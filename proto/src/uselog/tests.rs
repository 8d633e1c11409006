//! The codec and the codes.

use innsyn_policy::{
    DenyReason, NotCountedReason, Organisation, OutsidePermit, PersonUse, Purpose, QuestionId,
    Timestamp, UseDecision, UseKind, WithheldReason,
};
use proptest::prelude::*;

use super::*;

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
        N::SettingsChanged,
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
    assert_eq!(meanings, 3 + 2 + 20 + 14 + 7);
}

fn any_use() -> impl Strategy<Value = PersonUse> {
    prop_oneof![
        Just(PersonUse::Listing),
        Just(PersonUse::LogReading),
        Just(PersonUse::SettingChange),
        Just(PersonUse::Dialog),
        Just(PersonUse::Insight),
    ]
}

fn any_place() -> impl Strategy<Value = Option<ChainPlace>> {
    let first = ChainPlace {
        number: 1,
        before: None,
    };
    let later = (2..u64::MAX, 0..u64::MAX).prop_map(|(number, before)| ChainPlace {
        number,
        before: Some(before),
    });
    prop_oneof![Just(None), Just(Some(first)), later.prop_map(Some)]
}

fn entry(subject: EntrySubject) -> Entry {
    Entry {
        at: Timestamp::from_seconds(1_800_000_000),
        question: QuestionId([1; 16]),
        subject,
        caller: [2; 16],
        organisation: Organisation::parse("983658776").unwrap(),
        purpose: Purpose::OwnInsight,
        decision: UseDecision::Answered,
        salt: [3; 16],
    }
}

#[test]
fn an_entry_from_before_there_were_chains_is_still_read() {
    let old = entry(EntrySubject::Person([5; 16], PersonUse::Listing, None));
    let bytes = old.to_bytes();
    assert_eq!((bytes[0], bytes[96..].iter().max()), (1, Some(&0)));
    assert_eq!(Entry::from_bytes(&bytes), Ok(old));
}

#[test]
fn a_place_that_no_chain_has_is_refused() {
    use ReadEntryError as E;
    let place = ChainPlace {
        number: 2,
        before: Some(7),
    };
    let of = |place| EntrySubject::Person([5; 16], PersonUse::Listing, Some(place));
    let good = entry(of(place)).to_bytes();
    assert!(Entry::from_bytes(&good).is_ok());
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = good;
        bytes[at..at + to.len()].copy_from_slice(to);
        Entry::from_bytes(&bytes)
    };
    assert_eq!(changed(96, &0_u64.to_le_bytes()), Err(E::Place));
    assert_eq!(changed(96, &1_u64.to_le_bytes()), Err(E::Place));
    assert_eq!(changed(104, &u64::MAX.to_le_bytes()), Err(E::Place));
    assert_eq!(changed(112, &[1]), Err(E::Reserve));
    assert_eq!(changed(127, &[1]), Err(E::Reserve));
    assert_eq!(changed(0, &[3]), Err(E::Version(3)));
    // A query has no place: its kind in the new format is none.
    assert_eq!(changed(1, &[2]), Err(E::Version(2)));
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
            let version = 1 + bytes[0] % 3;
            let head = [version, kind, 1 + decision % 8, reason % 19, 1 + purpose % 6, 0, 0, 0];
            bytes[..8].copy_from_slice(&head);
        }
        if plausible[1] {
            let unused = match bytes {
                [1, 2, ..] => 32..48,
                [1, ..] => 96..128,
                _ => 112..128,
            };
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
            (any::<[u8; 16]>(), any_use(), any_place())
                .prop_map(|(tag, done, place)| EntrySubject::Person(tag, done, place)),
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
