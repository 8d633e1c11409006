//! What is told of a paper is what the entry in the log commits to.

use crate::uselog::{ChainPlace, EntrySubject};
use innsyn_policy::{ClerkName, Organisation, PersonUse, Purpose, Timestamp, UseDecision};

use super::*;

fn told() -> PaperUse {
    PaperUse {
        entered_by: ClerkName::parse("kari").unwrap(),
        confirmed_by: ClerkName::parse("ola").unwrap(),
        dated: "2026-11-20".parse().unwrap(),
        archive: "2026/17".to_owned(),
        reason: "ingen nettilgang".to_owned(),
        signed_digest: [3; 32],
    }
}

/// An entry of `done` that names `told`, shown with `shown`.
fn entry(done: PersonUse, told: &PaperUse, shown: &PaperUse) -> node::ShownUse {
    let place = ChainPlace {
        number: 1,
        before: None,
    };
    let entry = Entry {
        at: Timestamp::from_seconds(1),
        question: told.question(),
        subject: EntrySubject::Person([1; 16], done, Some(place)),
        caller: [2; 16],
        organisation: Organisation::parse("kreft").unwrap(),
        purpose: Purpose::OwnInsight,
        decision: UseDecision::Answered,
        salt: [0; 16],
    };
    node::ShownUse {
        number: 1,
        told: Some(node::shown_use::Told::Entry(
            entry.to_bytes().to_vec().into(),
        )),
        paper: Some(shown.to_wire()),
        ..node::ShownUse::default()
    }
}

#[test]
fn a_paper_is_told_as_the_entry_names_it_or_the_log_does_not_check() {
    let change = PersonUse::SettingChange;
    assert!(check_paper(&entry(change, &told(), &told())).is_ok());
    let without = node::ShownUse {
        paper: None,
        ..entry(change, &told(), &told())
    };
    assert!(check_paper(&without).is_ok());

    let other = PaperUse {
        confirmed_by: ClerkName::parse("per").unwrap(),
        ..told()
    };
    let of_others = entry(change, &told(), &other);
    let of_another_use = entry(PersonUse::Listing, &told(), &told());
    let mut of_nothing = entry(change, &told(), &told());
    of_nothing.told = None;
    let mut unreadable = entry(change, &told(), &told());
    if let Some(paper) = &mut unreadable.paper {
        paper.dated.clear();
    }
    for shown in [of_others, of_another_use, of_nothing, unreadable] {
        let checked = check_paper(&shown);
        assert!(matches!(checked, Err(CheckError::Paper { number: 1 })));
    }
}
