//! Logs for operators, to standard error.
//!
//! What holds: **no person and no token in a log, whatever the filter.** Our own crates keep it
//! by writing none. Libraries do not know it: hyper, h2, tonic and reqwest write headers, frames
//! and bodies at `debug` and `trace`, rustls what it has decrypted. So every target that is not
//! ours is capped at `info` in code, and no filter can lift the cap.

use std::io::{self, IsTerminal as _};

use serde::Deserialize;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, ParseError, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

#[cfg(test)]
mod tests;

/// The `[telemetry]` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// What is written, for example `info,innsyn_broker::gateway=debug`.
    pub filter: String,
    /// How it is written.
    pub format: LogFormat,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for machines.
    Json,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartTelemetryError {
    /// The filter is not one.
    #[error("the log filter `{0}` cannot be understood")]
    Filter(String, #[source] ParseError),
    /// The program has a subscriber already.
    #[error("logging has already started")]
    Started,
}

/// Starts logging to standard error for the whole process.
pub fn start(config: &TelemetryConfig) -> Result<(), StartTelemetryError> {
    let subscriber = subscriber(config, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| StartTelemetryError::Started)
}

/// What writes logs to `writer`.
pub fn subscriber<W>(
    config: &TelemetryConfig,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, StartTelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted = (config.filter)
        .parse::<Targets>()
        .map_err(|error| StartTelemetryError::Filter(config.filter.clone(), error))?;
    let filter = wanted.and(filter_fn(may_be_written));
    // Colours are for people at a terminal; in a file they stand between a search and its words.
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(writer);
    Ok(match config.format {
        LogFormat::Text => Box::new(Registry::default().with(lines.with_filter(filter))),
        LogFormat::Json => Box::new(Registry::default().with(lines.json().with_filter(filter))),
    })
}

/// Ours at any level; everybody else's down to `info`.
fn may_be_written(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("innsyn") || *metadata.level() <= Level::INFO
}
