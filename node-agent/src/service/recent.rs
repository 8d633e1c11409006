//! The answers of the last minutes, by question: a question asked again gets its answer again.
//!
//! Holds no person: a question's random id, and what was answered. Forgets each when its
//! deadline is [`KEPT_AFTER_DEADLINE`] past. Bounded by what a gateway may ask meanwhile, and by
//! [`ANSWERS_MAX`].

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use innsyn_policy::{Outcome, QuestionId};
use tokio::time::Instant;

/// How long after its deadline a question is still known.
const KEPT_AFTER_DEADLINE: Duration = Duration::from_mins(1);
/// Answers kept for one gateway.
const ANSWERS_MAX: usize = 1 << 20;

/// What was answered to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) outcome: Outcome,
    pub(super) use_log_leaf: [u8; 32],
}

/// The answers given to one gateway.
#[derive(Debug, Default)]
pub(super) struct Recent {
    given: HashMap<QuestionId, Given>,
    /// In the order of arrival, which is nearly that of expiry: deadlines differ by seconds.
    expiry: VecDeque<(Instant, QuestionId)>,
}

impl Recent {
    /// What was answered to `question`, if it was asked before.
    pub(super) fn get(&self, question: &QuestionId) -> Option<Given> {
        self.given.get(question).copied()
    }

    /// Remembers an answer until `deadline` and a minute more; forgets what is past.
    pub(super) fn insert(
        &mut self,
        question: QuestionId,
        given: Given,
        deadline: Instant,
        now: Instant,
    ) {
        self.forget(now);
        if self.given.insert(question, given).is_none() {
            self.expiry
                .push_back((deadline + KEPT_AFTER_DEADLINE, question));
        }
    }

    /// Whether there is room for `questions` more at `now`.
    pub(super) fn has_room(&mut self, questions: usize, now: Instant) -> bool {
        self.forget(now);
        self.given.len() + questions <= ANSWERS_MAX
    }

    fn forget(&mut self, now: Instant) {
        while let Some((expires, question)) = self.expiry.front()
            && *expires <= now
        {
            self.given.remove(question);
            self.expiry.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_until_a_minute_after_its_deadline() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let given = Given {
            outcome: Outcome::NotRegistered,
            use_log_leaf: [1; 32],
        };
        let mut recent = Recent::default();
        recent.insert(QuestionId([1; 16]), given, at(3), start);
        recent.insert(QuestionId([2; 16]), given, at(65), at(62));
        assert_eq!(recent.get(&QuestionId([1; 16])), Some(given));
        recent.insert(QuestionId([3; 16]), given, at(66), at(63));
        assert_eq!(recent.get(&QuestionId([1; 16])), None);
        assert_eq!(recent.get(&QuestionId([2; 16])), Some(given));
    }
}
