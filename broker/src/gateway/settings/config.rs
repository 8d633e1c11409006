//! The `[citizen_gateway.settings]` section.

use std::path::{Path, PathBuf};

use innsyn_proto::setting::definitions::DefinitionsError;
use serde::Deserialize;

use super::OutboxError;

/// What citizens may say of the use of their data, and where it waits to be sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsConfig {
    /// The file of definitions, the same as the agents have.
    pub definitions: PathBuf,
    /// The SQLite file of the outbox, made if it is not there.
    pub outbox: PathBuf,
}

/// Why settings are not offered.
#[derive(Debug, thiserror::Error)]
pub enum SettingsConfigError {
    /// The definitions.
    #[error(transparent)]
    Definitions(#[from] DefinitionsError),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl SettingsConfig {
    /// Makes every path relative to `folder`.
    pub(in crate::gateway) fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.definitions, &mut self.outbox] {
            *path = folder.join(&*path);
        }
    }
}
