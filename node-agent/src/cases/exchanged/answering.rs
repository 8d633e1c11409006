//! Gives the exchange what is owed to it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_policy::Clock as _;
use tokio_util::sync::CancellationToken;

use super::super::{CaseError, Cases, store};
use super::kept::{self, Owed};
use super::words;
use crate::exchange::{Answer, AnswerError, Desk, StoreError};

/// How often what could not be given is tried again.
const AGAIN_EVERY: Duration = Duration::from_secs(5);
/// How long the exchange may not know the message that is answered: it notes a message after the
/// case has it, and forgets it after longer than any case may stay open.
const UNKNOWN_FOR: Duration = Duration::from_hours(24);

/// Takes answers for the exchange's outbox. A seam: the exchange is another part of the agent.
pub trait GivesAnswers: Send + Sync + 'static {
    /// Takes `answer`, durably. Given again under its id, it is sent once.
    fn give<'a>(&'a self, answer: &'a Answer) -> BoxFuture<'a, Result<(), AnswerError>>;
}

impl GivesAnswers for Desk {
    fn give<'a>(&'a self, answer: &'a Answer) -> BoxFuture<'a, Result<(), AnswerError>> {
        Box::pin(self.answer(answer))
    }
}

impl Cases {
    /// Gives `exchange` what is owed to it, as it comes, until `shutdown`.
    pub fn spawn_answers(
        self: &Arc<Self>,
        exchange: Arc<dyn GivesAnswers>,
        shutdown: CancellationToken,
    ) -> tokio::task::JoinHandle<()> {
        let cases = Arc::clone(self);
        tokio::spawn(async move {
            let giving = async {
                loop {
                    if let Err(error) = cases.give_answers(&*exchange).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "answers for the exchange cannot be read; it is tried again"
                        );
                    }
                    let _again = tokio::time::timeout(AGAIN_EVERY, cases.owed.notified()).await;
                }
            };
            let _ended = shutdown.run_until_cancelled(giving).await;
        })
    }

    /// Gives `exchange` what is owed to it now; what it does not take stays owed.
    pub(in super::super) async fn give_answers(
        &self,
        exchange: &dyn GivesAnswers,
    ) -> Result<(), CaseError> {
        for owed in kept::owed(self.records.pool()).await? {
            let Some((answer, said_at)) = self.answer_of(&owed).await? else {
                continue;
            };
            let lost = match exchange.give(&answer).await {
                Ok(()) => false,
                Err(AnswerError::Store(StoreError::Unknown))
                    if said_at.plus(UNKNOWN_FOR) < self.clock.now() =>
                {
                    tracing::error!(
                        case.id = %owed.case,
                        "an answer cannot be sent: the exchange has forgotten the message; tell \
                         the person in another way"
                    );
                    true
                }
                Err(error) => {
                    tracing::warn!(
                        case.id = %owed.case,
                        error = &error as &dyn std::error::Error,
                        "an answer waits for the exchange"
                    );
                    continue;
                }
            };
            let mut records = self.records.write().await?;
            kept::given(&mut records, &owed, lost).await?;
            records.commit().await?;
        }
        Ok(())
    }

    /// What `owed` says, and when that was said.
    async fn answer_of(
        &self,
        owed: &Owed,
    ) -> Result<Option<(Answer, innsyn_policy::Timestamp)>, CaseError> {
        let kept = store::case(self.records.pool(), owed.case).await?;
        let kept = kept.ok_or(CaseError::NoSuchCase)?;
        let mut steps = store::steps(self.records.pool(), owed.case, Some(owed.step)).await?;
        let Some(step) = steps.pop() else {
            return Ok(None);
        };
        let said = self.words_of_step(owed.case, &step)?;
        let answer = Answer {
            id: owed.id.clone(),
            to: owed.party,
            in_reply_to: owed.in_reply_to.clone(),
            text: words::answer(step.step.act, &kept.case, said.as_ref()),
            attachments: words::files(said.as_ref()),
        };
        Ok(Some((answer, step.step.at)))
    }
}
