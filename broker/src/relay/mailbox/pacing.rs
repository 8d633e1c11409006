//! How often a box is looked into.
//!
//! While items keep coming they go to their agent together: each look costs the relay a search and
//! the agent two syncs.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How often a box is looked into at most while items keep coming.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// When a box was looked into last, while items keep coming.
#[derive(Debug, Default)]
pub(super) struct Pacing(Option<Instant>);

impl Pacing {
    /// Waits until the box may be looked into again; it is looked into now.
    pub(super) async fn rest(&mut self) {
        if let Some(looked) = self.0 {
            sleep_until(looked + LOOK_EVERY).await;
        }
        self.0 = Some(Instant::now());
    }

    /// The box was empty: what comes next is not kept waiting.
    pub(super) const fn was_empty(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_box_that_fills_is_looked_into_twice_a_second_and_one_that_was_empty_at_once() {
        let (began, mut pacing) = (Instant::now(), Pacing::default());
        for look in 0..4_u32 {
            pacing.rest().await;
            assert_eq!(began.elapsed(), LOOK_EVERY * look);
        }
        pacing.was_empty();
        pacing.rest().await;
        assert_eq!(began.elapsed(), LOOK_EVERY * 3);
    }
}
