//! Told to stop: SIGINT or SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first SIGINT or SIGTERM. A second one ends the process at once.
pub(crate) fn when_requested(stop: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        for patience in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if patience {
                tracing::info!("told to stop");
                stop.cancel();
            } else {
                std::process::exit(130);
            }
        }
    });
    Ok(())
}
