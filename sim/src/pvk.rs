//! A stand-in of Personvernkomponenten (PVK), on loopback: what people have said at helsenorge of
//! the use of their data, told to registers that ask, and pushed to one that receives.
//!
//! Written from the public description (helsenorge.atlassian.net, pages 2328952849, 2328854548 and
//! 1874198557) and from how registers' clients use it; **not verified against the real one**. What
//! is ASSUMED stands in `node-agent/src/pvk/wire.rs`. It checks its callers' tokens and proofs for
//! real. It is for invented people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use innsyn_policy::{Clock as _, Timestamp};
use innsyn_proto::clock::SystemClock;
use jsonwebtoken::DecodingKey;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::helseid::{HelseIdStandIn, Proofs};
use crate::loopback::{Loopback, LoopbackTls};

mod api;
mod pushing;
#[cfg(test)]
mod tests;

pub use pushing::Receiver;

/// What HelseID calls it.
pub const AUDIENCE: &str = "nhn:helsenorge.eksternapi.stand-in";
/// What reading needs.
pub const READ: &str = "nhn:helsenorge.eksternapi.stand-in/Personverninnstillinger_les";
/// What writing needs.
pub const WRITE: &str = "nhn:helsenorge.eksternapi.stand-in/Personverninnstillinger_skriv";

/// A definition that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `definisjonGuid`.
    pub guid: String,
    /// `definisjonNavn`.
    pub name: String,
    /// `partKode`.
    pub part: String,
    /// `typePi`.
    pub kind: String,
}

/// One person's setting.
#[derive(Clone, PartialEq, Eq)]
pub struct Instance {
    /// Whether it stands.
    pub active: bool,
    /// How often it was changed, the first time included.
    pub sequence: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Until when it stands.
    pub until: Option<Timestamp>,
}

/// What goes wrong, on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubles {
    /// Nothing is answered but 503.
    pub down: bool,
    /// So many pages are given, and then 503; no end of them if absent.
    pub pages_max: Option<usize>,
    /// So many writes are done and not answered.
    pub answers_lost: usize,
    /// Nothing is pushed.
    pub mute: bool,
    /// What callers must put in their proofs, if anything.
    pub nonce: Option<String>,
}

/// What it has, and what goes wrong with it.
struct Held {
    definitions: Vec<Definition>,
    instances: BTreeMap<(String, String), Instance>,
    nobody: BTreeSet<String>,
    troubles: Troubles,
    pages: usize,
    page_persons: usize,
    calls: BTreeMap<&'static str, usize>,
    writes: Vec<(String, bool)>,
}

/// The stand-in.
pub struct PvkStandIn {
    url: String,
    helseid: Arc<HelseIdStandIn>,
    helseid_key: DecodingKey,
    proofs: Proofs,
    held: Mutex<Held>,
    /// What is to be pushed, counted.
    changes: watch::Sender<u64>,
    pushes: Mutex<Vec<pushing::Push>>,
}

/// Where it is served.
pub struct ServedPvk {
    /// The stand-in.
    pub pvk: Arc<PvkStandIn>,
    _serving: AbortOnDropHandle<()>,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance(***)")
    }
}

impl fmt::Debug for PvkStandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PvkStandIn")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ServedPvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pvk.fmt(f)
    }
}

impl PvkStandIn {
    /// Begins to serve on a port of loopback that is free, for clients of `helseid`; over TLS if a
    /// certificate is given.
    pub async fn start(
        helseid: Arc<HelseIdStandIn>,
        definitions: Vec<Definition>,
        tls: Option<&LoopbackTls>,
    ) -> anyhow::Result<ServedPvk> {
        let (listener, url) = Loopback::listen(tls).await?;
        let pvk = Arc::new(Self {
            url,
            helseid_key: DecodingKey::from_jwk(&helseid.public_key()?)?,
            helseid,
            proofs: Proofs::default(),
            held: Mutex::new(Held {
                definitions,
                instances: BTreeMap::new(),
                nobody: BTreeSet::new(),
                troubles: Troubles {
                    down: false,
                    pages_max: None,
                    answers_lost: 0,
                    mute: false,
                    nonce: None,
                },
                pages: 0,
                page_persons: 1_000,
                calls: BTreeMap::new(),
                writes: Vec::new(),
            }),
            changes: watch::Sender::new(0),
            pushes: Mutex::default(),
        });
        let router = api::router(Arc::clone(&pvk));
        let serving = tokio::spawn(async move {
            let _ended = axum::serve(listener, router).await;
        });
        Ok(ServedPvk {
            pvk,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Somebody says at helsenorge that their setting of `definition` stands, or that it does not;
    /// it is pushed. Gives its sequence from now on.
    pub fn says(&self, fnr: &str, definition: &str, active: bool) -> i64 {
        self.says_until(fnr, definition, active, None)
    }

    /// The same, with an end.
    pub fn says_until(
        &self,
        fnr: &str,
        definition: &str,
        active: bool,
        until: Option<Timestamp>,
    ) -> i64 {
        let now = SystemClock.now();
        self.set(fnr, definition, active, until, now).0
    }

    /// What stands of somebody.
    pub fn stands(&self, fnr: &str, definition: &str) -> Option<Instance> {
        let of = (definition.to_owned(), fnr.to_owned());
        self.held().instances.get(&of).cloned()
    }

    /// Forgets what somebody has said, as one who restores an older copy does.
    pub fn forgets(&self, fnr: &str, definition: &str) {
        let of = (definition.to_owned(), fnr.to_owned());
        self.held().instances.remove(&of);
    }

    /// There is nobody with this number, as far as it knows.
    pub fn knows_nobody(&self, fnr: &str) {
        self.held().nobody.insert(fnr.to_owned());
    }

    /// What goes wrong from now on.
    pub fn trouble(&self, change: impl FnOnce(&mut Troubles)) {
        let mut held = self.held();
        change(&mut held.troubles);
        held.pages = 0;
    }

    /// So many persons are on a page.
    pub fn page_persons(&self, persons: usize) {
        self.held().page_persons = persons;
    }

    /// How often it was called so.
    pub fn calls(&self, name: &str) -> usize {
        self.held().calls.get(name).copied().unwrap_or(0)
    }

    /// Everything that callers have written and that changed something, in order: who, and what.
    pub fn writes(&self) -> Vec<(String, bool)> {
        self.held().writes.clone()
    }

    /// Changes a setting, if it is another than before; gives its sequence, and whether it is.
    fn set(
        &self,
        fnr: &str,
        definition: &str,
        active: bool,
        until: Option<Timestamp>,
        at: Timestamp,
    ) -> (i64, bool) {
        let mut held = self.held();
        let of = (definition.to_owned(), fnr.to_owned());
        let before = held.instances.get(&of).cloned();
        let is_same = before.as_ref().map_or(!active, |before| {
            before.active == active && before.until == until
        });
        if is_same {
            return (before.map_or(0, |it| it.sequence), false);
        }
        let instance = Instance {
            active,
            sequence: before.as_ref().map_or(1, |it| it.sequence + 1),
            made_at: before.map_or(at, |it| it.made_at),
            changed_at: at,
            until,
        };
        let sequence = instance.sequence;
        held.instances.insert(of, instance.clone());
        let is_mute = held.troubles.mute;
        let defined = held.definitions.iter().find(|it| it.guid == definition);
        let defined = defined.cloned();
        drop(held);
        if let (false, Some(defined)) = (is_mute, defined) {
            self.push(&defined, fnr, &instance);
        }
        (sequence, true)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
