//! Requests of ours that wait for their reply.
//!
//! A request is known by the id of its message, and a reply carries it. Nobody waits longer than a
//! given time; a reply that comes later, or that nobody asked for, is dropped and said so.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::desk::Incoming;

/// The most requests that may wait at once.
const WAITING_MAX: usize = 64;

/// Too many requests wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("64 requests wait for their reply already")]
pub struct TooManyCalls;

/// Who waits for which reply.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<HashMap<String, oneshot::Sender<Incoming>>>);

/// A request that waits; it does so no more when this is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    calls: &'a Calls,
    id: String,
    reply: oneshot::Receiver<Incoming>,
}

impl Calls {
    /// Waits for the reply to `id` from now on.
    pub(super) fn expect(&self, id: &str) -> Result<Waiting<'_>, TooManyCalls> {
        let (tell, reply) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.len() >= WAITING_MAX {
            return Err(TooManyCalls);
        }
        waiting.insert(id.to_owned(), tell);
        Ok(Waiting {
            calls: self,
            id: id.to_owned(),
            reply,
        })
    }

    /// Hands a reply to whoever waits for it; whether anybody does.
    pub(super) fn tell(&self, reply: Incoming) -> bool {
        let id = reply.headers.correlation_id.clone().unwrap_or_default();
        let waiting = self.lock().remove(&id);
        waiting.is_some_and(|waiting| waiting.send(reply).is_ok())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Incoming>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting<'_> {
    /// The reply; `None` if it never comes.
    pub(super) async fn reply(&mut self) -> Option<Incoming> {
        (&mut self.reply).await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.id);
    }
}
