//! The books of one listing: exactly one outcome for each register, whatever is told.

use std::time::Duration;

use innsyn_policy::{NoAnswerReason, Outcome};
use innsyn_proto::convert::outcome_to_wire;
use innsyn_proto::wire::citizen::v1::{OutcomeCount, Summary};
use innsyn_proto::wire::types::v1 as wire;

use super::fanout::Update;

/// The number of outcomes on the wire, `UNSPECIFIED` included.
const OUTCOMES: usize = 8;

/// One listing's books.
#[derive(Debug)]
pub(super) struct Account {
    /// Which registers have an outcome.
    booked: Vec<bool>,
    open: usize,
    counts: [u32; OUTCOMES],
}

/// An update that cannot be booked: the register is not in the catalogue, or has its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BookError {
    #[error("an update names a register that is not in the catalogue")]
    NoSuchRegister,
    #[error("a register was told of twice")]
    Twice,
}

impl Account {
    pub(super) fn new(registers: usize) -> Self {
        Self {
            booked: vec![false; registers],
            open: registers,
            counts: [0; OUTCOMES],
        }
    }

    /// Books `update`, and refuses it if its register is unknown or has an outcome already: the
    /// first one stands, because it may have been sent.
    pub(super) fn book(&mut self, update: &Update) -> Result<(), BookError> {
        let booked = self
            .booked
            .get_mut(update.register)
            .ok_or(BookError::NoSuchRegister)?;
        if std::mem::replace(booked, true) {
            return Err(BookError::Twice);
        }
        self.open -= 1;
        let (outcome, _) = outcome_to_wire(&update.outcome);
        if let Some(count) = self.counts.get_mut(outcome as usize) {
            *count += 1;
        }
        Ok(())
    }

    /// How many registers have no outcome yet.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    /// Books no answer for every register that has no outcome, and gives these updates.
    pub(super) fn close(&mut self, reason: NoAnswerReason) -> Vec<Update> {
        let missing: Vec<Update> = self
            .booked
            .iter()
            .enumerate()
            .filter(|(_, booked)| !**booked)
            .map(|(register, _)| Update {
                register,
                outcome: Outcome::NoAnswer(reason),
                use_log_leaf: None,
            })
            .collect();
        for update in &missing {
            // It was not booked, or it would not be here.
            let _ = self.book(update);
        }
        missing
    }

    /// The account so far.
    pub(super) fn summary(&self, elapsed: Duration) -> Summary {
        use wire::Outcome as O;
        let count = |outcome: O| self.counts.get(outcome as usize).copied().unwrap_or(0);
        let registers: u32 = self.counts.iter().sum();
        let asked = registers - count(O::CannotBeAsked) - count(O::NotConnected);
        let answered =
            count(O::Registered) + count(O::NotRegistered) + count(O::Deleted) + count(O::Withheld);
        Summary {
            registers,
            asked,
            answered,
            complete: answered == asked,
            counts: (0_i32..)
                .zip(self.counts)
                .filter(|(_, registers)| *registers > 0)
                .map(|(outcome, registers)| OutcomeCount { outcome, registers })
                .collect(),
            elapsed_ms: u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests;
