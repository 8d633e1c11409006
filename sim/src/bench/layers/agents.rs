//! An agent without some layer: what `innsyn_agent::run` puts together, less that.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::config::{Asks, Config};
use innsyn_agent::open_log;
use innsyn_agent::presence::{self, PresenceParts, Tunnelled, incoming, prove_gateway};
use innsyn_agent::service::{Answering, Service};
use innsyn_agent::sources::{Silent, SubjectsStore};
use innsyn_agent::uselog::{FsDisk, NoSync};
use innsyn_policy::Clock;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::tls::AgentTls;
use innsyn_proto::tunnel::{Accept as _, BoxedIo, TcpDialler, TcpRelayListener};
use innsyn_proto::wire::node::v1::node_service_server::NodeServiceServer;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;

use super::Layer;
use super::service::Reduced;

/// Where an agent without a relay says where it listens, beside its certificate.
pub(super) const ADDRESS_FILE: &str = "address";
/// Gateways that have proved who they are and wait to be served.
const ARRIVALS_MAX: usize = 16;
/// As the whole agent has it.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Runs an agent without some layers, until `stop`.
pub async fn run(
    config: Config,
    without: Vec<Layer>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut random: StdRng = rand::make_rng();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let log = if without.contains(&Layer::Log) {
        None
    } else {
        let disk = FsDisk::open(&config.use_log.folder)?;
        Some(Arc::new(if without.contains(&Layer::Sync) {
            open_log(&config, NoSync(disk), &mut random).await?
        } else {
            open_log(&config, disk, &mut random).await?
        }))
    };
    let subjects = if without.contains(&Layer::Decision) {
        None
    } else {
        let source = &config.source;
        let opened = SubjectsStore::open(
            source.source(),
            source.subject_key(&mut random)?,
            config.numbers,
            source.settings_max_age,
            Arc::clone(&clock),
            Arc::new(Silent),
        );
        Some(opened.await?)
    };
    let refreshing = subjects
        .as_ref()
        .map(|subjects| subjects.spawn_refresh(config.source.refresh, stop.clone()));
    let (register, rules) = (config.register.clone(), config.numbers.rules);
    let routes = match (&log, subjects) {
        (Some(log), Some(subjects)) if !without.contains(&Layer::Repeats) => {
            let gateways = config.gateways_that_ask(Asks::Listings);
            let caps = gateways.map(|gateway| (gateway.name.clone(), gateway.caps()));
            let log = Arc::clone(log);
            let answering = Answering::new(register, rules, subjects, log, clock.clone(), caps);
            Routes::new(Service::server(Arc::new(answering)))
        }
        (log, subjects) => Routes::new(NodeServiceServer::new(Reduced {
            register,
            rules,
            subjects,
            log: log.clone(),
            clock: Arc::clone(&clock),
        })),
    };
    let tls = AgentTls::load(&config.tls, &clock)?;
    if without.contains(&Layer::Relay) {
        let (arrivals, arrived) = mpsc::channel(ARRIVALS_MAX);
        let listening = listen(&config, tls, arrivals);
        tokio::select! {
            served = serve(routes, arrived, stop) => served?,
            listened = listening => listened?,
        }
    } else {
        let (arrivals, arrived) = mpsc::channel(ARRIVALS_MAX);
        let parts = PresenceParts {
            gateways: config.pinned()?,
            config: config.presence,
            tls,
            dialler: Arc::new(TcpDialler),
            seed: random.next_u64(),
            arrivals,
            status: watch::Sender::default(),
            counters: Arc::default(),
        };
        tokio::select! {
            served = serve(routes, arrived, stop.clone()) => served?,
            () = presence::keep(parts, stop) => {}
        }
    }
    if let Some(refreshing) = refreshing {
        refreshing.abort();
    }
    if let Some(log) = log {
        log.close().await;
    }
    Ok(())
}

/// Lets gateways in without a relay.
async fn listen(
    config: &Config,
    tls: AgentTls,
    arrivals: mpsc::Sender<Tunnelled<BoxedIo>>,
) -> anyhow::Result<()> {
    let mut listener = TcpRelayListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    announce(
        &config.tls.certificate.with_file_name(ADDRESS_FILE),
        listener.local_addr()?,
    )?;
    let gateways = config.pinned()?;
    loop {
        let (io, _) = listener.accept().await?;
        let gateway = prove_gateway(io, &tls, &gateways).await?;
        if arrivals.send(gateway).await.is_err() {
            return Ok(());
        }
    }
}

fn announce(file: &Path, address: SocketAddr) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, address.to_string())?;
    std::fs::rename(fresh, file)
}

/// Answers whoever has arrived.
async fn serve<I>(
    routes: Routes,
    arrived: mpsc::Receiver<Tunnelled<I>>,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let server = Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .add_routes(routes)
        .serve_with_incoming(incoming(arrived));
    // As in the whole agent, gateways' streams are cut rather than waited for.
    stop.run_until_cancelled(server).await.unwrap_or(Ok(()))
}
