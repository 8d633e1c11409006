//! Copies bytes between two connections, counts them, and looks at none.

use std::io;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split,
};
use tokio::time::timeout;

use super::metrics::RelayMetrics;

/// Bytes that are copied at a time: a whole TLS record, so that one record makes one. (Tokio's
/// `copy` takes half of that; its copy both ways takes any, and has no bound for a half-closed one.)
const COPIED_AT_A_TIME: usize = 16 << 10;

/// How a splice ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides said their last, or one broke.
    Closed,
    /// One side said its last, and the other did not follow in time.
    HalfClosed,
}

/// Copies both ways until both sides are done, one breaks, or one has been done for
/// `half_closed_max`.
pub(super) async fn splice<A, B>(
    a: A,
    b: B,
    half_closed_max: Duration,
    metrics: &RelayMetrics,
) -> End
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (a_read, a_write) = split(a);
    let (b_read, b_write) = split(b);
    let mut there = Box::pin(one_way(a_read, b_write, metrics));
    let mut back = Box::pin(one_way(b_read, a_write, metrics));
    let rest = tokio::select! {
        ended = &mut there => match ended {
            Ok(()) => timeout(half_closed_max, back).await,
            Err(_) => return End::Closed,
        },
        ended = &mut back => match ended {
            Ok(()) => timeout(half_closed_max, there).await,
            Err(_) => return End::Closed,
        },
    };
    rest.map_or(End::HalfClosed, |_| End::Closed)
}

async fn one_way<R: AsyncRead, W: AsyncWrite>(
    mut from: ReadHalf<R>,
    mut to: WriteHalf<W>,
    metrics: &RelayMetrics,
) -> io::Result<()> {
    let mut bytes = vec![0; COPIED_AT_A_TIME];
    loop {
        let read = from.read(&mut bytes).await?;
        let Some(read) = bytes.get(..read).filter(|read| !read.is_empty()) else {
            return to.shutdown().await;
        };
        metrics.copied(read.len());
        to.write_all(read).await?;
        // TLS may have kept some of it because the network was busy.
        to.flush().await?;
    }
}
