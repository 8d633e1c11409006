//! Puts an agent together and runs it until it is told to stop.

mod citizens;
mod dialogs;
mod personvern;

use std::sync::Arc;

use anyhow::Context as _;
use futures::future::{BoxFuture, OptionFuture, join_all};
use innsyn_policy::{Clock, NationalId};
use innsyn_proto::identity::Identity;
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::tls::AgentTls;
use innsyn_proto::tunnel::Dial;
use innsyn_proto::wire::node::v1::compute_service_server::ComputeServiceServer;
use innsyn_proto::wire::node::v1::uses_service_server::UsesServiceServer;
use innsyn_proto::wire::node::v1::witness_service_server::WitnessServiceServer;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::cases;
use crate::config::{Asks, Config, RecordsSection};
use crate::exchange::{self, Exchange};
use crate::presence::{self, PresenceCounters, PresenceParts, PresenceStatus};
use crate::pvk::{self, Pvk};
use crate::records::Records;
use crate::research::Publisher;
use crate::research::compute::{
    Compute, Computing, ComputingParts, Countable, CountedRecords, CurrentData,
};
use crate::service::{Answering, Service};
use crate::settings::keeper::{Keeper, KeeperParts};
use crate::settings::representing::Representing;
use crate::settings::{self, Currency, KeptSettings, collecting};
use crate::sources::{Progress, SubjectsStore};
use crate::status;
use crate::subjects::SubjectKey;
use crate::uselog::{self, Disk, FsDisk, LogKeys, UseLog, UseLogConfig};
use crate::uses::{Reading, ReadingParts, Uses};
use crate::witness::{self, Witness};
use citizens::{commands, insight};
use dialogs::{cases_face, exchange, open_cases, sealed_cases};

/// Gateways that have proved who they are and wait to be served.
const ARRIVALS_MAX: usize = 16;
/// How often an idle gateway is asked whether it is there, and how long it may take.
const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(20);

/// Runs an agent until `shutdown`: reads the source, opens the log, and only then becomes
/// reachable. Relays are dialled with `dialler`; `progress` shows how far the reading is.
///
/// Boxed, so that all of it is compiled here and not again in whoever calls it.
pub fn run(
    config: Config,
    dialler: Arc<dyn Dial>,
    clock: Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
    shutdown: CancellationToken,
) -> BoxFuture<'static, anyhow::Result<()>> {
    let counting = std::convert::identity;
    Box::pin(run_agent(
        config, counting, dialler, clock, progress, shutdown,
    ))
}

/// Makes of what is published what is counted. A seam: what is put together as a production agent
/// counts what is published and has no way to another.
pub type Counting = fn(Arc<dyn Countable>) -> Arc<dyn Countable>;

/// Runs an agent that counts what `counting` makes of what is published, for an embedder.
pub fn run_counting(
    config: Config,
    counting: Counting,
    dialler: Arc<dyn Dial>,
    clock: Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
    shutdown: CancellationToken,
) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(run_agent(
        config, counting, dialler, clock, progress, shutdown,
    ))
}

async fn run_agent(
    config: Config,
    counting: Counting,
    dialler: Arc<dyn Dial>,
    clock: Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let mut random: StdRng = rand::make_rng();
    let tls = own_tls(&config, &clock)?;
    let log = Arc::new(log_on_disk(&config, &mut random).await?);
    let records = open_records(&config, &mut random).await?;
    let key = Arc::new(config.source.subject_key(&mut random)?);
    let (kept, subjects) = subjects(&config, &key, &records, &clock, progress).await?;
    let refreshing = subjects.spawn_refresh(config.source.refresh, shutdown.clone());

    let pvk_standing = personvern::standing(&config, &kept, &records);
    let answering = answering(&config, &subjects, &log, &clock);
    let keeper = keeper(&config, kept, &records, &log, &clock);
    let (presence_status, presence_seen) = watch::channel(PresenceStatus::default());
    let counters = Arc::new(PresenceCounters::default());
    if let Some(listen) = config.status_listen {
        let parts = status::Parts {
            answering: Arc::clone(&answering),
            subjects: Arc::clone(&subjects),
            presence: presence_seen,
            counters: Arc::clone(&counters),
            settings: config.settings.is_some().then(|| Arc::clone(&keeper)),
            pvk: pvk_standing.clone(),
        };
        status::serve(listen, parts, shutdown.clone()).await?;
    }
    let publishing = publish(&config, &subjects, shutdown.clone()).await?;
    let compute = compute(&config, counting, &subjects, &log, &clock, &mut random)?;
    let reading = reading(&config, &subjects, &log, &records, &clock);
    let beside = (&keeper, &reading);
    let cases = open_cases(&config, &records, &log, &clock, &mut random, beside);
    let clerk = cases.spawn_clerk(shutdown.clone());
    let sealed = sealed_cases(&config, &cases);
    let collecting = collecting::spawn(
        (&keeper, &sealed),
        config.mailboxes(),
        &dialler,
        &tls,
        random.next_u64(),
        &shutdown,
    );
    let pvk = personvern::start(
        &config,
        &keeper,
        pvk_standing,
        &clock,
        &mut random,
        &shutdown,
    )
    .await?;
    let commands = commands(&config, &keeper, &mut random, &shutdown)?;
    let exchange = exchange(&config, &records, &cases, &clock, &mut random, &shutdown).await?;

    let (arrivals, arrived) = mpsc::channel(ARRIVALS_MAX);
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .add_service(Service::server(answering))
        .add_service(settings::service::Service::server(keeper, sealed))
        .add_service(cases_face(&config, cases))
        .add_optional_service(compute)
        .add_service(insight(&config, &key, &log, &clock))
        .add_service(uses(&config, reading))
        .add_service(witness(&config, &log, &records, &clock))
        .serve_with_incoming_shutdown(
            presence::incoming(arrived),
            shutdown.clone().cancelled_owned(),
        );
    let serving = tokio::spawn(serving);
    tracing::info!(
        register.id = %config.register.id,
        persons = subjects.status().report.persons,
        uselog.key = log.public_key(),
        "agent ready"
    );
    presence::keep(
        PresenceParts {
            gateways: config.pinned()?,
            config: config.presence,
            tls,
            dialler,
            seed: random.next_u64(),
            arrivals,
            status: presence_status,
            counters,
        },
        shutdown.clone(),
    )
    .await;
    // Told to stop: gateways' streams are cut rather than waited for; what was begun is logged,
    // and what was not answered is asked again elsewhere or when we are back.
    serving.abort();
    let _ended = tokio::join!(serving, clerk, join_all(commands));
    refreshing.abort();
    let _ended = join_all(collecting).await;
    if let Some(publishing) = publishing {
        publishing.abort();
    }
    OptionFuture::from(exchange.map(Exchange::left)).await;
    OptionFuture::from(pvk.map(Pvk::left)).await;
    log.close().await;
    records.close().await;
    tracing::info!("agent ended");
    Ok(())
}

/// The log of use in its folder.
async fn log_on_disk(config: &Config, random: &mut StdRng) -> anyhow::Result<UseLog> {
    let disk = FsDisk::open(&config.use_log.folder)
        .with_context(|| format!("the log's folder `{}`", config.use_log.folder.display()))?;
    open_log(config, disk, random).await
}

/// The agent's certificate, which must be its register's.
fn own_tls(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<AgentTls> {
    let tls = AgentTls::load(&config.tls, clock)?;
    let node = Identity::Node(config.register.id.clone());
    anyhow::ensure!(
        tls.certificate.identity == node,
        "the certificate is for `{}` and the configuration for `{node}`",
        tls.certificate.identity
    );
    Ok(tls)
}

/// What people have said here, and the people of the register beside it.
async fn subjects(
    config: &Config,
    key: &Arc<SubjectKey>,
    records: &Records,
    clock: &Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
) -> anyhow::Result<(Arc<KeptSettings>, Arc<SubjectsStore<Arc<dyn Clock>>>)> {
    let kept = kept_settings(config, key, records).await?;
    let subjects = SubjectsStore::open_beside(
        Arc::clone(&kept),
        config.source.source(),
        Arc::clone(key),
        config.numbers,
        config.source.settings_max_age,
        Arc::clone(clock),
        progress,
    )
    .await
    .context("the register's data cannot be read")?;
    Ok((kept, subjects))
}

/// What the agent keeps beside its log, with the tables of whatever keeps something.
async fn open_records(config: &Config, random: &mut StdRng) -> anyhow::Result<Records> {
    let schemas = [
        settings::kept::SCHEMA,
        settings::forwarding::SCHEMA,
        settings::papers::SCHEMA,
        settings::proofs::SCHEMA,
        settings::transfer::SCHEMA,
        cases::SCHEMA,
        exchange::SCHEMA,
        witness::SCHEMA,
    ];
    let RecordsSection { folder, key, .. } = &config.records;
    Records::open(folder, key, &schemas, random)
        .await
        .with_context(|| format!("the records in `{}`", folder.display()))
}

/// Answers listings.
fn answering(
    config: &Config,
    subjects: &Arc<SubjectsStore<Arc<dyn Clock>>>,
    log: &Arc<UseLog>,
    clock: &Arc<dyn Clock>,
) -> Arc<Answering> {
    let gateways = config.gateways_that_ask(Asks::Listings);
    Arc::new(Answering::new(
        config.register.clone(),
        config.numbers.rules,
        Arc::clone(subjects),
        Arc::clone(log),
        Arc::clone(clock),
        gateways.map(|gateway| (gateway.name.clone(), gateway.caps())),
    ))
}

/// Makes the published views ready, and ready again when they change, if the register counts
/// anything for researchers.
async fn publish(
    config: &Config,
    subjects: &Arc<SubjectsStore<Arc<dyn Clock>>>,
    shutdown: CancellationToken,
) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(section) = &config.research else {
        return Ok(None);
    };
    let register = config.register.clone();
    let publisher = Publisher::open(
        &config.source,
        register,
        Arc::clone(subjects),
        &section.folder,
    )?;
    let Some(publisher) = publisher else {
        return Ok(None);
    };
    publisher
        .check_roles()
        .await
        .context("the roles that research is counted by")?;
    Ok(Some(
        publisher.spawn_refresh(config.source.refresh, shutdown),
    ))
}

/// Takes settings into `kept`.
fn keeper(
    config: &Config,
    kept: Arc<KeptSettings>,
    records: &Records,
    log: &Arc<UseLog>,
    clock: &Arc<dyn Clock>,
) -> Arc<Keeper> {
    Arc::new(Keeper::new(KeeperParts {
        register: config.register.clone(),
        rules: config.numbers.rules,
        kept,
        records: records.clone(),
        log: Arc::clone(log),
        clock: Arc::clone(clock),
        gateways: config.gateways_of_settings(),
    }))
}

/// What people have said here through gateways, as it is on disk.
async fn kept_settings(
    config: &Config,
    key: &Arc<SubjectKey>,
    records: &Records,
) -> anyhow::Result<Arc<KeptSettings>> {
    let Some(section) = &config.settings else {
        return Ok(KeptSettings::nothing(Arc::clone(key)));
    };
    let definitions = SettingDefinitions::load(&section.definitions)?;
    for definition in definitions.iter() {
        if definition.holds_at(&config.register.id) {
            definition
                .check_for(&config.register)
                .with_context(|| format!("definition `{}`", definition.id))?;
        }
    }
    let gateways = config.gateways_of_settings().into_keys();
    let elsewhere = config.pvk.as_ref();
    let elsewhere =
        elsewhere.map(|section| pvk::elsewhere(section, &definitions, &config.register.id));
    let kept = KeptSettings::with_elsewhere(
        config.register.legal_basis,
        Arc::new(definitions),
        Arc::clone(key),
        Currency::new(section.max_age(), gateways),
        elsewhere.transpose()?.unwrap_or_default(),
    );
    let mandates = section.mandates.as_ref();
    kept.represented_by(Representing {
        register: config.register.clone(),
        issuers: section.mandate_issuers()?,
        revoked: mandates.and_then(|mandates| mandates.revoked.clone()),
    });
    kept.load(records)
        .await
        .context("the settings in the agent's records")?;
    Ok(kept)
}

/// The service for research gateways, if the register counts anything for them.
fn compute(
    config: &Config,
    counting: Counting,
    subjects: &Arc<SubjectsStore<Arc<dyn Clock>>>,
    log: &Arc<UseLog>,
    clock: &Arc<dyn Clock>,
    random: &mut StdRng,
) -> anyhow::Result<Option<ComputeServiceServer<Compute>>> {
    let Some(section) = &config.research else {
        return Ok(None);
    };
    let computing = Computing::open(ComputingParts {
        register: config.register.clone(),
        issuers: section.trusted_issuers()?,
        folder: section.folder.clone(),
        data: current_data(subjects, counting),
        limits: section.limits(),
        log: Arc::clone(log),
        clock: Arc::clone(clock),
        marks: log.mark_key(),
        secrets: StdRng::from_rng(random),
    })
    .with_context(|| format!("the folder of research `{}`", section.folder.display()))?;
    let gateways = config.gateways_that_ask(Asks::Queries);
    let caps = gateways.map(|gateway| (gateway.name.clone(), section.caps()));
    let rules = config.numbers.rules;
    Ok(Some(Compute::server(Arc::new(computing), caps, rules)))
}

/// What shows people the log of use.
fn reading(
    config: &Config,
    subjects: &Arc<SubjectsStore<Arc<dyn Clock>>>,
    log: &Arc<UseLog>,
    records: &Records,
    clock: &Arc<dyn Clock>,
) -> Arc<Reading> {
    let (marked, key) = (Arc::clone(subjects), log.mark_key());
    let mark_of = Arc::new(move |id: &NationalId| marked.current().mark(id, &key));
    let research = config.research.as_ref();
    let counted = research.map(|section| CountedRecords::new(&section.folder, mark_of));
    Arc::new(Reading::new(ReadingParts {
        register: config.register.clone(),
        rules: config.numbers.rules,
        log: Arc::clone(log),
        clock: Arc::clone(clock),
        delays: config.use_log.held_back.clone(),
        counted,
        records: Some(records.clone()),
    }))
}

/// The service for gateways that show people the log of use.
fn uses(config: &Config, reading: Arc<Reading>) -> UsesServiceServer<Uses> {
    let gateways = config.gateways_that_ask(Asks::Uses);
    let caps = gateways.map(|gateway| (gateway.name.clone(), gateway.caps()));
    Uses::server(reading, caps)
}

/// The agent as a witness of others' logs.
fn witness(
    config: &Config,
    log: &Arc<UseLog>,
    records: &Records,
    clock: &Arc<dyn Clock>,
) -> WitnessServiceServer<Witness> {
    Witness::server(
        &config.register.id,
        Arc::clone(log),
        records.clone(),
        Arc::clone(clock),
        config.gateways.iter().map(|gateway| gateway.name.clone()),
    )
}

/// What is published, as it stands when it is asked for.
fn current_data(subjects: &Arc<SubjectsStore<Arc<dyn Clock>>>, counting: Counting) -> CurrentData {
    let subjects = Arc::clone(subjects);
    Arc::new(move || {
        subjects
            .current()
            .research()
            .map(|research| counting(research))
    })
}

/// Opens the log of use on `disk`, and its keys, which are made if the log is new. `random` must be
/// seeded from the system's randomness.
pub async fn open_log(
    config: &Config,
    disk: impl Disk,
    random: &mut StdRng,
) -> anyhow::Result<UseLog> {
    let section = config.use_log.clone();
    let register = config.register.id.clone();
    let log_config = UseLogConfig {
        linger_max: section.linger_max(),
        countersigners: config.countersigners(),
        ..UseLogConfig::default()
    };
    let mut random = StdRng::from_rng(random);
    // Opening reads the whole log.
    let opened = spawn_blocking(move || -> anyhow::Result<UseLog> {
        let is_new = uselog::is_new(&disk)?;
        let keys = LogKeys::open(
            &section.keys(),
            &section.folder,
            &register,
            is_new,
            &mut random,
        )?;
        Ok(UseLog::open(log_config, keys, disk, random)?)
    });
    opened.await.context("the log of use could not be opened")?
}
