//! An agent's dialogs, and its place on the message exchange.

use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::Clock;
use innsyn_proto::wire::node::v1::cases_service_server::CasesServiceServer;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

use crate::cases::{
    BecomesSetting, Cases, CasesFace, CasesParts, GivesAnswers, SealedCases, ShowsUses,
};
use crate::config::{Asks, Config};
use crate::exchange::{self, Exchange, ExchangeParts, Inbox};
use crate::records::Records;
use crate::settings::keeper::Keeper;
use crate::settings::of_case::OfCases;
use crate::uselog::UseLog;
use crate::uses::Reading;

/// How often a gateway is told of new messages, be there any or none.
const NOTICES_EVERY: Duration = Duration::from_secs(5);

/// The register's place on the message exchange, if it has one.
pub(super) async fn exchange(
    config: &Config,
    records: &Records,
    cases: &Arc<Cases>,
    clock: &Arc<dyn Clock>,
    random: &mut StdRng,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<Exchange>> {
    let Some(section) = &config.exchange else {
        return Ok(None);
    };
    let parts = ExchangeParts {
        records: records.clone(),
        inbox: Arc::clone(cases) as Arc<dyn Inbox>,
        clock: Arc::clone(clock),
        numbers: config.numbers,
        random: StdRng::from_rng(random),
    };
    let exchange = exchange::start(section, parts, shutdown.clone()).await?;
    let answers = Arc::clone(&exchange.desk) as Arc<dyn GivesAnswers>;
    cases.spawn_answers(answers, shutdown.clone());
    Ok(Some(exchange))
}

/// The register's dialogs. A blocking or reservation can be accepted where settings are kept.
pub(super) fn open_cases(
    config: &Config,
    records: &Records,
    log: &Arc<UseLog>,
    clock: &Arc<dyn Clock>,
    random: &mut StdRng,
    (keeper, reading): (&Arc<Keeper>, &Arc<Reading>),
) -> Arc<Cases> {
    let becomes = OfCases(Arc::clone(keeper));
    let becomes = (config.settings.is_some()).then(|| Arc::new(becomes) as Arc<dyn BecomesSetting>);
    Cases::new(CasesParts {
        register: config.register.clone(),
        records: records.clone(),
        log: Arc::clone(log),
        clock: Arc::clone(clock),
        random: StdRng::from_rng(random),
        becomes,
        uses: Some(Arc::clone(reading) as Arc<dyn ShowsUses>),
        content_kept: config.records.content_kept(),
    })
}

/// What takes messages that waited in a relay's mailbox.
pub(super) fn sealed_cases(config: &Config, cases: &Arc<Cases>) -> Arc<SealedCases> {
    let gateways = config.gateways_that_ask(Asks::Cases);
    let gateways = gateways.filter_map(|gateway| {
        let key = gateway.head_key.clone()?;
        Some((gateway.name.clone(), key, gateway.caps()))
    });
    let rules = config.numbers.rules;
    Arc::new(SealedCases::new(Arc::clone(cases), gateways, rules))
}

/// The service for gateways that ask of dialogs.
pub(super) fn cases_face(config: &Config, cases: Arc<Cases>) -> CasesServiceServer<CasesFace> {
    let gateways = config.gateways_that_ask(Asks::Cases);
    let caps = gateways.map(|gateway| (gateway.name.clone(), gateway.caps()));
    CasesFace::server(cases, caps, config.numbers.rules, NOTICES_EVERY)
}
