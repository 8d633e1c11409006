//! Reaches agents through the relays, one after the other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_policy::RegisterId;
use innsyn_proto::tls::{GatewayTls, TlsFault};
use innsyn_proto::tunnel::{BoxedIo, ConnectError, Dial, Refusal, RelayAddress, connect_to_node};

use super::link::{Reach, ReachError};

/// How long one relay may take, all handshakes included.
const PER_RELAY: Duration = Duration::from_secs(5);

/// Makes connections through the first relay that has the agent.
#[derive(Debug)]
pub struct ThroughRelays {
    dialler: Arc<dyn Dial>,
    relays: Vec<RelayAddress>,
    tls: GatewayTls,
}

impl ThroughRelays {
    /// Reaches agents through `relays`, in order.
    pub fn new(dialler: Arc<dyn Dial>, relays: Vec<RelayAddress>, tls: GatewayTls) -> Self {
        Self {
            dialler,
            relays,
            tls,
        }
    }

    async fn connect(&self, register: &RegisterId) -> Result<BoxedIo, ReachError> {
        // Of several failures, the one nearest to the agent says most.
        let mut worst = ReachError::RelayUnreachable(
            io::Error::new(io::ErrorKind::NotFound, "no relay is configured").into(),
        );
        for relay in &self.relays {
            match connect_to_node(&*self.dialler, relay, &self.tls, register, PER_RELAY).await {
                Ok(stream) => return Ok(Box::new(stream)),
                Err(error) => {
                    let may_help = error.another_relay_may_help();
                    let error = classify(error);
                    if !may_help {
                        return Err(error);
                    }
                    if !matches!(error, ReachError::RelayUnreachable(_)) {
                        worst = error;
                    }
                }
            }
        }
        Err(worst)
    }
}

fn classify(error: ConnectError) -> ReachError {
    match error {
        ConnectError::Refused(Refusal::NoParkedConnection) => ReachError::NotParked,
        ConnectError::RelayUnreachable(_)
        | ConnectError::OuterTls(TlsFault::Broken)
        | ConnectError::Tunnel(_)
        | ConnectError::TimedOut(_)
        | ConnectError::Refused(Refusal::Draining) => ReachError::RelayUnreachable(error.into()),
        error => ReachError::Refused(error.into()),
    }
}

impl Reach for ThroughRelays {
    fn reach<'a>(&'a self, register: &'a RegisterId) -> BoxFuture<'a, Result<BoxedIo, ReachError>> {
        Box::pin(self.connect(register))
    }
}
