//! The design that one would write first, to compare with: a tonic server that makes one unary
//! TLS call to every agent for every listing.
//!
//! Connections are kept, `TCP_NODELAY` is on, TLS 1.3 with server certificates on both hops.
//! There is no tunnel, no log, no token and no decision: everything that would cost is left out.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use futures::future::{BoxFuture, try_join_all};
use hyper_util::rt::TokioIo;
use innsyn_broker::enrolment;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::identity::Identity;
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower::service_fn;

use crate::caller::client_tls;
use crate::load::{Listed, MakeListing};
use crate::processes::{Part, Starter};

#[allow(
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
mod wire {
    tonic::include_proto!("innsyn.sim.naive");
}

use wire::naive_agent_client::NaiveAgentClient;
use wire::naive_agent_server::{NaiveAgent, NaiveAgentServer};
use wire::naive_client::NaiveClient;
use wire::naive_server::{Naive, NaiveServer};
use wire::{Asked, Found, Listed as NaiveListed};

/// Persons that each agent knows.
const PERSONS: u32 = 10_000;
/// Days that the certificates are valid.
const CERTIFICATE_DAYS: u32 = 2;

/// A part of the naive design, as a process.
#[derive(Debug, Subcommand)]
pub enum NaivePart {
    /// All agents.
    Agents {
        /// How many.
        #[arg(long)]
        nodes: usize,
        /// The folder with certificate and key.
        #[arg(long)]
        tls: PathBuf,
        /// The file to write the agents' addresses to.
        #[arg(long)]
        out: PathBuf,
        /// Serve on all cores.
        #[arg(long)]
        all_cores: bool,
    },
    /// The gateway.
    Gateway {
        /// The file with the agents' addresses.
        #[arg(long)]
        agents: PathBuf,
        /// The folder with certificate and key.
        #[arg(long)]
        tls: PathBuf,
        /// The file to write its address to.
        #[arg(long)]
        out: PathBuf,
        /// Serve on all cores.
        #[arg(long)]
        all_cores: bool,
    },
}

/// Runs a part until the process ends.
pub fn run(part: NaivePart) -> anyhow::Result<()> {
    let (NaivePart::Agents { all_cores, .. } | NaivePart::Gateway { all_cores, .. }) = &part;
    let mut runtime = if *all_cores {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    runtime.enable_all().build()?.block_on(async {
        match part {
            NaivePart::Agents {
                nodes, tls, out, ..
            } => {
                let mut listeners = Vec::with_capacity(nodes);
                for _ in 0..nodes {
                    listeners.push(TcpListener::bind(("127.0.0.1", 0)).await?);
                }
                announce(&out, &listeners)?;
                serve_agents(listeners, server_tls(&tls)?).await
            }
            NaivePart::Gateway {
                agents, tls, out, ..
            } => {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
                let agents = addresses(&agents)?;
                let ca = tls.join(enrolment::RELAY_CA_FILE);
                let gateway = gateway(agents, client_tls(&ca)?).await?;
                announce(&out, std::slice::from_ref(&listener))?;
                Server::builder()
                    .add_service(NaiveServer::new(gateway))
                    .serve_with_incoming(incoming(listener, server_tls(&tls)?))
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

fn addresses(file: &Path) -> anyhow::Result<Vec<SocketAddr>> {
    let text = std::fs::read_to_string(file)?;
    text.lines().map(|line| Ok(line.parse()?)).collect()
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

/// How a part is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runtime {
    OneThread,
    AllCores,
}

impl Runtime {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OneThread => "one thread",
            Self::AllCores => "all cores",
        }
    }
}

/// The naive design, up, once on each runtime.
pub(super) struct NaiveFederation {
    pub(super) nodes: usize,
    one_thread: Up,
    all_cores: Up,
    ca: PathBuf,
}

struct Up {
    gateway: Part,
    agents: Part,
    address: SocketAddr,
}

impl NaiveFederation {
    pub(super) async fn start(folder: &Path, nodes: usize) -> anyhow::Result<Self> {
        let folder = folder.join("naive");
        let (ca, tls) = (folder.join("ca"), folder.join("tls"));
        enrolment::init(&ca, &SystemClock)?;
        let identity = Identity::Relay("naive".parse()?);
        let hosts = ["localhost".to_owned()];
        enrolment::issue(&ca, &identity, &hosts, CERTIFICATE_DAYS, &tls, &SystemClock)?;
        Ok(Self {
            nodes,
            one_thread: Up::start(&folder, &tls, nodes, Runtime::OneThread).await?,
            all_cores: Up::start(&folder, &tls, nodes, Runtime::AllCores).await?,
            ca: ca.join(enrolment::RELAY_CA_FILE),
        })
    }

    fn up(&self, runtime: Runtime) -> &Up {
        match runtime {
            Runtime::OneThread => &self.one_thread,
            Runtime::AllCores => &self.all_cores,
        }
    }

    /// Gateway and agents.
    pub(super) fn parts(&self, runtime: Runtime) -> (&Part, &Part) {
        let up = self.up(runtime);
        (&up.gateway, &up.agents)
    }

    pub(super) async fn caller(&self, runtime: Runtime) -> anyhow::Result<NaiveCaller> {
        let channel = connect(self.up(runtime).address, client_tls(&self.ca)?).await?;
        Ok(NaiveCaller {
            client: NaiveClient::new(channel),
            nodes: self.nodes,
        })
    }
}

impl Up {
    async fn start(
        folder: &Path,
        tls: &Path,
        nodes: usize,
        runtime: Runtime,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(runtime.name().replace(' ', "-"));
        std::fs::create_dir_all(&folder)?;
        let starter = Starter::this_program()?;
        let (agents_file, gateway_file) = (folder.join("agents"), folder.join("gateway"));
        let (agents_out, gateway_out) = (
            agents_file.to_string_lossy(),
            gateway_file.to_string_lossy(),
        );
        let tls = tls.to_string_lossy();
        let nodes = nodes.to_string();
        let all_cores: &[&str] = match runtime {
            Runtime::OneThread => &[],
            Runtime::AllCores => &["--all-cores"],
        };
        let log = folder.join("log.txt");
        let args = [
            "agents",
            "--nodes",
            &nodes,
            "--tls",
            &tls,
            "--out",
            &agents_out,
        ];
        let mut agents = starter.naive("naive agents", &[&args, all_cores].concat(), &log)?;
        wait_for(&agents_file, &mut agents).await?;
        let args = [
            "gateway",
            "--agents",
            &agents_out,
            "--tls",
            &tls,
            "--out",
            &gateway_out,
        ];
        let mut gateway = starter.naive("naive gateway", &[&args, all_cores].concat(), &log)?;
        wait_for(&gateway_file, &mut gateway).await?;
        let address = *addresses(&gateway_file)?.first().context("no address")?;
        Ok(Self {
            gateway,
            agents,
            address,
        })
    }
}

async fn wait_for(file: &Path, part: &mut Part) -> anyhow::Result<()> {
    let ends = Instant::now() + Duration::from_secs(30);
    while !file.exists() {
        anyhow::ensure!(!part.has_ended(), "{} ended; its log says why", part.name);
        anyhow::ensure!(Instant::now() < ends, "{} does not start", part.name);
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Asks the naive gateway.
pub(super) struct NaiveCaller {
    client: NaiveClient<Channel>,
    nodes: usize,
}

impl MakeListing for NaiveCaller {
    fn listing(&self, number: u64) -> BoxFuture<'_, anyhow::Result<Listed>> {
        Box::pin(async move {
            let asked = Asked {
                national_id: id(number % u64::from(2 * PERSONS)),
            };
            let listed = self.client.clone().list(asked).await?.into_inner();
            anyhow::ensure!(listed.found.len() == self.nodes, "not every agent answered");
            Ok(Listed {
                complete: true,
                ..Listed::default()
            })
        })
    }
}

/// Something with eleven digits that is nobody's number.
fn id(number: u64) -> String {
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
async fn connect(address: SocketAddr, tls: Arc<rustls::ClientConfig>) -> anyhow::Result<Channel> {
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
