//! When a relay is told which items are taken.
//!
//! An item that says something takes longer than one that does not, for it is logged. Told as soon as
//! each is taken, the relay would see which they are; so it is told at a time that follows from when
//! they came alone.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long after items have come the relay is told which of them are taken.
const TOLD_AFTER: Duration = Duration::from_millis(500);

/// What a relay is told later.
#[derive(Debug)]
pub(super) struct Telling<T>(VecDeque<(Instant, T)>);

/// Something that came at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came(Instant);

impl Came {
    /// It comes now. To be made before anything is done with it.
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }
}

impl<T> Telling<T> {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Has `taken`, of what came then, told when its time has come.
    pub(super) fn later(&mut self, came: Came, taken: T) {
        self.0.push_back((came.0 + TOLD_AFTER, taken));
    }

    /// What is to be told first, when its time has come; `None` where there is nothing.
    ///
    /// Dropped before, nothing is lost.
    pub(super) async fn due(&mut self) -> Option<T> {
        let (at, _) = self.0.front()?;
        sleep_until(*at).await;
        self.0.pop_front().map(|(_, taken)| taken)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn promise_3_how_long_an_item_took_cannot_be_told_from_when_the_relay_hears_of_it() {
        for took in [0, 1, 30, 499] {
            let (began, mut telling) = (Instant::now(), Telling::new());
            let came = Came::now();
            sleep(Duration::from_millis(took)).await;
            telling.later(came, took);
            assert_eq!(telling.due().await, Some(took));
            assert_eq!(began.elapsed(), Duration::from_millis(500), "{took} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_later_is_told_in_its_order_and_once() {
        let mut telling = Telling::new();
        telling.later(Came::now(), 1);
        sleep(Duration::from_millis(200)).await;
        telling.later(Came::now(), 2);
        tokio::select! {
            _ = telling.due() => panic!("too soon"),
            () = sleep(Duration::from_millis(100)) => {}
        }
        assert_eq!(telling.due().await, Some(1));
        assert_eq!(telling.due().await, Some(2));
        assert_eq!(telling.due().await, None);
    }
}
