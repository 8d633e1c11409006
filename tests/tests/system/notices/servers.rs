//! An e-mail server and an SMS service, each a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::system::fleet::until;

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mail,
    Sms,
}

/// A server that writes down what it takes.
pub(super) struct Server {
    kind: Kind,
    process: Child,
    pub(super) port: u16,
    taken: PathBuf,
}

impl Server {
    /// Starts one at `port`, or any that is free, which writes to `taken`; `tls` says how it
    /// speaks, and with which certificate.
    pub(super) async fn start(kind: Kind, taken: &Path, port: u16, tls: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let script = match kind {
            Kind::Mail => "mail_server.py",
            Kind::Sms => "sms_center.py",
        };
        let mut process = Command::new(root.join(".venv/bin/python"))
            .arg(root.join("tests/clients").join(script))
            .arg(taken)
            .arg(port.to_string())
            .args(tls)
            .stdout(Stdio::piped())
            // Who is not believed is told of at length.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = String::new();
        let out = process.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut said).await.unwrap();
        Self {
            kind,
            process,
            port: said.trim().parse().unwrap(),
            taken: taken.to_owned(),
        }
    }

    pub(super) async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// The same server at the same port, in clear.
    pub(super) async fn start_again(self) -> Self {
        Self::start(self.kind, &self.taken, self.port, &[]).await
    }

    pub(super) fn messages(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.taken).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(super) async fn has_taken(&self, messages: usize) {
        until("the server has them", async || {
            self.messages().len() >= messages
        })
        .await;
    }
}
