//! Shows people what the log of use has about them.
//!
//! ```text
//!   read ─▶ over the cap? ─▶ decide ─▶ log the reading, durable ─▶ sign the head ─▶ a page with proofs
//!                              └─ no: log that, durable ─▶ refuse
//! ```
//!
//! What holds:
//!
//! - **The reading is in the log first**, refused ones too, and it is among what is shown: so the
//!   newest entry is known to whoever checks, and reading is itself a use that the person sees.
//! - **Everything shown is proven** to stand in the log of one signed head, and that head to continue
//!   those that the asker holds, and the one that witnesses signed last.
//! - **Nothing is dropped.** What the law wants held back is shown as a number, a hash and a date
//!   (see [`delay`]).
//! - **Pages have one size**, whatever is on them, so that who carries them cannot tell how much
//!   there is about somebody.
//! - **Nothing is kept** of who has read what but the entry: the receipt that is signed is given away,
//!   and later pages name the reading that they belong to.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use innsyn_proto::identity::GatewayName;
use innsyn_proto::wire::node::v1 as wire;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wire::uses_service_server::{UsesService, UsesServiceServer};

mod delay;
mod page;
mod reading;
mod table;
#[cfg(test)]
mod tests;

pub use delay::{Delay, DelayError};
pub use reading::{Reading, ReadingParts};

use crate::presence::Peer;
use crate::service::{AskedInTime, Caps};

/// The largest message that a gateway may send, in bytes.
const REQUEST_BYTES_MAX: usize = 1 << 14;

/// The gRPC service for gateways that may ask for uses.
pub struct Uses {
    reading: Arc<Reading>,
    /// What each gateway has asked.
    gateways: HashMap<GatewayName, Mutex<AskedInTime>>,
    /// Gateways that are pinned, asked, and may not ask for uses.
    turned_away: Mutex<HashSet<GatewayName>>,
}

impl Uses {
    /// The service over `reading`, ready for a tonic server. It serves the gateways that `caps` name.
    pub fn server(
        reading: Arc<Reading>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
    ) -> UsesServiceServer<Self> {
        UsesServiceServer::new(Self::new(reading, caps))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    fn new(reading: Arc<Reading>, caps: impl IntoIterator<Item = (GatewayName, Caps)>) -> Self {
        let now = Instant::now();
        let asked = |caps| Mutex::new(AskedInTime::new(caps, now));
        Self {
            reading,
            gateways: caps
                .into_iter()
                .map(|(name, caps)| (name, asked(caps)))
                .collect(),
            turned_away: Mutex::default(),
        }
    }

    /// What the gateway at the other end has asked; an error where it is none that is served.
    fn gateway<T>(&self, request: &Request<T>) -> Result<&Mutex<AskedInTime>, Status> {
        let Some(Peer { gateway, .. }) = request.extensions().get() else {
            return Err(Status::unauthenticated(
                "the connection did not come through the tunnel",
            ));
        };
        self.gateways.get(gateway).ok_or_else(|| {
            // Bounded by the gateways that are pinned, for no other comes this far.
            if locked(&self.turned_away).insert(gateway.clone()) {
                tracing::warn!(
                    gateway.name = %gateway,
                    "gateway is not served: its section lacks `uses` in `may_ask`"
                );
            }
            Status::permission_denied("the register does not serve this gateway")
        })
    }
}

#[tonic::async_trait]
impl UsesService for Uses {
    async fn list_uses(
        &self,
        request: Request<wire::ListUsesRequest>,
    ) -> Result<Response<wire::ListUsesResponse>, Status> {
        let is_within_caps = locked(self.gateway(&request)?).admit(Instant::now());
        let reading = Arc::clone(&self.reading);
        // In a task of its own: if the call ends now, what has begun is still logged.
        let listed =
            tokio::spawn(async move { reading.list(is_within_caps, &request.into_inner()).await });
        let page = listed
            .await
            .map_err(|_| Status::internal("the agent failed on this message"))??;
        Ok(Response::new(page))
    }
}

impl fmt::Debug for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uses").finish_non_exhaustive()
    }
}

/// What `mutex` holds. Nobody panics half-way through a change of it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
