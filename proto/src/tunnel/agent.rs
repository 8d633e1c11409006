//! The agent's side: park, answer pings, take the gateway that comes.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::word::{Hello, TunnelError, Word, within};

/// How a parked connection ends when nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summons {
    /// A gateway is waiting; [`accept`] it.
    Gateway,
    /// The relay is going away.
    Drain,
}

/// Parks `io` at the relay; returns when the relay has confirmed it. `bound` is for the whole.
pub async fn park<I>(io: &mut I, bound: Duration) -> Result<(), TunnelError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    within(bound, async {
        io.write_all(&Hello::Park.encode()).await?;
        io.flush().await?;
        match Word::read(io).await? {
            Word::Parked => Ok(()),
            Word::Refused(refusal) => Err(TunnelError::Refused(refusal)),
            _ => Err(TunnelError::Malformed),
        }
    })
    .await
}

/// Answers the relay's pings until it has something to say. A relay silent for `silence_max`
/// (longer than its time between pings) is taken for dead.
pub async fn wait<I>(io: &mut I, silence_max: Duration) -> Result<Summons, TunnelError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match within(silence_max, Word::read(io)).await? {
            Word::Ping => within(silence_max, Word::Pong.send(io)).await?,
            Word::Go => return Ok(Summons::Gateway),
            Word::Drain => return Ok(Summons::Drain),
            _ => return Err(TunnelError::Malformed),
        }
    }
}

/// Takes the gateway. After this, `io` is the inner layer's.
pub async fn accept<I>(io: &mut I, bound: Duration) -> Result<(), TunnelError>
where
    I: AsyncWrite + Unpin,
{
    within(bound, Word::Accept.send(io)).await
}
