//! What crosses the border comes back unchanged, and all of it is of one size.

use innsyn_policy::{
    Area, Areas, Assurance, Caller, NationalId, NoAnswerReason, NumberRules, Organisation, Outcome,
    Presence, Purpose, QuestionId, RegisterId, RegisterKind, Representation, Request, Timestamp,
    Validity, WithheldReason,
};
use jiff::civil::date;
use prost::Message as _;

use super::*;
use crate::wire::node::v1 as wire;
use crate::wire::types::v1::Outcome as Wire;

fn id(text: &str) -> NationalId {
    NationalId::parse(text, NumberRules::default()).unwrap()
}

fn request(representation: Representation) -> Request {
    Request {
        subject: id("01817010055"),
        caller: Caller {
            person: id("29820050124"),
            organisation: Organisation::parse("983658776").unwrap(),
            assurance: Assurance::High,
        },
        representation,
        purpose: Purpose::OwnInsight,
    }
}

fn representations() -> Vec<Representation> {
    let validity = Validity {
        from: Timestamp::from_seconds(1_700_000_000),
        until: Timestamp::from_seconds(2_000_000_000),
    };
    let areas: Areas = [
        Area::Kind(RegisterKind::Quality),
        Area::Register(RegisterId::parse("kreft").unwrap()),
    ]
    .into_iter()
    .collect();
    vec![
        Representation::Own,
        Representation::Parent { child_born: None },
        Representation::Parent {
            child_born: Some(date(2014, 2, 28)),
        },
        Representation::Parent {
            child_born: Some(date(1969, 12, 31)),
        },
        Representation::Guardian {
            areas: [Area::AllInsight].into_iter().collect(),
            validity,
        },
        Representation::PowerOfAttorney { areas, validity },
    ]
}

#[test]
fn a_question_comes_back_as_it_was_asked() {
    let id = QuestionId(*b"sixteen letters!");
    for representation in representations() {
        let asked = request(representation);
        let bytes = encode_question(id, 42, &asked, 3000);
        let read = question_from_wire(
            &wire::Question::decode(bytes).unwrap(),
            NumberRules::default(),
        )
        .unwrap();
        assert_eq!(read.request, asked);
        assert_eq!((read.id, read.number, read.deadline_ms), (id, 42, 3000));
    }
}

#[test]
fn every_question_has_the_same_size_whoever_asks_about_whom() {
    for representation in representations() {
        for organisation in ["x", "983658776", "sixteen-letters!"] {
            for deadline_ms in [200, 3000, 10_000] {
                let mut asked = request(representation.clone());
                asked.caller.organisation = Organisation::parse(organisation).unwrap();
                let bytes = encode_question(QuestionId([7; 16]), u64::MAX, &asked, deadline_ms);
                assert_eq!(bytes.len(), QUESTION_STEP_BYTES);
            }
        }
    }
}

#[test]
fn a_long_mandate_is_padded_to_whole_steps() {
    let validity = Validity {
        from: Timestamp::from_seconds(0),
        until: Timestamp::from_seconds(1),
    };
    for count in 1..100 {
        let areas = (0..count)
            .map(|i| Area::Register(RegisterId::parse(&format!("r{i}")).unwrap()))
            .collect();
        let mut asked = request(Representation::PowerOfAttorney { areas, validity });
        for length in 1..=16 {
            asked.caller.organisation = Organisation::parse(&"x".repeat(length)).unwrap();
            let bytes = encode_question(QuestionId([7; 16]), 1, &asked, 3000);
            assert_eq!(
                bytes.len() % QUESTION_STEP_BYTES,
                0,
                "{count} areas, {length} letters"
            );
        }
    }
}

#[test]
fn a_question_with_something_missing_is_refused() {
    let good = || {
        let bytes = encode_question(QuestionId([7; 16]), 1, &request(Representation::Own), 3000);
        wire::Question::decode(bytes).unwrap()
    };
    let refused = |change: fn(&mut wire::Question)| {
        let mut question = good();
        change(&mut question);
        question_from_wire(&question, NumberRules::default()).unwrap_err()
    };
    let no_id = refused(|q| (q.id_high, q.id_low) = (0, 0));
    assert_eq!(no_id, ReadQuestionError::Absent("id"));
    assert!(matches!(
        refused(|q| q.subject /= 10),
        ReadQuestionError::Person("subject", _)
    ));
    assert!(matches!(
        refused(|q| q.caller = 0),
        ReadQuestionError::Person("caller", _)
    ));
    assert_eq!(
        refused(|q| q.purpose = 0),
        ReadQuestionError::Absent("purpose")
    );
    assert_eq!(
        refused(|q| q.purpose = 99),
        ReadQuestionError::Absent("purpose")
    );
    assert_eq!(
        refused(|q| q.assurance = 0),
        ReadQuestionError::Absent("assurance")
    );
    assert_eq!(
        refused(|q| q.representation = None),
        ReadQuestionError::Absent("representation")
    );
    assert_eq!(
        refused(|q| q.organisation.clear()),
        ReadQuestionError::Organisation
    );
}

fn outcomes_of_a_node() -> Vec<Outcome> {
    let presence = Presence {
        since: Some(date(1950, 1, 1)),
        last_changed: Some(date(2026, 11, 21)),
    };
    vec![
        Outcome::Registered(presence),
        Outcome::Registered(Presence::default()),
        Outcome::NotRegistered,
        Outcome::Deleted(presence),
        Outcome::Withheld(WithheldReason::AreaNotCovered),
        Outcome::Withheld(WithheldReason::SensitiveFromTwelve),
        Outcome::NoAnswer(NoAnswerReason::LogUnavailable),
        Outcome::NoAnswer(NoAnswerReason::OverCap),
        Outcome::NoAnswer(NoAnswerReason::Refused),
        Outcome::NoAnswer(NoAnswerReason::SourceUnavailable),
    ]
}

#[test]
fn an_answer_comes_back_as_it_was_given() {
    for outcome in outcomes_of_a_node() {
        for use_log_leaf in [None, Some([9; 32])] {
            let given = NodeAnswer {
                number: 5,
                outcome,
                use_log_leaf,
            };
            assert_eq!(answer_from_wire(&answer_to_wire(&given)).unwrap(), given);
        }
    }
}

/// Hit and miss have the same size: the relay sees nothing but lengths.
#[test]
fn promise_2_every_answer_has_the_same_size() {
    let sizes: Vec<usize> = outcomes_of_a_node()
        .into_iter()
        .flat_map(|outcome| [None, Some([9; 32])].map(|leaf| (outcome, leaf)))
        .map(|(outcome, use_log_leaf)| {
            answer_to_wire(&NodeAnswer {
                number: u64::from(u8::MAX),
                outcome,
                use_log_leaf,
            })
            .encoded_len()
        })
        .collect();
    assert!(sizes.windows(2).all(|pair| pair[0] == pair[1]), "{sizes:?}");
}

#[test]
fn a_node_cannot_say_what_only_the_catalogue_says() {
    let answer = |outcome: Wire| {
        let mut answer = answer_to_wire(&NodeAnswer {
            number: 5,
            outcome: Outcome::NotRegistered,
            use_log_leaf: None,
        });
        answer.outcome = Some(outcome.into());
        answer_from_wire(&answer).unwrap_err()
    };
    for outcome in [Wire::Unspecified, Wire::CannotBeAsked, Wire::NotConnected] {
        let (number, error) = answer(outcome);
        assert_eq!(number, Some(5));
        assert!(matches!(error, ReadAnswerError::Outcome(_)));
    }
}
