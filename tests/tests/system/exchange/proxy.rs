//! What stands between the agent and the broker: it passes bytes on, and can stop doing so in one
//! direction, so that what the agent sent arrives and it never hears of it, or the other way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

pub(super) struct Proxy {
    address: SocketAddr,
    muted: Arc<AtomicBool>,
    deafened: Arc<AtomicBool>,
    cut: watch::Sender<u64>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Passes on to `port` on loopback.
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let muted = Arc::new(AtomicBool::new(false));
        let (cut, seen) = watch::channel(0);
        let deafened = Arc::new(AtomicBool::new(false));
        let (is_muted, is_deaf) = (Arc::clone(&muted), Arc::clone(&deafened));
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (muted, deaf) = (Arc::clone(&is_muted), Arc::clone(&is_deaf));
                let mut cut = seen.clone();
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    let (from_near, to_near) = near.into_split();
                    let (from_far, to_far) = far.into_split();
                    tokio::select! {
                        () = pass(from_near, to_far, deaf) => {}
                        () = pass(from_far, to_near, muted) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            muted,
            deafened,
            cut,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the agent hears nothing.
    pub(super) fn mute(&self) {
        self.muted.store(true, Ordering::SeqCst);
    }

    /// From now on the broker hears nothing.
    pub(super) fn deafen(&self) {
        self.deafened.store(true, Ordering::SeqCst);
    }

    /// Ends all connections; new ones are heard again.
    pub(super) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
        self.muted.store(false, Ordering::SeqCst);
        self.deafened.store(false, Ordering::SeqCst);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    muted: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        if !muted.load(Ordering::SeqCst) && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
