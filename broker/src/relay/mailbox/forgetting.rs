//! Forgets what agents have taken: items of all boxes in one write.
//!
//! What is not forgotten because the relay ends in between is collected again and found to be
//! known.

use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::RegisterId;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::NAME_BYTES;
use super::store::Boxes;

/// How long what comes is gathered.
const GATHERED_FOR: Duration = Duration::from_millis(200);
/// Messages of agents that may wait; those that come then wait themselves.
const WAITING_MAX: usize = 1_024;
/// Items that are forgotten in one write, about.
const ITEMS_MAX: usize = 8_192;

/// Items that one agent has taken.
pub(super) type Taken = Vec<(RegisterId, [u8; NAME_BYTES])>;

/// Forgets out of `boxes` what is sent to it, as long as there is anybody to send.
pub(super) fn spawn(boxes: Arc<Boxes>) -> mpsc::Sender<Taken> {
    let (sender, mut taken) = mpsc::channel::<Taken>(WAITING_MAX);
    tokio::spawn(async move {
        while let Some(mut items) = taken.recv().await {
            sleep(GATHERED_FOR).await;
            while items.len() < ITEMS_MAX
                && let Ok(more) = taken.try_recv()
            {
                items.extend(more);
            }
            if let Err(error) = boxes.take(&items).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what agents have taken stays in the mailbox, and will come to them again"
                );
            }
        }
    });
    sender
}
