//! The account of a research query: exactly one outcome for each register that was asked.
//!
//! What holds: a register that says nothing is *silent* and named, never left out, and the first
//! outcome that is booked stands.

use std::collections::BTreeMap;

use innsyn_policy::RegisterId;

#[cfg(test)]
mod tests;

/// What became of one register's share of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterOutcome {
    /// Its partial table is in the total.
    Answered,
    /// It said no; its reason stays in its own log.
    Refused,
    /// Its steward had not decided about the query when the run ended.
    Held,
    /// It did not answer in time, or could not be reached.
    Silent,
}

/// The books of one query.
#[derive(Debug, Clone)]
pub struct Account {
    outcomes: BTreeMap<RegisterId, Option<RegisterOutcome>>,
}

/// An outcome that cannot be booked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// The register was not asked.
    #[error("register `{0}` was not asked")]
    NotAsked(RegisterId),
    /// It has its outcome already, and that one stands.
    #[error("register `{0}` was told of twice")]
    Twice(RegisterId),
}

/// The closed books: every register that was asked, with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    outcomes: BTreeMap<RegisterId, RegisterOutcome>,
}

impl Account {
    /// Opens the books for the registers that are asked.
    pub fn new(asked: impl IntoIterator<Item = RegisterId>) -> Self {
        Self {
            outcomes: asked.into_iter().map(|register| (register, None)).collect(),
        }
    }

    /// Books what became of `register`.
    pub fn book(
        &mut self,
        register: &RegisterId,
        outcome: RegisterOutcome,
    ) -> Result<(), BookError> {
        match self.outcomes.get_mut(register) {
            None => Err(BookError::NotAsked(register.clone())),
            Some(Some(_)) => Err(BookError::Twice(register.clone())),
            Some(open) => {
                *open = Some(outcome);
                Ok(())
            }
        }
    }

    /// How many registers have no outcome yet.
    pub fn open(&self) -> usize {
        self.outcomes.values().filter(|o| o.is_none()).count()
    }

    /// Which registers have no outcome yet, in the order of their ids.
    pub fn open_registers(&self) -> impl Iterator<Item = &RegisterId> {
        self.outcomes
            .iter()
            .filter_map(|(register, o)| o.is_none().then_some(register))
    }

    /// Closes the books; whoever has no outcome is silent.
    pub fn close(self) -> Coverage {
        Coverage {
            outcomes: self
                .outcomes
                .into_iter()
                .map(|(register, o)| (register, o.unwrap_or(RegisterOutcome::Silent)))
                .collect(),
        }
    }
}

impl Coverage {
    /// How many registers were asked.
    pub fn asked(&self) -> usize {
        self.outcomes.len()
    }

    /// Who had this outcome, in the order of their ids.
    pub fn with(&self, outcome: RegisterOutcome) -> impl Iterator<Item = &RegisterId> {
        self.outcomes
            .iter()
            .filter_map(move |(register, o)| (*o == outcome).then_some(register))
    }

    /// How many had this outcome.
    pub fn count(&self, outcome: RegisterOutcome) -> usize {
        self.with(outcome).count()
    }

    /// Whether every register that was asked has answered.
    pub fn is_complete(&self) -> bool {
        self.count(RegisterOutcome::Answered) == self.asked()
    }

    /// Every register with its outcome, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&RegisterId, RegisterOutcome)> {
        self.outcomes.iter().map(|(register, o)| (register, *o))
    }
}
