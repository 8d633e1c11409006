//! The relay's side, up to the splice. After that it only copies.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::word::{Hello, Refusal, TunnelError, Word, within};

/// Reads what the caller wants.
pub async fn hello<I>(io: &mut I, bound: Duration) -> Result<Hello, TunnelError>
where
    I: AsyncRead + Unpin,
{
    within(bound, Hello::read(io)).await
}

/// Asks a parked agent to take a gateway and waits until it does. Late answers to an earlier
/// ping are passed over.
pub async fn summon<I>(io: &mut I, bound: Duration) -> Result<(), TunnelError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    within(bound, async {
        Word::Go.send(io).await?;
        loop {
            match Word::read(io).await? {
                Word::Accept => return Ok(()),
                Word::Pong => {}
                _ => return Err(TunnelError::Malformed),
            }
        }
    })
    .await
}

/// Says one word.
pub async fn say<I>(io: &mut I, word: Word, bound: Duration) -> Result<(), TunnelError>
where
    I: AsyncWrite + Unpin,
{
    within(bound, word.send(io)).await
}

/// The refusal that tells the caller about `error`, where there is anybody left to tell.
pub const fn refusal_for(error: &TunnelError) -> Option<Refusal> {
    match error {
        TunnelError::UnknownVersion(_) => Some(Refusal::UnknownVersion),
        TunnelError::Malformed => Some(Refusal::Malformed),
        TunnelError::Refused(_) | TunnelError::Silent(_) | TunnelError::Broken(_) => None,
    }
}
