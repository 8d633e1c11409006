//! The design that one would write first, to compare with: a tonic server that makes one unary
//! TLS call to every agent for every listing.
//!
//! Connections are kept, `TCP_NODELAY` is on, TLS 1.3 with server certificates on both hops.
//! There is no tunnel, no log, no token and no decision: everything that would cost is left out.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use futures::future::try_join_all;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower::service_fn;

#[allow(
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub(super) mod wire {
    tonic::include_proto!("innsyn.sim.naive");
}

use wire::naive_agent_client::NaiveAgentClient;
use wire::naive_agent_server::{NaiveAgent, NaiveAgentServer};
use wire::naive_server::{Naive, NaiveServer};
use wire::{Asked, Found, Listed};

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
    async fn list(&self, asked: Request<Asked>) -> Result<Response<Listed>, Status> {
        let asked = asked.into_inner();
        let calls = self.agents.iter().map(|agent| {
            let (mut agent, asked) = (agent.clone(), asked.clone());
            async move { agent.find(asked).await.map(Response::into_inner) }
        });
        Ok(Response::new(Listed {
            found: try_join_all(calls).await?,
        }))
    }
}

/// Serves one agent on each of `listeners`, until the process ends.
pub(super) async fn serve_agents(
    listeners: Vec<TcpListener>,
    tls: Arc<rustls::ServerConfig>,
    registered: Arc<HashSet<String>>,
) -> anyhow::Result<()> {
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

/// Serves the gateway on `listener`, over connections to `agents`, until the process ends.
pub(super) async fn serve_gateway(
    listener: TcpListener,
    server_tls: Arc<rustls::ServerConfig>,
    agents: Vec<SocketAddr>,
    client_tls: Arc<rustls::ClientConfig>,
) -> anyhow::Result<()> {
    let channels = agents
        .into_iter()
        .map(|agent| connect(agent, Arc::clone(&client_tls)));
    let agents = try_join_all(channels)
        .await?
        .into_iter()
        .map(NaiveAgentClient::new)
        .collect();
    Server::builder()
        .add_service(NaiveServer::new(Gateway { agents }))
        .serve_with_incoming(incoming(listener, server_tls))
        .await?;
    Ok(())
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
