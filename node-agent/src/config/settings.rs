//! The `[settings]` section: what people may say here of the use of their data.

use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_proto::identity::GatewayName;
use serde::Deserialize;

use super::{Asks, Gateway};

/// What people may say here, and how long it is relied on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsSection {
    /// The file of definitions, the same as the gateways have.
    pub definitions: PathBuf,
    /// How long ago a gateway may have said last that nothing is missing, in seconds.
    #[serde(default = "age_s")]
    pub max_age_s: u64,
}

/// Ten minutes: a gateway that restarts stops nothing; one that is kept away does.
const fn age_s() -> u64 {
    600
}

/// Why the section cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum SettingsConfigError {
    /// Too short for a heartbeat, or longer than a change of mind may take.
    #[error("`settings.max_age_s` is {0}, and must be 10 to 86400")]
    Age(u64),
    /// A gateway sends settings that nothing here can have a meaning for.
    #[error(
        "gateway `{0}` may ask for `settings`, but there is no `[settings]` section; add one, or \
         take `settings` out of `may_ask`"
    )]
    NoSection(GatewayName),
    /// What such a gateway says could not be checked.
    #[error("gateway `{0}` may ask for `settings`, and so needs a `head_key` that signs them")]
    NoKey(GatewayName),
}

impl SettingsSection {
    /// How long ago a gateway may have said last that nothing is missing.
    pub const fn max_age(&self) -> Duration {
        Duration::from_secs(self.max_age_s)
    }

    /// Makes the paths relative to `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.definitions = folder.join(&self.definitions);
    }
}

/// Checks `section` beside `gateways`.
pub(super) fn check(
    section: Option<&SettingsSection>,
    gateways: &[Gateway],
) -> Result<(), SettingsConfigError> {
    if let Some(section) = section
        && !(10..=86_400).contains(&section.max_age_s)
    {
        return Err(SettingsConfigError::Age(section.max_age_s));
    }
    for gateway in gateways {
        if !gateway.may_ask.contains(&Asks::Settings) {
            continue;
        }
        if section.is_none() {
            return Err(SettingsConfigError::NoSection(gateway.name.clone()));
        }
        if gateway.head_key.is_none() {
            return Err(SettingsConfigError::NoKey(gateway.name.clone()));
        }
    }
    Ok(())
}
