//! A Unix socket before the server's that keeps what the server sends to queries.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::server::Server;

/// The role whose sessions are kept.
const READER: &[u8] = b"innsyn_reader\0";
const BYTES_AT_A_TIME: usize = 64 * 1024;

/// What the server sent to the role that runs queries.
pub(in crate::system) struct Meter {
    folder: TempDir,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Meter {
    pub(in crate::system) fn before(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name = format!(".s.PGSQL.{}", server.port());
        let listener = UnixListener::bind(folder.path().join(&name)).expect("a socket");
        let behind = server.socket_folder().join(name);
        let sent = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(keep(listener, behind, Arc::clone(&sent)));
        Self { folder, sent }
    }

    /// Where it is reached, as a host.
    pub(in crate::system) fn host(&self) -> &Path {
        self.folder.path()
    }

    /// What was sent since this was asked last.
    pub(in crate::system) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.sent.lock().expect("nobody panicked"))
    }
}

async fn keep(listener: UnixListener, behind: PathBuf, sent: Arc<Mutex<Vec<u8>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = UnixStream::connect(&behind).await.expect("the server");
        let sent = Arc::clone(&sent);
        tokio::spawn(pass(client, server, sent));
    }
}

async fn pass(client: UnixStream, server: UnixStream, sent: Arc<Mutex<Vec<u8>>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    // The first message names the role.
    let mut first = vec![0; BYTES_AT_A_TIME];
    let Ok(read) = from_client.read(&mut first).await else {
        return;
    };
    let first = &first[..read];
    let is_kept = first.windows(READER.len()).any(|part| part == READER);
    if to_server.write_all(first).await.is_err() {
        return;
    }
    let asking = tokio::io::copy(&mut from_client, &mut to_server);
    let telling = async {
        let mut bytes = vec![0; BYTES_AT_A_TIME];
        loop {
            let read = from_server.read(&mut bytes).await?;
            if read == 0 {
                return to_client.shutdown().await;
            }
            if is_kept {
                let mut sent = sent.lock().expect("nobody panicked");
                sent.extend_from_slice(&bytes[..read]);
            }
            to_client.write_all(&bytes[..read]).await?;
        }
    };
    // Whichever side ends, ends both.
    tokio::select! {
        _ = asking => {}
        _ = telling => {}
    }
}
