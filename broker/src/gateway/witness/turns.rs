//! When heads are shown to other witnesses: every so often, and soon while there is a log that none of
//! them has seen; but not for long, where nobody is there who would look.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How soon heads are shown when a log is new; after that, if it still is, half as often each time.
const SOON: Duration = Duration::from_secs(1);

/// The turns of one gateway.
#[derive(Debug)]
pub(super) struct Turns {
    every: Duration,
    last: Instant,
    soon: Duration,
}

impl Turns {
    /// A turn `every` so often from now on.
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            last: Instant::now(),
            soon: SOON,
        }
    }

    /// Returns when it is time; `is_new` says whether there is a log that no other witness has seen.
    pub(super) async fn next(&mut self, is_new: impl Fn() -> bool) {
        loop {
            sleep(SOON.min(self.every)).await;
            let since = self.last.elapsed();
            let is_soon = if is_new() {
                since >= self.soon
            } else {
                self.soon = SOON;
                false
            };
            if is_soon {
                self.soon = (2 * self.soon).min(self.every);
            }
            if is_soon || since >= self.every {
                self.last = Instant::now();
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_log_that_comes_in_between_is_not_kept_waiting_for_the_next_turn() {
        let mut turns = Turns::new(Duration::from_secs(30));
        let began = Instant::now();
        turns
            .next(|| began.elapsed() > Duration::from_secs(5))
            .await;
        assert_eq!(began.elapsed(), Duration::from_secs(6));
        turns.next(|| false).await;
        assert_eq!(began.elapsed(), Duration::from_secs(36));
        turns.next(|| true).await;
        assert_eq!(began.elapsed(), Duration::from_secs(37));
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_nobody_looks_at_is_shown_less_and_less_often() {
        let mut turns = Turns::new(Duration::from_secs(30));
        let began = Instant::now();
        let mut at = Vec::new();
        for _ in 0..7 {
            turns.next(|| true).await;
            at.push(began.elapsed().as_secs());
        }
        assert_eq!(at, [1, 3, 7, 15, 31, 61, 91]);
    }
}
