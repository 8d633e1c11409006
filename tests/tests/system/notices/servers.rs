//! An e-mail server and an SMS service, each a process of its own, and who listens on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
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

/// Who carries what is said to a server, and listens.
pub(super) struct Tap {
    pub(super) port: u16,
    /// Everything that was said to the server.
    said: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    /// On the way to what listens at `server`.
    pub(super) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let heard = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                let heard = Arc::clone(&heard);
                tokio::spawn(carry(io, server, heard));
            }
        });
        Self { port, said }
    }

    /// Whether the server was spoken to.
    pub(super) fn is_tried(&self) -> bool {
        !self.said.lock().unwrap().is_empty()
    }

    /// Whether `text` was said, in clear.
    pub(super) fn heard(&self, text: &str) -> bool {
        let said = self.said.lock().unwrap();
        said.windows(text.len()).any(|it| it == text.as_bytes())
    }
}

async fn carry(io: TcpStream, server: u16, heard: Arc<Mutex<Vec<u8>>>) {
    let Ok(behind) = TcpStream::connect(("127.0.0.1", server)).await else {
        return;
    };
    let (mut from_us, mut to_us) = io.into_split();
    let (mut from_server, mut to_server) = behind.into_split();
    let back = tokio::spawn(async move {
        // It ends when either does.
        let _ = tokio::io::copy(&mut from_server, &mut to_us).await;
    });
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from_us.read(&mut bytes).await {
        heard.lock().unwrap().extend_from_slice(&bytes[..count]);
        if to_server.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    drop(to_server);
    let _ = back.await;
}

/// The CA of these tests.
pub(super) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Writes its own certificate to `file`.
    pub(super) fn write(&self, file: &Path) {
        fs::write(file, self.0.pem()).unwrap();
    }

    /// A certificate of a server called `name`, and its key, as files in `folder`.
    pub(super) fn certifies(&self, name: &str, folder: &Path) -> [String; 2] {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let files = ["cert", "key"].map(|part| folder.join(format!("{name}.{part}.pem")));
        fs::write(&files[0], certificate.pem()).unwrap();
        fs::write(&files[1], key.serialize_pem()).unwrap();
        files.map(|file| file.to_str().unwrap().to_owned())
    }
}
