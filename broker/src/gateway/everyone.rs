//! One call to every register's agent, beside the stream of questions.
//!
//! Dialogs, settings and the log of use are read and written at the agents: like a listing, each
//! such call goes to **every** register that can be asked, always, so that traffic tells nothing
//! about the person, and every register of the catalogue is accounted for. Unlike a listing's
//! questions they are rare, so each is a gRPC call of its own on the link's connection.

use std::sync::Arc;

use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt as _};
use innsyn_policy::{NoAnswerReason, Outcome};
use tokio::time::{Instant, timeout_at};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::link::Link;
use crate::catalog::{Catalogue, Entry};

/// What became of a call at one register.
#[derive(Debug)]
pub enum Called<T> {
    /// The agent answered.
    Answered(T),
    /// The agent said no, or that it cannot.
    Refused(Status),
    /// There is no answer, or there can be none: the outcome says why.
    Silent(Outcome),
}

/// Every register, to be called.
#[derive(Debug, Clone)]
pub struct Everyone {
    catalogue: Arc<Catalogue>,
    /// The link to each register of the catalogue, in its order; `None` where it is not asked.
    links: Arc<[Option<Arc<Link>>]>,
}

impl Everyone {
    /// The registers of `catalogue`, over `links` in its order.
    pub fn new(catalogue: Arc<Catalogue>, links: Arc<[Option<Arc<Link>>]>) -> Self {
        Self { catalogue, links }
    }

    /// The registers, in the catalogue's order.
    pub fn entries(&self) -> &[Entry] {
        self.catalogue.entries()
    }

    /// Calls every register at once; yields exactly one item for each register of the catalogue,
    /// its position and what became of it, and ends at `deadline` at the latest.
    ///
    /// `call` is given the register's position and a connection to its agent.
    pub fn call<T, F, R>(
        &self,
        deadline: Instant,
        call: F,
    ) -> impl Stream<Item = (usize, Called<T>)> + Send + use<T, F, R>
    where
        T: Send + 'static,
        F: Fn(usize, Channel) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<T, Status>> + Send,
    {
        let registers: Vec<_> = (0..self.entries().len())
            .map(|position| self.one(position, deadline, call.clone()))
            .collect();
        registers
            .into_iter()
            .collect::<FuturesUnordered<_>>()
            .map(|called| called)
    }

    fn one<T, F, R>(
        &self,
        position: usize,
        deadline: Instant,
        call: F,
    ) -> impl Future<Output = (usize, Called<T>)> + Send + use<T, F, R>
    where
        T: Send + 'static,
        F: Fn(usize, Channel) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<T, Status>> + Send,
    {
        let fixed = self.entries().get(position).and_then(Entry::fixed_outcome);
        let link = self.links.get(position).cloned().flatten();
        async move {
            let silent = |reason| Called::Silent(Outcome::NoAnswer(reason));
            let (None, Some(link)) = (fixed, link) else {
                let down = Outcome::NoAnswer(NoAnswerReason::Down);
                return (position, Called::Silent(fixed.unwrap_or(down)));
            };
            let calling = async {
                let channel = link.channel().await.map_err(silent)?;
                call(position, channel)
                    .await
                    .map_err(|status| match status.code() {
                        // The connection went while it was used.
                        Code::Unavailable | Code::Cancelled | Code::Unknown => {
                            silent(NoAnswerReason::Down)
                        }
                        Code::DeadlineExceeded => silent(NoAnswerReason::Timeout),
                        _ => Called::Refused(status),
                    })
            };
            let called = match timeout_at(deadline, calling).await {
                Ok(Ok(answer)) => Called::Answered(answer),
                Ok(Err(called)) => called,
                Err(_elapsed) => silent(NoAnswerReason::Timeout),
            };
            (position, called)
        }
    }
}
