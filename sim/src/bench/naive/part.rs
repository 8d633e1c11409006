//! The processes of the naive design: agents and gateway.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use futures::future::try_join_all;
use hyper_util::rt::TokioIo;
use innsyn_broker::enrolment;
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower::service_fn;

use super::wire::naive_agent_client::NaiveAgentClient;
use super::wire::naive_agent_server::{NaiveAgent, NaiveAgentServer};
use super::wire::naive_server::{Naive, NaiveServer};
use super::wire::{Asked, Found, Listed as NaiveListed};
use crate::caller::client_tls;

/// Persons that each agent knows.
pub(super) const PERSONS: u32 = 10_000;

/// A part of the naive design, as a process.
#[derive(Debug, Subcommand)]
pub enum NaivePart {
    /// All agents.
    Agents {
        /// How many.
        #[arg(long)]
        nodes: usize,
        #[command(flatten)]
        serving: Serving,
    },
    /// The gateway.
    Gateway {
        /// The files with the agents' addresses.
        #[arg(long, num_args = 1..)]
        agents: Vec<PathBuf>,
        #[command(flatten)]
        serving: Serving,
    },
}

/// How a part serves.
#[derive(Debug, Args)]
pub struct Serving {
    /// The folder with certificate and key.
    #[arg(long)]
    tls: PathBuf,
    /// The file to write the part's addresses to.
    #[arg(long)]
    out: PathBuf,
    /// Serve on all cores.
    #[arg(long)]
    all_cores: bool,
}

/// Runs a part until the process ends.
pub fn run(part: NaivePart) -> anyhow::Result<()> {
    let (NaivePart::Agents { serving, .. } | NaivePart::Gateway { serving, .. }) = &part;
    let mut runtime = if serving.all_cores {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    runtime.enable_all().build()?.block_on(async {
        match part {
            NaivePart::Agents { nodes, serving } => {
                let mut listeners = Vec::with_capacity(nodes);
                for _ in 0..nodes {
                    listeners.push(TcpListener::bind(("127.0.0.1", 0)).await?);
                }
                announce(&serving.out, &listeners)?;
                serve_agents(listeners, server_tls(&serving.tls)?).await
            }
            NaivePart::Gateway { agents, serving } => {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
                let agents = addresses(&agents)?;
                let ca = serving.tls.join(enrolment::RELAY_CA_FILE);
                let gateway = gateway(agents, client_tls(&ca)?).await?;
                announce(&serving.out, std::slice::from_ref(&listener))?;
                Server::builder()
                    .add_service(NaiveServer::new(gateway))
                    .serve_with_incoming(incoming(listener, server_tls(&serving.tls)?))
                    .await?;
                Ok(())
            }
        }
    })
}

fn announce(out: &Path, listeners: &[TcpListener]) -> anyhow::Result<()> {
    let mut text = String::new();
    for listener in listeners {
        text.push_str(&listener.local_addr()?.to_string());
        text.push('\n');
    }
    let fresh = out.with_extension("new");
    std::fs::write(&fresh, text)?;
    Ok(std::fs::rename(fresh, out)?)
}

/// The addresses in `files`, one on a line.
pub(super) fn addresses(files: &[PathBuf]) -> anyhow::Result<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file)?.lines() {
            addresses.push(line.parse()?);
        }
    }
    Ok(addresses)
}

fn server_tls(folder: &Path) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    use rustls_pki_types::pem::PemObject as _;
    let certificate =
        rustls_pki_types::CertificateDer::from_pem_file(folder.join(enrolment::CERTIFICATE_FILE))?;
    let key = rustls_pki_types::PrivateKeyDer::from_pem_file(folder.join(enrolment::KEY_FILE))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(tls))
}

/// Something with eleven digits that is nobody's number.
pub(super) fn id(number: u64) -> String {
    format!("{number:011}")
}

/// Connections that wait to be taken by the server.
const INCOMING_MAX: usize = 64;

/// One agent: a hash map behind a unary call.
struct Agent {
    registered: Arc<HashSet<String>>,
}

#[tonic::async_trait]
impl NaiveAgent for Agent {
    async fn find(&self, asked: Request<Asked>) -> Result<Response<Found>, Status> {
        let registered = self.registered.contains(&asked.into_inner().national_id);
        Ok(Response::new(Found {
            registered,
            since_day: 12_345,
        }))
    }
}

/// The gateway: one call to each agent, all at once.
struct Gateway {
    agents: Vec<NaiveAgentClient<Channel>>,
}

#[tonic::async_trait]
impl Naive for Gateway {
    async fn list(&self, asked: Request<Asked>) -> Result<Response<NaiveListed>, Status> {
        let asked = asked.into_inner();
        let calls = self.agents.iter().map(|agent| {
            let (mut agent, asked) = (agent.clone(), asked.clone());
            async move { agent.find(asked).await.map(Response::into_inner) }
        });
        Ok(Response::new(NaiveListed {
            found: try_join_all(calls).await?,
        }))
    }
}

/// Serves one agent on each of `listeners`, until the process ends.
async fn serve_agents(
    listeners: Vec<TcpListener>,
    tls: Arc<rustls::ServerConfig>,
) -> anyhow::Result<()> {
    let registered: Arc<HashSet<String>> = Arc::new((0..u64::from(PERSONS)).map(id).collect());
    let serve = |listener| {
        Server::builder()
            .add_service(NaiveAgentServer::new(Agent {
                registered: Arc::clone(&registered),
            }))
            .serve_with_incoming(incoming(listener, Arc::clone(&tls)))
    };
    try_join_all(listeners.into_iter().map(serve)).await?;
    Ok(())
}

/// A gateway with a kept connection to each of `agents`.
async fn gateway(
    agents: Vec<SocketAddr>,
    tls: Arc<rustls::ClientConfig>,
) -> anyhow::Result<Gateway> {
    let channels = agents
        .into_iter()
        .map(|agent| connect(agent, Arc::clone(&tls)));
    let agents = try_join_all(channels)
        .await?
        .into_iter()
        .map(NaiveAgentClient::new)
        .collect();
    Ok(Gateway { agents })
}

/// A TLS channel to `address`, whose certificate must be for `localhost`.
pub(super) async fn connect(
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
) -> anyhow::Result<Channel> {
    let connector = TlsConnector::from(tls);
    Endpoint::from_static("http://localhost")
        .connect_with_connector(service_fn(move |_| {
            let connector = connector.clone();
            async move {
                let tcp = TcpStream::connect(address).await?;
                tcp.set_nodelay(true)?;
                let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
                connector.connect(name, tcp).await.map(TokioIo::new)
            }
        }))
        .await
        .with_context(|| format!("cannot connect to {address}"))
}

type Incoming = ReceiverStream<std::io::Result<tokio_rustls::server::TlsStream<TcpStream>>>;

/// TLS connections, each with its handshake in a task of its own.
fn incoming(listener: TcpListener, tls: Arc<rustls::ServerConfig>) -> Incoming {
    let acceptor = TlsAcceptor::from(tls);
    let (accepted, incoming) = mpsc::channel(INCOMING_MAX);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
            tokio::spawn(async move {
                let nodelay = tcp.set_nodelay(true);
                if let (Ok(()), Ok(tls)) = (nodelay, acceptor.accept(tcp).await) {
                    let _server_gone = accepted.send(Ok(tls)).await;
                }
            });
        }
    });
    ReceiverStream::new(incoming)
}
