//! Faults that are put around a part, never into it.

use std::io;
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_proto::tunnel::{BoxedIo, Dial, TcpDialler};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, split};
use tokio::time::sleep;

/// What may be on its way in one direction, in bytes.
const ON_THE_WAY_BYTES: usize = 1 << 16;

/// Dials with TCP; whatever comes back from the network comes late.
#[derive(Debug, Clone, Copy)]
pub struct SlowDialler {
    /// How late.
    pub delay: Duration,
}

impl Dial for SlowDialler {
    fn dial<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedIo>> {
        Box::pin(self.slowly(address))
    }
}

impl SlowDialler {
    async fn slowly(&self, address: &str) -> io::Result<BoxedIo> {
        let (mut from_network, mut to_network) = split(TcpDialler.dial(address).await?);
        let (ours, theirs) = duplex(ON_THE_WAY_BYTES);
        let (mut from_agent, mut to_agent) = split(theirs);
        let delay = self.delay;
        tokio::spawn(async move {
            let mut bytes = vec![0; ON_THE_WAY_BYTES];
            loop {
                let read = from_network.read(&mut bytes).await?;
                sleep(delay).await;
                to_agent
                    .write_all(bytes.get(..read).unwrap_or_default())
                    .await?;
                if read == 0 {
                    return to_agent.shutdown().await;
                }
            }
        });
        tokio::spawn(async move {
            tokio::io::copy(&mut from_agent, &mut to_network).await?;
            to_network.shutdown().await
        });
        Ok(Box::new(ours))
    }
}
