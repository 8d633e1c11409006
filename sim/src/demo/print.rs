//! What the demo says in the terminal.
#![expect(clippy::print_stdout, reason = "a program's face")]

use std::collections::BTreeMap;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1::{Registration, Summary};
use innsyn_proto::wire::types::v1::{Outcome, Reason};
use tokio::time::Instant;

use crate::caller::outcome_name;
use crate::country::{Asking, Story};
use crate::registers::Listing as RegisterListing;
use crate::sts::Right;
use crate::world::{World, WorldSpec};

pub(super) fn title(spec: &WorldSpec) {
    println!("Innsyn: where am I registered? An invented Norway, on this machine.");
    println!(
        "{} people, seed {}; every name of a person or number is invented.\n",
        spec.population.persons, spec.population.seed
    );
}

/// How the registers can be asked.
pub(super) fn registers(world: &World) {
    let count = |listing| {
        world
            .country
            .registers
            .iter()
            .filter(|register| register.listing == listing)
            .count()
    };
    println!(
        "{} registers: {} have an agent, {} hold no identities and cannot be asked, {} not connected",
        world.country.registers.len(),
        count(RegisterListing::Live),
        count(RegisterListing::CannotBeAsked),
        count(RegisterListing::NotConnected),
    );
    println!(
        "each register is a process with its own data, its own rules and its own log of use\n"
    );
}

pub(super) fn asking(asking: &Asking) {
    let who = match &asking.right {
        Right::Own => "about themself",
        Right::Parent => "as a parent",
        Right::Guardian(_) => "as a guardian",
        Right::PowerOfAttorney(_) => "by power of attorney",
    };
    println!(
        "Person {}, born {}, asks {who} through the gateway; each line is a register's answer:\n",
        asking.subject.number, asking.subject.born
    );
}

/// Prints a listing as it comes.
#[derive(Debug, Default)]
pub(super) struct Listing {
    lines: usize,
}

impl Listing {
    pub(super) fn registration(&mut self, registration: &Registration, began: Instant) {
        self.lines += 1;
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        let name = registration
            .register
            .as_ref()
            .map_or("", |register| register.name.as_str());
        let short: String = name.chars().take(46).collect();
        let (mark, norwegian) = in_words(registration.outcome());
        let mut detail = norwegian.to_owned();
        if let Some(since) = &registration.registered_since {
            detail.push_str(" siden ");
            detail.push_str(since);
        }
        if registration.reason() != Reason::Unspecified {
            let reason = registration.reason().as_str_name();
            let reason = reason
                .trim_start_matches("REASON_")
                .to_lowercase()
                .replace('_', " ");
            detail.push_str(" (");
            detail.push_str(&reason);
            detail.push(')');
        }
        println!(
            "{:>3} {ms:>7.1} ms  {mark} {short:<46} {detail}",
            self.lines
        );
    }

    pub(super) fn summary(summary: &Summary) {
        let counts: BTreeMap<&str, u32> = summary
            .counts
            .iter()
            .map(|count| (outcome_name(count.outcome()), count.registers))
            .collect();
        println!(
            "\n{} registers, each with one outcome: {} asked, {} answered, in {} ms{}",
            summary.registers,
            summary.asked,
            summary.answered,
            summary.elapsed_ms,
            if summary.complete {
                ""
            } else {
                "; not complete, and it says so"
            },
        );
        for (outcome, registers) in counts {
            println!("  {registers:>3}  {outcome}");
        }
        println!();
    }
}

/// A mark, and what a citizen reads, in Norwegian.
pub(super) const fn in_words(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Unspecified => ("?", "ukjent"),
        Outcome::Registered => ("●", "registrert"),
        Outcome::NotRegistered => ("○", "ikke registrert"),
        Outcome::Deleted => ("◌", "slettet"),
        Outcome::Withheld => ("▣", "holdes tilbake"),
        Outcome::CannotBeAsked => ("–", "kan ikke spørres"),
        Outcome::NoAnswer => ("!", "svarte ikke"),
        Outcome::NotConnected => ("·", "ikke tilkoblet"),
    }
}

/// What can be tried now.
pub(super) fn invitation(world: &World) {
    println!(
        "It stays up until Ctrl-C. In a browser: {}",
        world.gateway_url()
    );
    println!("people to ask about, by their number (people.csv in the world has their ids):\n");
    let Some(today) = SystemClock.now().date_in_norway() else {
        return;
    };
    let folder = world.folder.display();
    for (story, what, role) in STORIES {
        if let Some(found) = world.country.find(story, today) {
            println!(
                "  {what:<52} innsyn-sim token --world {folder} --person {} --as {role}",
                found.subject
            );
        }
    }
    println!(
        "\nask as helsenorge does:\n  curl -sN -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n    -H 'Accept: text/event-stream' -d '{{\"nationalId\": \"…\"}}' {}/v1/registrations\n",
        world.gateway_url()
    );
}

/// People worth asking about: who, in words, and as what.
pub(super) const STORIES: [(Story, &str, &str); 8] = [
    (
        Story::InManyRegisters,
        "somebody in many registers",
        "oneself",
    ),
    (Story::Nowhere, "somebody in no register at all", "oneself"),
    (
        Story::YoungChild,
        "a child, asked about by a parent",
        "parent",
    ),
    (
        Story::ChildFromTwelve,
        "a child of 12 to 15: sensitive ones are withheld",
        "parent",
    ),
    (
        Story::Seventeen,
        "a 17-year-old, whose parent has no right any more",
        "parent",
    ),
    (
        Story::Deleted,
        "somebody who was deleted from a register",
        "oneself",
    ),
    (Story::DNumber, "somebody with a D-number", "oneself"),
    (
        Story::Grantor,
        "somebody who gave a power of attorney",
        "poa",
    ),
];
