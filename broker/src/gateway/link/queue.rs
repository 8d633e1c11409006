//! The questions of one link: waiting, and asked but not answered.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use innsyn_policy::NoAnswerReason;
use prost::encoding;

use super::{BATCH_QUESTIONS_MAX, BATCHES_UNDER_WAY_MAX, QUESTIONS_WAITING_MAX};
use crate::gateway::fanout::Question;

/// The tag of `AskRequest.questions`.
const QUESTIONS_TAG: u32 = 1;

/// The questions of one link. Held weakly: a listing that has ended leaves nothing here but a
/// dead pointer, which the next batch skips.
#[derive(Default)]
pub(super) struct Queue(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Weak<Question>>,
    /// In the order in which they were asked, which is that in which an agent answers.
    asked: VecDeque<(u64, Weak<Question>)>,
    batches_sent: u64,
    batches_done: u64,
    /// Send a batch even if nothing waits.
    probe_wanted: bool,
    /// Which connection the batches belong to; an older one's stream ends.
    connection: u64,
    sender: Option<Waker>,
}

impl Inner {
    fn wake_sender(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, question: Weak<Question>) -> Result<(), NoAnswerReason> {
        let mut inner = self.lock();
        if inner.waiting.len() >= QUESTIONS_WAITING_MAX {
            inner.waiting.retain(|question| question.strong_count() > 0);
            if inner.waiting.len() >= QUESTIONS_WAITING_MAX {
                return Err(NoAnswerReason::Overloaded);
            }
        }
        inner.waiting.push_back(question);
        inner.wake_sender();
        Ok(())
    }

    /// Begins a new connection: everything asked and not answered waits again, ahead of the
    /// rest, and the first batch goes out at once even if it is empty.
    pub(super) fn begin_connection(&self) -> u64 {
        let mut inner = self.lock();
        while let Some((_, question)) = inner.asked.pop_back() {
            inner.waiting.push_front(question);
        }
        inner.batches_sent = 0;
        inner.batches_done = 0;
        inner.probe_wanted = true;
        inner.connection += 1;
        inner.wake_sender();
        inner.connection
    }

    /// Asks for a probe if nothing is under way.
    pub(super) fn probe(&self) {
        let mut inner = self.lock();
        if inner.batches_sent == inner.batches_done {
            inner.probe_wanted = true;
            inner.wake_sender();
        }
    }

    /// Takes the question that `number` names out, as answered.
    pub(super) fn answered(
        &self,
        batches_done: u64,
        numbers: impl Iterator<Item = u64>,
    ) -> Vec<Option<Arc<Question>>> {
        let mut inner = self.lock();
        let questions = numbers
            .map(|number| {
                let mut asked = inner.asked.iter();
                let at = asked.position(|(asked, _)| *asked == number)?;
                inner.asked.remove(at)?.1.upgrade()
            })
            .collect();
        // An agent cannot claim to have dealt with what it was not sent.
        inner.batches_done = inner.batches_done.max(batches_done.min(inner.batches_sent));
        if inner.batches_sent == inner.batches_done {
            // Whatever is left was passed over; its listing learns so at the deadline.
            inner.asked.clear();
        }
        inner.wake_sender();
        questions
    }

    /// Takes everything out, waiting or asked.
    pub(super) fn drain(&self) -> Vec<Arc<Question>> {
        let mut inner = self.lock();
        let asked = std::mem::take(&mut inner.asked);
        asked
            .into_iter()
            .map(|(_, question)| question)
            .chain(inner.waiting.drain(..))
            .filter_map(|q| q.upgrade())
            .collect()
    }

    /// How many questions could still be read here.
    #[cfg(test)]
    pub(super) fn questions_held(&self) -> usize {
        let inner = self.lock();
        inner
            .waiting
            .iter()
            .chain(inner.asked.iter().map(|(_, question)| question))
            .filter(|q| q.strong_count() > 0)
            .count()
    }

    fn poll_batch(&self, connection: u64, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut inner = self.lock();
        if inner.connection != connection {
            return Poll::Ready(None);
        }
        if inner.batches_sent - inner.batches_done < BATCHES_UNDER_WAY_MAX {
            let mut batch = BytesMut::new();
            let mut questions = 0;
            while questions < BATCH_QUESTIONS_MAX
                && let Some(waiting) = inner.waiting.pop_front()
            {
                if let Some(question) = waiting.upgrade() {
                    if questions == 0 {
                        let expected = (inner.waiting.len() + 1).min(BATCH_QUESTIONS_MAX);
                        batch.reserve(expected * (question.encoded.len() + 3));
                    }
                    encoding::bytes::encode(QUESTIONS_TAG, &question.encoded, &mut batch);
                    inner.asked.push_back((question.number, waiting));
                    questions += 1;
                }
            }
            if questions > 0 || std::mem::take(&mut inner.probe_wanted) {
                inner.probe_wanted = false;
                inner.batches_sent += 1;
                return Poll::Ready(Some(batch.freeze()));
            }
        }
        inner.sender = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The stream of batches of one connection: each an encoded `AskRequest`.
pub(super) struct Batches {
    pub(super) link: Arc<super::Link>,
    pub(super) connection: u64,
}

impl Stream for Batches {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.link.queue.poll_batch(self.connection, cx)
    }
}
