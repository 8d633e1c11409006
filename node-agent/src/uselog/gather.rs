//! How long a commit waits for company.
//!
//! A sync costs the same for one entry and for a thousand, so that under load a commit should
//! take along whatever is about to come; alone, waiting is only delay. The rule needs no tuning:
//! a commit expects as many appends as took part in the last one or came while it ran. One or
//! none expected, it does not wait. More, it waits until they are there, but never longer than
//! the last commit took, nor than the limit. Who waits in vain expects less the next time.

use std::time::Duration;

/// The rule and what it has seen.
#[derive(Debug)]
pub(super) struct Gather {
    /// The longest wait.
    linger_max: Duration,
    /// Appends that are expected in the next commit.
    expected: usize,
    /// How long the last commit took.
    last_commit: Duration,
}

impl Gather {
    /// Waits at most `linger_max`; zero means never.
    pub(super) const fn new(linger_max: Duration) -> Self {
        Self {
            linger_max,
            expected: 0,
            last_commit: Duration::ZERO,
        }
    }

    /// How long a commit that has `gathered` appends may wait, counted from its first one.
    pub(super) fn linger(&self, gathered: usize) -> Duration {
        if gathered >= self.expected {
            Duration::ZERO
        } else {
            self.linger_max.min(self.last_commit)
        }
    }

    /// A commit of `gathered` appends took `took`, and `waiting` others came meanwhile.
    pub(super) const fn committed(&mut self, gathered: usize, waiting: usize, took: Duration) {
        self.expected = gathered + waiting;
        self.last_commit = took;
    }
}
