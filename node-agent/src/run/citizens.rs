//! What serves citizens beside listings, settings and dialogs: paper and insight.

use std::sync::Arc;

use innsyn_policy::Clock;
use innsyn_proto::wire::node::v1::insight_service_server::InsightServiceServer;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Asks, Config};
use crate::insight::{Insight, InsightFace, InsightParts};
use crate::settings::keeper::Keeper;
use crate::settings::papers::{Papers, PapersParts};
use crate::settings::transfer::{Transfers, TransfersParts};
use crate::sources::AboutPerson;
use crate::subjects::SubjectKey;
use crate::uselog::UseLog;

/// Takes the words of commands about settings: papers and transfers.
pub(super) fn commands(
    config: &Config,
    keeper: &Arc<Keeper>,
    random: &mut StdRng,
    shutdown: &CancellationToken,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let papers = papers(config, keeper, random, shutdown)?;
    let transfers = transfers(config, keeper, random, shutdown);
    Ok(papers.into_iter().chain(transfers).collect())
}

/// Takes what people say on paper, if clerks are named who enter it.
fn papers(
    config: &Config,
    keeper: &Arc<Keeper>,
    random: &mut StdRng,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<JoinHandle<()>>> {
    let clerks = match &config.settings {
        Some(section) => section.clerks()?,
        None => Vec::new(),
    };
    if clerks.is_empty() {
        return Ok(None);
    }
    let papers = Papers::new(PapersParts {
        keeper: Arc::clone(keeper),
        clerks,
        numbers: config.numbers,
        random: StdRng::from_rng(random),
    });
    Ok(Some(papers.spawn(shutdown.clone())))
}

/// Exports settings to agents that came late, and imports them, if settings are taken.
fn transfers(
    config: &Config,
    keeper: &Arc<Keeper>,
    random: &mut StdRng,
    shutdown: &CancellationToken,
) -> Option<JoinHandle<()>> {
    let section = config.settings.as_ref()?;
    let mandates = section.mandates.iter();
    let issuers = mandates.flat_map(|mandates| &mandates.issuers);
    let transfers = Transfers::new(TransfersParts {
        keeper: Arc::clone(keeper),
        tls: config.tls.clone(),
        issuers: issuers.map(|issuer| issuer.name.clone()).collect(),
        numbers: config.numbers,
        random: StdRng::from_rng(random),
    });
    Some(transfers.spawn(shutdown.clone()))
}

/// The service for gateways that show people what the register holds about them.
pub(super) fn insight(
    config: &Config,
    key: &Arc<SubjectKey>,
    log: &Arc<UseLog>,
    clock: &Arc<dyn Clock>,
) -> InsightServiceServer<InsightFace> {
    let shows = config.insight.as_ref().map(|section| {
        let (key, timeout) = (Arc::clone(key), section.timeout());
        let source = AboutPerson::new(&config.source, config.numbers, key, timeout);
        (section.table.as_slice().into(), source)
    });
    let insight = Insight::new(InsightParts {
        register: config.register.clone(),
        rules: config.numbers.rules,
        log: Arc::clone(log),
        clock: Arc::clone(clock),
        shows,
    });
    let gateways = config.gateways_that_ask(Asks::Insight);
    let caps = gateways.map(|gateway| (gateway.name.clone(), gateway.caps()));
    InsightFace::server(Arc::new(insight), caps)
}
