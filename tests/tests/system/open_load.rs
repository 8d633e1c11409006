//! Listings that begin at a steady rate, whatever becomes of those before them, so that a fault
//! is met by everybody who would have come meanwhile. Each is held against the truth.

use std::sync::Arc;
use std::time::Duration;

use innsyn_sim::caller::Caller;
use innsyn_sim::world::World;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::fleet::{Citizen, Fleet, Listing, list};

/// A load under way.
pub(super) struct Load {
    done: mpsc::UnboundedReceiver<anyhow::Result<Done>>,
    came: watch::Receiver<u64>,
    stop: CancellationToken,
    citizens: JoinHandle<()>,
}

/// A listing that has ended. Whoever is handed one knows that it is nowhere wrong.
pub(super) struct Done {
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) listing: Listing,
    citizen: Arc<Citizen>,
}

impl Done {
    /// Panics if the listing says anything that is not true.
    fn checked(self) -> Self {
        self.listing.is_nowhere_wrong(&self.citizen);
        self
    }
}

impl Load {
    /// `together` citizens come at once, again and again after `every`.
    pub(super) async fn start(
        fleet: &Fleet,
        citizens: Vec<Citizen>,
        together: usize,
        every: Duration,
    ) -> Self {
        let (told, done) = mpsc::unbounded_channel();
        let (coming, came) = watch::channel(0);
        let stop = CancellationToken::new();
        let citizens = come(
            Arc::clone(&fleet.world),
            fleet.caller().await,
            citizens.into_iter().map(Arc::new).collect(),
            (together, every),
            (told, coming),
            stop.clone(),
        );
        Self {
            done,
            came,
            stop,
            citizens: tokio::spawn(citizens),
        }
    }

    /// The next listing that has ended.
    pub(super) async fn next(&mut self) -> Done {
        self.done.recv().await.unwrap().unwrap().checked()
    }

    /// Waits until the next citizens come.
    pub(super) async fn begin(&mut self) {
        self.came.borrow_and_update();
        self.came.changed().await.unwrap();
    }

    /// Waits for the listings under way; returns them, and how many there were in all.
    pub(super) async fn stop(mut self) -> (Vec<Done>, u64) {
        self.stop.cancel();
        self.citizens.await.unwrap();
        let came = *self.came.borrow();
        let mut rest = Vec::new();
        while let Some(done) = self.done.recv().await {
            rest.push(done.unwrap().checked());
        }
        (rest, came)
    }
}

async fn come(
    world: Arc<World>,
    caller: Caller,
    citizens: Vec<Arc<Citizen>>,
    (together, every): (usize, Duration),
    (told, coming): (
        mpsc::UnboundedSender<anyhow::Result<Done>>,
        watch::Sender<u64>,
    ),
    stop: CancellationToken,
) {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut turns = citizens.iter().cycle();
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        for citizen in turns.by_ref().take(together) {
            let (citizen, caller, told) = (Arc::clone(citizen), caller.clone(), told.clone());
            let question = citizen.question(&world, None);
            tokio::spawn(async move {
                let began = Instant::now();
                let done = list(&caller, &question).await.map(|listing| Done {
                    began,
                    ended: Instant::now(),
                    listing,
                    citizen,
                });
                // Nobody listens any more where the test has failed.
                let _ = told.send(done);
            });
        }
        coming.send_modify(|came| *came += together as u64);
    }
}
