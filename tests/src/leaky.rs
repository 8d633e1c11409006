//! A broker that leaks, for the tests that must catch one: relay and gateway share a process, and
//! the gateway logs what it asks and what it is told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use innsyn_broker::catalog::Catalogue;
use innsyn_broker::config::Config;
use innsyn_broker::gateway::everyone::Everyone;
use innsyn_broker::gateway::fanout::{AskEveryRegister, Fanout, Readiness, Updates};
use innsyn_broker::gateway::link::{self, Beside, Link};
use innsyn_broker::gateway::reach::ThroughRelays;
use innsyn_broker::gateway::{CitizenFace, CitizenFaceParts, CitizenMetrics, router, serve};
use innsyn_policy::{Clock, RegisterId, Request};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use innsyn_proto::tls::GatewayTls;
use innsyn_proto::tunnel::TcpDialler;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Run relay and gateway in one process, and log what they are asked.
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {
    /// The relay's configuration file.
    #[arg(long)]
    relay: PathBuf,
    /// The gateway's configuration file.
    #[arg(long)]
    gateway: PathBuf,
}

/// Says what the fan-out behind it does.
struct Leaky(Fanout);

impl AskEveryRegister for Leaky {
    fn list(&self, request: Request, deadline: Duration) -> Updates {
        tracing::debug!(subject = request.subject.expose_str(), "listing");
        let updates = self.0.list(request, deadline);
        let updates = updates.inspect(|update| tracing::debug!(?update.use_log_leaf, "answer"));
        Box::pin(updates)
    }

    fn readiness(&self) -> Readiness {
        self.0.readiness()
    }
}

/// Nobody looks at the heads of logs here.
struct Nothing;

impl Beside for Nothing {
    fn beside(&self, _register: RegisterId, _channel: Channel) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Runs until it is killed.
pub(crate) fn main(args: &Args) -> anyhow::Result<()> {
    let relay = Config::load(&args.relay)?;
    let gateway = Config::load(&args.gateway)?;
    telemetry::start(&gateway.telemetry)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let stop = CancellationToken::new();
        let relay = innsyn_broker::run(relay, Arc::clone(&clock), axum::Router::new(), stop);
        tokio::try_join!(Box::pin(relay), serve_gateway(gateway, &clock))?;
        Ok(())
    })
}

async fn serve_gateway(config: Config, clock: &Arc<dyn Clock>) -> anyhow::Result<()> {
    let Some((config, federation)) = config.citizen_gateway else {
        anyhow::bail!("there is no gateway in the configuration");
    };
    let catalogue = Arc::new(Catalogue::load(&config.catalogue)?);
    let tls = GatewayTls::load(&federation.tls, clock)?;
    let reach = Arc::new(ThroughRelays::new(
        Arc::new(TcpDialler),
        federation.relays,
        tls,
    ));
    let stop = CancellationToken::new();
    let entries = catalogue.entries().iter().enumerate();
    let links = entries.map(|(position, entry)| {
        let link = Link::new(position, entry.register.id.clone());
        let (reach, beside) = (reach.clone(), Arc::new(Nothing));
        tokio::spawn(link::run(link.clone(), reach, beside, 1, stop.clone()));
        Some(link)
    });
    let links: Arc<[_]> = links.collect();
    let everyone = Everyone::new(Arc::clone(&catalogue), Arc::clone(&links));
    let registers = Fanout::new(Arc::clone(&catalogue), links, Arc::clone(clock), [1; 32]);
    let tokens = Arc::new(config.open_verifier(Arc::clone(clock)).await?);
    let metrics = Arc::new(CitizenMetrics::register(&mut Registry::default()));
    let (listen, limits) = (config.listen, config.limits);
    let registers = Arc::new(Leaky(registers));
    let clock = Arc::clone(clock);
    let face = CitizenFace::new(CitizenFaceParts {
        config,
        catalogue,
        registers,
        everyone,
        settings: None,
        tokens,
        clock,
        metrics,
    });
    let routes = router(face, Arc::new(Registry::default()), axum::Router::new());
    let listener = serve::bind(listen).await?;
    serve::serve(listener, routes, None, limits, stop).await;
    Ok(())
}
