//! An e-mail server that takes every message and keeps none, for the demo's terminal to show.
//!
//! It speaks as much of SMTP (RFC 5321) as the gateway does on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Messages that wait to be shown; more are taken and forgotten.
const WAITING_MAX: usize = 16;
/// What one connection may send, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct MailServer {
    taken: mpsc::Receiver<String>,
    listening: JoinHandle<()>,
}

impl MailServer {
    /// Listens on `address`.
    pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("no e-mail server at {address}"))?;
        let (tell, taken) = mpsc::channel(WAITING_MAX);
        let listening = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let tell = tell.clone();
                // A client that breaks off loses what it had not said to its end.
                tokio::spawn(async move { drop(converse(connection, &tell).await) });
            }
        });
        Ok(Self { taken, listening })
    }

    /// The next message, headers and text; `None` where none comes within `patience`.
    pub(super) async fn next(&mut self, patience: Duration) -> Option<String> {
        timeout(patience, self.taken.recv()).await.ok().flatten()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn converse(connection: TcpStream, tell: &mpsc::Sender<String>) -> std::io::Result<()> {
    let (from, mut to) = connection.into_split();
    let mut lines = BufReader::new(from.take(BYTES_MAX)).lines();
    to.write_all(b"220 localhost\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split_whitespace().next().unwrap_or_default();
        let reply = match verb.to_ascii_uppercase().as_str() {
            "DATA" => {
                to.write_all(b"354 go on\r\n").await?;
                let message = message(&mut lines).await?;
                let _full_or_gone = tell.try_send(message);
                "250 taken\r\n"
            }
            "QUIT" => {
                return to.write_all(b"221 bye\r\n").await;
            }
            "EHLO" => "250-localhost\r\n250 8BITMIME\r\n",
            _ => "250 ok\r\n",
        };
        to.write_all(reply.as_bytes()).await?;
    }
    Ok(())
}

/// A message up to the line that ends it.
async fn message<R>(lines: &mut Lines<R>) -> std::io::Result<String>
where
    R: tokio::io::AsyncBufRead + Unpin,
{
    let mut message = String::new();
    while let Some(line) = lines.next_line().await? {
        if line == "." {
            return Ok(message);
        }
        // A line that begins with a dot was given another.
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
        message.push('\n');
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests;
