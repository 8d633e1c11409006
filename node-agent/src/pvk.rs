//! The register's place at Personvernkomponenten (PVK), where people say at helsenorge what their
//! data may be used for.
//!
//! ```text
//!   helsenorge ─▶ PVK ──pushes──▶ register's proxy ─▶ receiver ─┐
//!                  ▲ ▲                                          ├─▶ log of use, records, binding
//!                  │ └── everything, at the start and hourly ───┘
//!                  └──── what was said through Innsyn ◀── waiting ◀── settings' keeper
//! ```
//!
//! What holds:
//!
//! - **Of a definition that PVK writes, nothing else is applied** (`pvk.definitions`): what comes
//!   through a gateway is said there first ([`forwarding`]).
//! - **Unknown means no**: secondary use that such a definition covers is refused until everything
//!   that PVK has of it has been fetched to its end, and again when that is too long ago
//!   ([`fetching`]).
//! - **A setting is received when it is durable**, and in the log of use ([`receiver`]).
//! - **Outwards the agent only dials out**, with a token that is bound to a key of this process
//!   ([`helseid`]); inwards it listens on loopback alone.
//!
//! Everything here is written from PVK's public description and checked against a stand-in of our
//! own; it is not verified against the real one (see [`wire`]).

use std::sync::Arc;

use anyhow::Context as _;
use futures::future::join_all;
use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::setting::definitions::SettingDefinitions;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Jwks, PvkSection};
use crate::settings::Elsewhere;
use crate::settings::keeper::Keeper;
use crate::sources::Numbers;

mod client;
mod comparing;
mod fetching;
mod forwarding;
mod helseid;
mod http;
mod looking;
mod receiver;
mod standing;
mod taking;
#[cfg(test)]
mod tests;
mod token;
mod wire;

pub use client::{CallError, PvkClient};
pub use helseid::{ClientKeyError, HelseId, HelseIdError, OpenHelseIdError, ProofKeyError};
pub use http::ClientError;
pub(crate) use looking::look;
pub use receiver::PATH;
pub use standing::Standing;
pub use token::StsKeysError;
pub use wire::{NotASetting, PvkSetting};

use fetching::Fetching;
use forwarding::Forwarding;
use receiver::Receiver;
use taking::Taking;
use token::{KeysAt, StsVerifier};
use wire::Reader;

/// What the adapter needs of the rest of the agent.
#[expect(
    missing_debug_implementations,
    reason = "a clock need not be printable"
)]
pub struct PvkParts {
    /// Who takes settings; opened with [`crate::settings::forwarding::SCHEMA`] among the records'
    /// schemas, and with PVK's definitions written elsewhere.
    pub keeper: Arc<Keeper>,
    /// Where it is told how things stand.
    pub standing: Arc<Standing>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How national ids are read.
    pub numbers: Numbers,
    /// Seeded from the system's randomness.
    pub random: StdRng,
}

/// The adapter, running.
#[derive(Debug)]
pub struct Pvk {
    running: Vec<JoinHandle<()>>,
}

impl Pvk {
    /// Waits until it has been left, which it is when the agent is told to stop.
    pub async fn left(self) {
        let _ended = join_all(self.running).await;
    }
}

/// The definitions that PVK writes by `section`, each of which must be among `definitions` and hold
/// at `register`.
pub fn elsewhere(
    section: &PvkSection,
    definitions: &SettingDefinitions,
    register: &RegisterId,
) -> anyhow::Result<Elsewhere> {
    for id in &section.definitions {
        let definition = definitions.get(id).with_context(|| {
            format!("`pvk.definitions` names {id}, which `settings.definitions` does not have")
        })?;
        anyhow::ensure!(
            definition.holds_at(register),
            "`pvk.definitions` names {id}, which is another register's"
        );
    }
    let definitions = section.definitions.iter().copied();
    Ok(Elsewhere::new(section.max_age(), definitions))
}

/// Reads keys, so that nothing that is wrong with them is found out later, listens, and begins to
/// fetch and to forward.
pub async fn start(
    section: &PvkSection,
    parts: PvkParts,
    shutdown: &CancellationToken,
) -> anyhow::Result<Pvk> {
    let reader = Reader {
        kept: Arc::clone(parts.keeper.kept()),
        numbers: parts.numbers,
    };
    let client = Arc::new(client(section, reader.clone(), &parts.clock, parts.random)?);
    let verifier = verifier(section, &parts.clock).await?;
    let listen = section.receiver.listen;
    let listener = receiver::listen(listen)
        .await
        .with_context(|| format!("`pvk.receiver.listen`: {listen} cannot be listened on"))?;
    let taking = Taking {
        keeper: parts.keeper,
    };
    let receiver = Receiver {
        verifier,
        reader,
        taking: taking.clone(),
        standing: Arc::clone(&parts.standing),
    };
    let fetching = Fetching {
        client: Arc::clone(&client),
        taking: taking.clone(),
        standing: Arc::clone(&parts.standing),
        definitions: section.definitions.iter().copied().collect(),
        every: section.bulk_every(),
        spot_every: section.spot_every(),
        spot_persons: section.spot_persons,
    };
    let forwarding = Forwarding {
        client,
        taking,
        standing: parts.standing,
    };
    Ok(Pvk {
        running: vec![
            tokio::spawn(receiver::serve(receiver, listener, shutdown.clone())),
            tokio::spawn(fetching.run(shutdown.clone())),
            tokio::spawn(forwarding.run(shutdown.clone())),
        ],
    })
}

/// PVK as `section` says that it is called.
fn client(
    section: &PvkSection,
    reader: Reader,
    clock: &Arc<dyn Clock>,
    mut random: StdRng,
) -> anyhow::Result<PvkClient> {
    let is_https = section.url.scheme() == "https" || section.helseid.issuer.scheme() == "https";
    let http = http::client(section.ca_file.as_deref(), is_https)?;
    let random = StdRng::from_rng(&mut random);
    let helseid = HelseId::open(&section.helseid, http.clone(), Arc::clone(clock), random)?;
    Ok(PvkClient::new(section.url.clone(), http, helseid, reader))
}

/// Whose tokens the receiver believes.
async fn verifier(section: &PvkSection, clock: &Arc<dyn Clock>) -> anyhow::Result<StsVerifier> {
    let receiver = &section.receiver;
    let at = match &receiver.jwks {
        Jwks::File(file) => KeysAt::File(file.clone()),
        Jwks::Url(url) => {
            let ca = section.ca_file.as_deref();
            let client = http::client(ca, url.scheme() == "https")?;
            KeysAt::Url(url.clone(), client)
        }
    };
    let verifier = StsVerifier::open(
        receiver.issuer.clone(),
        receiver.audience.clone(),
        receiver.scope.clone(),
        at,
        Arc::clone(clock),
    );
    Ok(verifier.await?)
}
