//! The answers of the last minutes, by question: a question asked again gets its answer again.
//!
//! Holds no person: a question's random id, and what was answered. Forgets each when its
//! deadline is [`KEPT_AFTER_DEADLINE`] past. Bounded by what a gateway may ask meanwhile, and by
//! [`ANSWERS_MAX`].

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::time::Duration;

use ahash::AHashMap;
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

/// Where a question that was asked for the first time waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u64);

/// Whether a question has been asked before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    First(Place),
    Again,
    /// It has not, and too many are remembered.
    NoRoom,
}

/// The answers given to one gateway.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// The place of each question, counted from the first one ever asked.
    places: AHashMap<QuestionId, u64>,
    /// In the order of arrival, which is nearly that of expiry: deadlines differ by seconds.
    questions: VecDeque<Remembered>,
    /// How many are forgotten, which is the place of the first one remembered.
    forgotten: u64,
}

#[derive(Debug)]
struct Remembered {
    id: QuestionId,
    expires: Instant,
    /// `None` while its entry is on the way to the log, and where that failed.
    given: Option<Given>,
}

impl Recent {
    /// Takes note that `question` is asked, until `deadline` and a minute more.
    pub(super) fn asked(&mut self, id: QuestionId, deadline: Instant) -> Asked {
        let is_full = self.questions.len() >= ANSWERS_MAX;
        match self.places.entry(id) {
            Entry::Occupied(_) => Asked::Again,
            Entry::Vacant(_) if is_full => Asked::NoRoom,
            Entry::Vacant(vacant) => {
                let place = self.forgotten + self.questions.len() as u64;
                vacant.insert(place);
                self.questions.push_back(Remembered {
                    id,
                    expires: deadline + KEPT_AFTER_DEADLINE,
                    given: None,
                });
                Asked::First(Place(place))
            }
        }
    }

    /// Remembers the answer to the question at `place`.
    pub(super) fn answered(&mut self, place: Place, given: Given) {
        if let Some(question) = self.at(place.0) {
            question.given = Some(given);
        }
    }

    /// The question at `place` got no answer and may be asked as if for the first time.
    pub(super) fn unanswered(&mut self, place: Place) {
        if let Some(id) = self.at(place.0).map(|question| question.id) {
            self.places.remove(&id);
        }
    }

    /// What was answered to a question, if it was.
    pub(super) fn get(&mut self, id: &QuestionId) -> Option<Given> {
        let place = *self.places.get(id)?;
        self.at(place)?.given
    }

    /// Forgets what is past at `now`.
    pub(super) fn forget(&mut self, now: Instant) {
        while let Some(question) = self
            .questions
            .pop_front_if(|question| question.expires <= now)
        {
            // One that got no answer may have been asked again, and has another place now.
            if self.places.get(&question.id) == Some(&self.forgotten) {
                self.places.remove(&question.id);
            }
            self.forgotten += 1;
        }
    }

    fn at(&mut self, place: u64) -> Option<&mut Remembered> {
        let index = usize::try_from(place.checked_sub(self.forgotten)?).ok()?;
        self.questions.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: Given = Given {
        outcome: Outcome::NotRegistered,
        use_log_leaf: [1; 32],
    };

    fn place(asked: Asked) -> Place {
        match asked {
            Asked::First(place) => place,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_known_until_a_minute_after_its_deadline() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (one, two) = (QuestionId([1; 16]), QuestionId([2; 16]));
        let mut recent = Recent::default();
        for (id, deadline) in [(one, at(3)), (two, at(65))] {
            let place = place(recent.asked(id, deadline));
            recent.answered(place, GIVEN);
        }
        recent.forget(at(62));
        assert_eq!(recent.asked(one, at(65)), Asked::Again);
        assert_eq!(recent.get(&one), Some(GIVEN));
        recent.forget(at(63));
        assert_eq!(recent.get(&one), None);
        assert_eq!(recent.get(&two), Some(GIVEN));
    }

    #[test]
    fn a_question_without_an_answer_may_be_asked_again() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (mut recent, id) = (Recent::default(), QuestionId([1; 16]));
        let first = place(recent.asked(id, at(3)));
        assert_eq!(recent.asked(id, at(3)), Asked::Again);
        assert_eq!(recent.get(&id), None);

        recent.unanswered(first);
        let second = place(recent.asked(id, at(9)));
        recent.answered(second, GIVEN);
        // The first attempt's end does not take the second's answer along.
        recent.forget(at(64));
        assert_eq!(recent.get(&id), Some(GIVEN));
        recent.forget(at(69));
        assert_eq!(recent.get(&id), None);
        place(recent.asked(id, at(72)));
    }
}
