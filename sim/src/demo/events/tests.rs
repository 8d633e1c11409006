//! Uses as they are told.

use super::*;
use wire::{RegisterUses, Use, UseKind, Verified};

fn told(kind: UseKind, question: u8, at: &str) -> Use {
    Use {
        at: at.to_owned(),
        kind: kind.into(),
        organisation: "helsenorge".to_owned(),
        question_id: vec![question; 16],
        ..Use::default()
    }
}

fn at_register(id: &str, uses: Vec<Use>) -> RegisterUses {
    RegisterUses {
        register_id: id.to_owned(),
        name: id.to_uppercase(),
        outcome: Outcome::Verified.into(),
        verified: Some(Verified {
            chained: uses.len() as u64,
            continues_receipt: true,
            ..Verified::default()
        }),
        uses,
        ..RegisterUses::default()
    }
}

fn everywhere(registers: Vec<RegisterUses>) -> wire::ListUsesResponse {
    wire::ListUsesResponse {
        registers,
        complete: false,
    }
}

#[test]
fn one_question_to_two_registers_is_told_once_and_the_latest_comes_first() {
    let listing = |at| told(UseKind::Listing, 1, at);
    let uses = everywhere(vec![
        at_register(
            "kreft",
            vec![
                told(UseKind::Dialog, 2, "2027-01-15T09:00:00Z"),
                listing("2027-01-15T08:00:00.1Z"),
            ],
        ),
        at_register("npr", vec![listing("2027-01-15T08:00:00.2Z")]),
    ]);
    let events = questions(&uses);
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let registers: Vec<_> = event.registers.keys().copied().collect();
            (event.told.kind(), event.at.len(), registers)
        })
        .collect();
    assert_eq!(
        seen,
        [
            (UseKind::Dialog, 1, vec!["kreft"]),
            (UseKind::Listing, 1, vec!["kreft", "npr"]),
        ]
    );
}

#[test]
fn what_is_alike_in_a_row_is_told_together_and_what_was_decided_otherwise_is_not() {
    let reading = |question, at| told(UseKind::LogReading, question, at);
    let refused = Use {
        decision: "DENIED".to_owned(),
        ..reading(3, "2027-01-15T10:00:00Z")
    };
    let uses = everywhere(vec![at_register(
        "kreft",
        vec![
            reading(5, "2027-01-15T12:00:00Z"),
            reading(4, "2027-01-15T11:00:00Z"),
            refused,
            reading(2, "2027-01-15T09:00:00Z"),
        ],
    )]);
    let times = |events: &[Event<'_>]| -> Vec<usize> {
        events.iter().map(|event| event.at.len()).collect()
    };
    assert_eq!(times(&in_a_row(questions(&uses))), [2, 1, 1]);
    assert_eq!(times(&alike(questions(&uses))), [3, 1]);
}

#[test]
fn what_stands_under_the_registers_own_name_is_the_registers() {
    let own = Use {
        organisation: "kreft".to_owned(),
        ..told(UseKind::Dialog, 1, "2027-01-15T09:00:00Z")
    };
    let other = told(UseKind::Dialog, 2, "2027-01-15T08:00:00Z");
    let uses = everywhere(vec![at_register("kreft", vec![own, other])]);
    let by: Vec<bool> = questions(&uses).iter().map(Event::is_by_register).collect();
    assert_eq!(by, [true, false]);
}

#[test]
fn a_log_that_does_not_hold_and_one_that_is_silent_are_named() {
    let with = |id: &str, outcome: Outcome| RegisterUses {
        outcome: outcome.into(),
        verified: None,
        problem: format!("chain: {id}"),
        ..at_register(id, Vec::new())
    };
    let uses = everywhere(vec![
        at_register(
            "kreft",
            vec![told(UseKind::Listing, 1, "2027-01-15T08:00:00Z")],
        ),
        with("npr", Outcome::NotVerified),
        with("tvilling", Outcome::NoAnswer),
        with("dar", Outcome::Withheld),
        with("ravn", Outcome::CannotBeAsked),
    ]);
    assert_eq!(
        Proof::of(&uses),
        Proof {
            verified: 1,
            continued: 1,
            entries: 1,
            wrong: vec![("NPR".to_owned(), "chain: npr".to_owned())],
            silent: vec!["TVILLING".to_owned()],
            withheld: 1,
            ..Proof::default()
        }
    );
}
