//! Personvernkomponenten's part of an agent.

use std::sync::Arc;

use anyhow::Context as _;
use innsyn_policy::Clock;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::pvk::{self, Pvk, PvkParts};
use crate::records::Records;
use crate::settings::KeptSettings;
use crate::settings::keeper::Keeper;

/// How it is told how the agent stands with Personvernkomponenten.
pub(super) fn standing(
    config: &Config,
    kept: &Arc<KeptSettings>,
    records: &Records,
) -> Option<Arc<pvk::Standing>> {
    let section = config.pvk.as_ref()?;
    let definitions = section.definitions.iter().copied();
    let standing = pvk::Standing::new(Arc::clone(kept), records.clone(), definitions);
    Some(standing)
}

/// The register's place at Personvernkomponenten, if it has one.
pub(super) async fn start(
    config: &Config,
    keeper: &Arc<Keeper>,
    standing: Option<Arc<pvk::Standing>>,
    clock: &Arc<dyn Clock>,
    random: &mut StdRng,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<Pvk>> {
    let (Some(section), Some(standing)) = (&config.pvk, standing) else {
        return Ok(None);
    };
    let parts = PvkParts {
        keeper: Arc::clone(keeper),
        standing,
        clock: Arc::clone(clock),
        numbers: config.numbers,
        random: StdRng::from_rng(random),
    };
    let started = pvk::start(section, parts, shutdown).await;
    Ok(Some(started.context("`[pvk]`")?))
}
