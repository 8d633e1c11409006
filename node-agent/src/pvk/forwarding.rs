//! What people have said here of definitions that Personvernkomponenten writes is said there.
//!
//! ```text
//!   waiting ─▶ how does it stand there? ──as wanted, or later than this──▶ taken from there, done
//!                 │                                                              ▲
//!                 └─▶ remember that ─▶ say it ─▶ how does it stand there now? ───┘
//! ```
//!
//! What holds:
//!
//! - **In order** for one person and definition; what cannot be said holds back nothing else.
//! - **Once**: whether a try whose answer was lost was taken shows in the sequence there.
//! - **Nothing is in effect here before it is there**, by its push or its answer.
//! - **A later word there stands**, if it was said more than [`LATER`] after the one here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::client::{CallError, PvkClient};
use super::fetching::chain;
use super::standing::{Standing, count};
use super::taking::Taking;
use super::wire::PvkSetting;
use crate::settings::forwarding::{self, Forward};
use crate::settings::kept::KeepError;

/// How often it is looked whether something waits.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The longest pause after something could not be said.
const RETRY_MAX: Duration = Duration::from_secs(15);
/// So many are looked at in one go.
const AT_ONCE: u32 = 256;
/// So many that cannot be said are passed over before the rest waits too.
const HELD_MAX: usize = 3;
/// By how much clocks may differ before what stands there counts as said later.
pub(super) const LATER: Duration = Duration::from_mins(1);

/// Why something was not said there.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForwardError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Keep(#[from] KeepError),
}

/// What to do about something that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Say it.
    Say,
    /// It stands there, or something later does.
    Done,
}

/// What to do about `forward`, where `theirs` stands.
pub(super) fn step(forward: &Forward, theirs: Option<&PvkSetting>) -> Step {
    let Some(theirs) = theirs else {
        return Step::Say;
    };
    let change = &forward.change;
    let as_wanted =
        theirs.active == change.active && (!theirs.active || theirs.until == change.until);
    let was_taken = forward.stood.is_some_and(|stood| theirs.sequence > stood);
    // A gateway's sequence is when it was said.
    let said_at = Timestamp::from_micros(change.sequence);
    let is_ours = forward.own == Some(theirs.sequence);
    let is_later = !is_ours && theirs.changed_at > said_at.plus(LATER);
    if as_wanted || was_taken || is_later {
        Step::Done
    } else {
        Step::Say
    }
}

/// Says there what waits.
pub(super) struct Forwarding {
    pub(super) client: Arc<PvkClient>,
    pub(super) taking: Taking,
    pub(super) standing: Arc<Standing>,
}

impl Forwarding {
    /// Says what waits, as it comes, until `shutdown`.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let forwarding = async {
            let mut pause = LOOK_EVERY;
            loop {
                sleep(pause).await;
                match self.forward_all().await {
                    Ok(()) => {
                        self.standing.forwards(None);
                        pause = LOOK_EVERY;
                    }
                    Err(error) => {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "settings wait to be forwarded"
                        );
                        self.standing.forwards(Some(chain(&error)));
                        pause = (pause * 2).min(RETRY_MAX);
                    }
                }
            }
        };
        shutdown.run_until_cancelled(forwarding).await;
    }

    /// Says everything that waits and can be said; the error is that of the first which cannot.
    pub(super) async fn forward_all(&self) -> Result<(), ForwardError> {
        let records = self.taking.keeper.records();
        let mut held = HashSet::new();
        let mut first = Ok(());
        for forward in forwarding::waiting(records, AT_ONCE).await? {
            let of = (forward.change.person, forward.change.definition);
            if held.contains(&of) {
                continue;
            }
            match self.forward(&forward).await {
                Ok(()) => count(&self.standing.counts.forwarded),
                Err(ForwardError::Call(error)) if error.is_for_good() => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a setting is refused by Personvernkomponenten"
                    );
                    forwarding::refused(records, &forward).await?;
                    count(&self.standing.counts.not_forwarded);
                }
                Err(ForwardError::Call(error))
                    if error.is_of_this_call() && held.len() < HELD_MAX =>
                {
                    held.insert(of);
                    first = first.and(Err(ForwardError::Call(error)));
                }
                Err(error) => return Err(error),
            }
        }
        first
    }

    async fn forward(&self, forward: &Forward) -> Result<(), ForwardError> {
        let records = self.taking.keeper.records();
        let change = &forward.change;
        let theirs = self
            .client
            .status(&change.person, &change.definition)
            .await?;
        let theirs = match step(forward, theirs.as_ref()) {
            Step::Done => theirs,
            Step::Say => {
                let stood = theirs.map_or(0, |it| it.sequence);
                forwarding::tries(records, forward, stood).await?;
                let said_at = Timestamp::from_micros(change.sequence);
                self.client
                    .write(
                        &change.person,
                        &change.definition,
                        change.active,
                        said_at,
                        change.until,
                    )
                    .await?;
                self.client
                    .status(&change.person, &change.definition)
                    .await?
            }
        };
        // Who takes back what was never said there leaves nothing there, and is taken at its word.
        let theirs = theirs.unwrap_or(PvkSetting {
            person: change.person,
            definition: change.definition,
            active: false,
            sequence: 0,
            changed_at: Timestamp::from_micros(change.sequence),
            until: None,
        });
        let is_it = theirs.active == change.active;
        let led_to_it = is_it.then_some(forward);
        self.taking.take_one(&theirs, led_to_it).await?;
        forwarding::said(records, forward, theirs.sequence).await?;
        Ok(())
    }
}
