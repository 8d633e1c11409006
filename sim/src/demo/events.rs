//! The log of use as a person reads it: what was one question to many registers is told once, and
//! what was alike in a row is told together.

use std::collections::{BTreeMap, HashMap};

use innsyn_proto::wire::citizen::v1 as wire;
use jiff::Timestamp;
use wire::UsesOutcome as Outcome;

#[cfg(test)]
mod tests;

/// One use, or several that were alike, at one or many registers.
#[derive(Debug, Clone)]
pub(super) struct Event<'a> {
    /// As one of the registers tells it.
    pub(super) told: &'a wire::Use,
    /// When each of the uses was, the latest first.
    pub(super) at: Vec<Timestamp>,
    /// The registers that have it in their logs: ids and names.
    pub(super) registers: BTreeMap<&'a str, &'a str>,
}

/// What a use has in common with those that are told together with it.
type Like<'a> = (i32, i32, i32, &'a str, &'a str, &'a str, &'a str);

impl<'a> Event<'a> {
    /// What is alike in uses that are told together.
    pub(super) fn like(&self) -> Like<'a> {
        like(self.told)
    }

    /// Whether the register itself did it, as its case handler does: it stands under its own name.
    pub(super) fn is_by_register(&self) -> bool {
        self.registers.contains_key(self.told.organisation.as_str())
    }

    /// Takes what `other` tells.
    fn add(&mut self, other: Self) {
        self.at.extend(other.at);
        self.registers.extend(other.registers);
    }
}

fn like(told: &wire::Use) -> Like<'_> {
    (
        told.kind,
        told.by,
        told.purpose,
        &told.organisation,
        &told.decision,
        &told.decision_reason,
        &told.permit,
    )
}

/// Each question once, the latest first.
pub(super) fn questions(uses: &wire::ListUsesResponse) -> Vec<Event<'_>> {
    let mut events: Vec<Event<'_>> = Vec::new();
    let mut places = HashMap::new();
    for register in &uses.registers {
        for told in &register.uses {
            // Registers log one question within moments of one another: the first time is told.
            let at = told.at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
            let place = *places
                .entry((&told.question_id, like(told)))
                .or_insert_with(|| {
                    events.push(Event {
                        told,
                        at: vec![at],
                        registers: BTreeMap::new(),
                    });
                    events.len() - 1
                });
            if let Some(event) = events.get_mut(place) {
                event
                    .registers
                    .insert(&register.register_id, &register.name);
            }
        }
    }
    events.sort_by_key(|event| std::cmp::Reverse(event.at.clone()));
    events
}

/// What is alike in a row, together.
pub(super) fn in_a_row(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut together: Vec<Event<'_>> = Vec::new();
    for event in events {
        match together.last_mut() {
            Some(last) if last.like() == event.like() => last.add(event),
            _ => together.push(event),
        }
    }
    together
}

/// What is alike, together, whatever came between.
pub(super) fn alike(mut events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    events.sort_by_key(Event::like);
    let mut together = in_a_row(events);
    together.sort_by_key(|event| std::cmp::Reverse(event.at.iter().max().copied()));
    together
}

/// What was checked of all registers' logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proof {
    /// Registers whose logs hold.
    pub(super) verified: usize,
    /// Of these, those that continue an earlier receipt.
    pub(super) continued: usize,
    /// Entries about the person in them.
    pub(super) entries: u64,
    /// Registers with a log that a witness has signed a head of.
    pub(super) witnessed: usize,
    /// Of these, those of which another register's agent has.
    pub(super) witnessed_by_registers: usize,
    /// Registers whose logs do not hold: names, and what is wrong.
    pub(super) wrong: Vec<(String, String)>,
    /// Registers that showed none, though they could be asked: names.
    pub(super) silent: Vec<String>,
    /// Registers that may not tell this caller.
    pub(super) withheld: usize,
    /// Uses that are held back for a time.
    pub(super) held_back: u32,
}

impl Proof {
    pub(super) fn of(uses: &wire::ListUsesResponse) -> Self {
        let mut proof = Self::default();
        for register in &uses.registers {
            match register.outcome() {
                Outcome::Verified => proof.holds(register),
                Outcome::NotVerified => {
                    let wrong = (register.name.clone(), register.problem.clone());
                    proof.wrong.push(wrong);
                }
                Outcome::Refused | Outcome::NoAnswer => proof.silent.push(register.name.clone()),
                Outcome::Withheld => proof.withheld += 1,
                Outcome::CannotBeAsked | Outcome::Unspecified => {}
            }
        }
        proof
    }

    fn holds(&mut self, register: &wire::RegisterUses) {
        self.verified += 1;
        if let Some(verified) = &register.verified {
            self.continued += usize::from(verified.continues_receipt);
            self.witnessed += usize::from(verified.witnessed_entries > 0);
            let mut witnesses = verified.witnesses.iter();
            let by_register = witnesses.any(|witness| witness.name.starts_with("innsyn/"));
            self.witnessed_by_registers += usize::from(by_register);
            self.entries += verified.chained;
        }
        self.held_back += register.held_back.as_ref().map_or(0, |held| held.uses);
    }
}
