//! Runs the roles that a configuration names, until told to stop.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use futures::future::BoxFuture;
use innsyn_policy::Clock;
use innsyn_proto::head::HeadSigner;
use innsyn_proto::identity::Identity;
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::tls::GatewayTls;
use innsyn_proto::tunnel::{Dial, TcpDialler, TcpRelayListener};
use prometheus_client::registry::Registry;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::Catalogue;
use crate::config::{Config, FederationConfig};
use crate::gateway::config::Limits;
use crate::gateway::everyone::Everyone;
use crate::gateway::fanout::Fanout;
use crate::gateway::link::{self, AllBeside, Beside, Link, Reach};
use crate::gateway::notification::TellLinks;
use crate::gateway::reach::ThroughRelays;
use crate::gateway::settings::{GatewaySettings, Heartbeats, Outbox, Sending, SettingsParts};
use crate::gateway::token::VerifyToken;
use crate::gateway::witness::{Rounds, Witness, WitnessLinks, http_face};
use crate::gateway::{
    CitizenFace, CitizenFaceParts, CitizenGatewayConfig, CitizenMetrics, router, serve, uses,
};
use crate::relay::{Relay, RelayConfig};
use crate::relay_status;
use crate::research::desk::ReleaseDesk;
use crate::research::{self, ResearchFace, ResearchGatewayConfig, ResearchParts};

/// Runs `config` until `shutdown`. `extra` are routes that an embedder adds to the gateway's.
///
/// Boxed, so that all of it is compiled here and not again in whoever calls it.
pub fn run(
    config: Config,
    clock: Arc<dyn Clock>,
    extra: Router,
    shutdown: CancellationToken,
) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(run_roles(config, clock, extra, shutdown))
}

async fn run_roles(
    config: Config,
    clock: Arc<dyn Clock>,
    extra: Router,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let roles = TaskTracker::new();
    let is_gateway = config.citizen_gateway.is_some() || config.research_gateway.is_some();
    if config.relay.is_some() && is_gateway {
        tracing::warn!("relay and gateway share this process: the relay is not blind");
    }
    if let Some(relay) = config.relay {
        start_relay(relay, &clock, &roles, &shutdown).await?;
    }
    if let Some((gateway, federation)) = config.citizen_gateway {
        start_gateway(gateway, federation, &clock, extra, &roles, &shutdown).await?;
    }
    if let Some((gateway, federation)) = config.research_gateway {
        start_research_gateway(gateway, federation, &clock, &roles, &shutdown).await?;
    }
    roles.close();
    roles.wait().await;
    Ok(())
}

async fn start_relay(
    config: RelayConfig,
    clock: &Arc<dyn Clock>,
    roles: &TaskTracker,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let (listen, status_listen) = (config.listen, config.status_listen);
    let mailbox = match &config.mailbox {
        Some(mailbox) => Some(mailbox.open().await.context("the relay's mailbox")?),
        None => None,
    };
    let mut relay = Relay::new(config, clock)?;
    if let Some(mailbox) = mailbox {
        relay = relay.with_mailbox(mailbox);
    }
    let listener = TcpRelayListener::bind(listen)
        .with_context(|| format!("the relay cannot listen on {listen}"))?;
    if let Some(status_listen) = status_listen {
        let status = TcpListener::bind(status_listen)
            .await
            .with_context(|| format!("the relay's status cannot be served on {status_listen}"))?;
        let routes = relay_status::router(relay.metrics());
        let shutdown = shutdown.clone().cancelled_owned();
        roles.spawn(async move {
            let served = axum::serve(status, routes)
                .with_graceful_shutdown(shutdown)
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "relay status ended");
            }
        });
    }
    tracing::info!(listen = %listener.local_addr()?, "relay ready");
    roles.spawn(relay.serve(listener, shutdown.clone()));
    Ok(())
}

async fn start_gateway(
    config: CitizenGatewayConfig,
    federation: FederationConfig,
    clock: &Arc<dyn Clock>,
    extra: Router,
    roles: &TaskTracker,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let tls = GatewayTls::load(&federation.tls, clock)?;
    let parts = GatewayParts {
        reach: Arc::new(ThroughRelays::new(
            Arc::new(TcpDialler),
            federation.relays.clone(),
            tls.clone(),
        )),
        dialler: Arc::new(TcpDialler),
        tokens: Arc::new(config.open_verifier(Arc::clone(clock)).await?),
        clock: Arc::clone(clock),
        tls,
        extra,
    };
    start_gateway_of(parts, config, federation, roles, shutdown).await
}

async fn start_research_gateway(
    config: ResearchGatewayConfig,
    federation: FederationConfig,
    clock: &Arc<dyn Clock>,
    roles: &TaskTracker,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let parts = open_research_parts(&config, federation, clock).await?;
    start_research_gateway_of(parts, config, roles, shutdown).await
}

/// What a research gateway of this configuration is put together from.
pub async fn open_research_parts(
    config: &ResearchGatewayConfig,
    federation: FederationConfig,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<ResearchParts> {
    let tls = GatewayTls::load(&federation.tls, clock)?;
    Ok(ResearchParts {
        catalogue: Catalogue::load(&config.catalogue)?,
        reach: Arc::new(ThroughRelays::new(
            Arc::new(TcpDialler),
            federation.relays,
            tls,
        )),
        tokens: config.open_verifier(Arc::clone(clock)).await?,
        permits: config.open_permit_issuers()?,
        desk: ReleaseDesk::REAL,
        ledger: config.ledger.open().await?,
        clock: Arc::clone(clock),
        random: rand::make_rng(),
    })
}

/// Runs a research gateway that an embedder has put together, until `shutdown`.
pub fn run_research_gateway(
    parts: ResearchParts,
    config: ResearchGatewayConfig,
    shutdown: CancellationToken,
) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(async move {
        let roles = TaskTracker::new();
        start_research_gateway_of(parts, config, &roles, &shutdown).await?;
        roles.close();
        roles.wait().await;
        Ok(())
    })
}

async fn start_research_gateway_of(
    parts: ResearchParts,
    config: ResearchGatewayConfig,
    roles: &TaskTracker,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let listen = config.listen;
    let limits = Limits {
        connections_max: config.connections_max,
        ..Limits::default()
    };
    let acceptor = config.tls.as_ref().map(serve::tls).transpose()?;
    let face = ResearchFace::new(config, parts);
    let listener = serve::bind(listen)
        .await
        .with_context(|| format!("the research gateway cannot listen on {listen}"))?;
    tracing::info!(%listen, "research gateway ready");
    let routes = research::router(Arc::clone(&face));
    roles.spawn(serve::serve(
        listener,
        routes,
        acceptor,
        limits,
        shutdown.clone(),
    ));
    let shutdown = shutdown.clone();
    roles.spawn(async move { face.keep_fresh(shutdown).await });
    Ok(())
}

/// What a citizen gateway is put together from, beside its configuration.
pub struct GatewayParts {
    /// Who it is.
    pub tls: GatewayTls,
    /// How agents are reached.
    pub reach: Arc<dyn Reach>,
    /// How relays are, for their mailboxes.
    pub dialler: Arc<dyn Dial>,
    /// Who knows a good token.
    pub tokens: Arc<dyn VerifyToken>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Routes beside the gateway's own.
    pub extra: Router,
}

impl std::fmt::Debug for GatewayParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayParts").finish_non_exhaustive()
    }
}

/// Runs a citizen gateway that an embedder has put together, until `shutdown`.
pub fn run_gateway(
    parts: GatewayParts,
    config: CitizenGatewayConfig,
    federation: FederationConfig,
    shutdown: CancellationToken,
) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(async move {
        let roles = TaskTracker::new();
        start_gateway_of(parts, config, federation, &roles, &shutdown).await?;
        roles.close();
        roles.wait().await;
        Ok(())
    })
}

async fn start_gateway_of(
    parts: GatewayParts,
    config: CitizenGatewayConfig,
    federation: FederationConfig,
    roles: &TaskTracker,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let GatewayParts {
        tls,
        reach,
        dialler,
        tokens,
        clock,
        extra,
    } = parts;
    let catalogue = Arc::new(Catalogue::load(&config.catalogue)?);
    let witness = own_witness(&federation, &tls, &clock)?;
    let teller = config.notification.as_ref();
    let witness_and_tell = TellLinks {
        first: Arc::new(WitnessLinks(Arc::clone(&witness))),
        teller: teller
            .map(|section| section.open(config.number_rules))
            .transpose()?,
    };
    let mut random: StdRng = rand::make_rng();
    let links = links_to(&catalogue);
    let settings = gateway_settings(&config, &federation, &links, &tls, &clock).await?;
    let mut beside: Vec<Arc<dyn Beside>> = vec![Arc::new(witness_and_tell)];
    if let Some(settings) = &settings {
        beside.push(Arc::new(Heartbeats(Arc::clone(settings))));
        let sending = Sending {
            relays: federation.relays.clone(),
            dialler,
            tls: Arc::clone(&tls.outer),
        };
        roles.spawn(sending.run(Arc::clone(settings), shutdown.clone()));
    }
    let beside: Arc<dyn Beside> = Arc::new(AllBeside(beside));
    for link in links.iter().flatten() {
        roles.spawn(link::run(
            Arc::clone(link),
            Arc::clone(&reach),
            Arc::clone(&beside),
            random.next_u64(),
            shutdown.clone(),
        ));
    }
    let rounds = Rounds::new(&config.witnesses, Arc::clone(&witness), Arc::clone(&links))?;
    roles.spawn(rounds.run(shutdown.clone()));
    let mut seed = [0; 32];
    random.fill_bytes(&mut seed);
    let registers = Arc::new(Fanout::new(
        Arc::clone(&catalogue),
        Arc::clone(&links),
        Arc::clone(&clock),
        seed,
    ));
    let everyone = Everyone::new(Arc::clone(&catalogue), links);
    let mut registry = Registry::default();
    let metrics = Arc::new(CitizenMetrics::register(&mut registry));
    let (listen, limits) = (config.listen, config.limits);
    let acceptor = config.tls.as_ref().map(serve::tls).transpose()?;
    let face = CitizenFace::new(CitizenFaceParts {
        config,
        catalogue,
        registers,
        everyone,
        settings,
        tokens,
        clock,
        metrics,
    });
    let extra = extra
        .merge(http_face::router(Arc::clone(&witness)))
        .merge(uses::routes(
            Arc::clone(&face),
            witness,
            StdRng::from_rng(&mut random),
        ));
    let routes = router(face, Arc::new(registry), extra);
    let listener = serve::bind(listen)
        .await
        .with_context(|| format!("the citizen gateway cannot listen on {listen}"))?;
    tracing::info!(%listen, "citizen gateway ready");
    roles.spawn(serve::serve(
        listener,
        routes,
        acceptor,
        limits,
        shutdown.clone(),
    ));
    Ok(())
}

/// This gateway as a witness, and its keys in the log for those who configure others.
fn own_witness(
    federation: &FederationConfig,
    tls: &GatewayTls,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<Witness>> {
    let signer = head_signer(&federation.head_key, tls)?;
    let witness = Witness::new(&federation.heads, signer, Arc::clone(clock))?;
    tracing::info!(
        gateway.name = %tls.certificate.identity,
        gateway.pin = %tls.certificate.pin,
        gateway.head_key = witness.public_key(),
        gateway.witness_key = witness.key()?.text(),
        "gateway identity"
    );
    Ok(Arc::new(witness))
}

/// A link to each register of the catalogue that is asked.
fn links_to(catalogue: &Catalogue) -> Arc<[Option<Arc<Link>>]> {
    let entries = catalogue.entries().iter().enumerate();
    entries
        .map(|(position, entry)| {
            let is_asked = entry.fixed_outcome().is_none();
            is_asked.then(|| Link::new(position, entry.register.id.clone()))
        })
        .collect()
}

/// What takes changes of settings, if they are offered.
async fn gateway_settings(
    config: &CitizenGatewayConfig,
    federation: &FederationConfig,
    links: &[Option<Arc<Link>>],
    tls: &GatewayTls,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<GatewaySettings>>> {
    let Some(section) = &config.settings else {
        return Ok(None);
    };
    let Identity::Gateway(gateway) = &tls.certificate.identity else {
        anyhow::bail!("`{}` is no gateway", tls.certificate.identity);
    };
    let definitions = SettingDefinitions::load(&section.definitions)?;
    let registers = links.iter().flatten().map(|link| link.register().clone());
    let settings = GatewaySettings::open(SettingsParts {
        definitions: Arc::new(definitions),
        gateway: gateway.clone(),
        signer: head_signer(&federation.head_key, tls)?,
        registers: registers.collect(),
        outbox: Outbox::open(&section.outbox).await?,
        clock: Arc::clone(clock),
        random: rand::make_rng(),
    });
    Ok(Some(settings.await?))
}

/// Reads the key that countersigns heads; makes it if it is not there.
fn head_signer(path: &Path, tls: &GatewayTls) -> anyhow::Result<HeadSigner> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::read_to_string(path) {
        Ok(text) => HeadSigner::parse(&text)
            .with_context(|| format!("`{}` holds no key for heads", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            rand::rng().fill_bytes(&mut seed);
            let text = HeadSigner::secret_from_seed(&tls.certificate.identity.to_string(), seed)?;
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .and_then(|mut file| {
                    file.write_all(text.as_bytes())
                        .and_then(|()| file.sync_all())
                })
                .with_context(|| format!("`{}` cannot be written", path.display()))?;
            Ok(HeadSigner::parse(&text)?)
        }
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", path.display())),
    }
}
