//! Follows a change of a setting on its way to the registers.

use std::time::Duration;

use innsyn_proto::wire::citizen::v1::{ListSettingsResponse, SettingsAtRegister, StandingSetting};
use innsyn_proto::wire::types::v1::Reason;
use tokio::time::{Instant, sleep};

use crate::caller::{Caller, Question};

#[cfg(test)]
mod tests;

/// How long registers may take.
const FOLLOW_MAX: Duration = Duration::from_secs(20);
/// Nothing has changed for so long: whoever has not followed is not there.
const STILL_MAX: Duration = Duration::from_secs(3);
/// How soon it is looked, and at the least how often. Each look stands in every register's log.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_MIN: Duration = Duration::from_secs(1);

/// A change whose way is followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    /// The definition's GUID.
    pub(super) definition: &'a str,
    /// What was said, and all after it.
    pub(super) sequence: i64,
}

/// How far a change has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Followed {
    /// What was said last, and where it is in effect.
    pub(super) standing: StandingSetting,
    /// What became of the question at each register.
    pub(super) listed: ListSettingsResponse,
}

impl Followed {
    /// Whether everybody who is connected has it.
    fn is_everywhere(&self) -> bool {
        let is_down = |at: &&SettingsAtRegister| {
            !at.answered && matches!(at.reason(), Reason::Down | Reason::RelayDown)
        };
        let down = self.listed.registers.iter().filter(is_down).count();
        self.standing.sequence > 0
            && self.standing.effective_at as usize + down >= self.standing.registers as usize
    }
}

/// Waits until every register that is connected has said that it knows of all changes, and so has
/// told the gateway how to seal one for it.
pub(super) async fn all_met(caller: &Caller, question: &Question) -> Result<(), tonic::Status> {
    let began = Instant::now();
    loop {
        let listed = caller.settings(question).await?;
        let mut answered = listed.registers.iter().filter(|at| at.answered);
        let is_done = answered.all(|at| at.is_current) || began.elapsed() > FOLLOW_MAX;
        // What they said with it is a moment behind.
        sleep(if is_done { LOOK_FIRST } else { LOOK_MIN }).await;
        if is_done {
            return Ok(());
        }
    }
}

/// Looks how far `change` has come until every register that is connected has it, or nothing moves any
/// more; `each` is told whenever it has come further, and ends it where it says no.
pub(super) async fn follow(
    caller: &Caller,
    question: &Question,
    change: Change<'_>,
    mut each: impl FnMut(&Followed) -> bool,
) -> Result<Followed, tonic::Status> {
    let (began, mut moved) = (Instant::now(), Instant::now());
    let mut pause = LOOK_FIRST;
    let mut seen = Followed::default();
    loop {
        let listed = caller.settings(question).await?;
        let mut settings = listed.settings.iter();
        let standing = settings
            .find(|it| it.definition_id == change.definition && it.sequence >= change.sequence);
        let standing = standing.cloned().unwrap_or_default();
        let is_further = standing != seen.standing;
        seen = Followed { standing, listed };
        if is_further {
            moved = Instant::now();
            if !each(&seen) {
                return Ok(seen);
            }
        }
        if seen.is_everywhere() || moved.elapsed() > STILL_MAX || began.elapsed() > FOLLOW_MAX {
            return Ok(seen);
        }
        sleep(pause).await;
        pause = pause.mul_f32(1.5).min(LOOK_MIN);
    }
}
