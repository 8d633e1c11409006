//! Countersigns the heads of the registers' logs of use, and has others countersign them.
//!
//! ```text
//!   agent of X ──head──▶ this gateway ──the same──▶ agents of other registers, other gateways
//!                        keeps, signs      ◀── what they have seen of X last, signed by X
//! ```
//!
//! For each register the gateway keeps one head, the last it countersigned (a size and a hash,
//! nothing else), and the log's key, which it takes on trust the first time. A head that does not
//! continue the one kept is not countersigned, and an operator is told: the log was shortened,
//! rewritten or replaced. What is kept is on disk before the countersignature leaves.
//!
//! Alone, a gateway would not notice a register that shows it one log and the next gateway another.
//! So it shows each head to a few other witnesses ([`rounds`]), the same ones as every other gateway
//! does ([`chosen`]), and keeps what they have seen. Whoever reads the log is told of it only if it
//! continues all of that: a head is signed by the log itself, so that no witness can lie about it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::head::{
    HeadError, HeadKey, HeadSigner, LogHash, SignedHead, WitnessKey, countersign,
};
use innsyn_proto::uselog::checked::{Doubts, SeenByOther};
use innsyn_proto::witnessing::{AddCheckpoint, Refused, cosignature_of, look_at};

mod chosen;
mod config;
pub mod http_face;
mod kept;
mod links;
mod remote;
mod rounds;
mod submitting;
#[cfg(test)]
mod tests;
mod turns;

pub use config::{WitnessesConfig, WitnessesConfigError};
pub use kept::KeptHeadsError;
pub use links::WitnessLinks;
pub use remote::Remote;
pub use rounds::Rounds;

use kept::{Kept, KeptHeads};

/// Why a head is not countersigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The log signs with another key than the one kept.
    #[error("the log of use signs with another key than the one kept")]
    OtherKey,
    /// The head is not one, or does not continue the one kept.
    #[error("the head is refused")]
    Head(#[from] HeadError),
    /// Somebody who submitted the head is told so.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// What is kept cannot be written.
    #[error("the head cannot be kept")]
    Keep(#[from] KeptHeadsError),
}

/// Keeps and countersigns heads.
pub struct Witness {
    kept: Arc<KeptHeads>,
    signer: HeadSigner,
    clock: Arc<dyn Clock>,
    /// Of each register what each other witness said last, by its name.
    doubts: Mutex<BTreeMap<RegisterId, BTreeMap<String, Doubts>>>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

impl Witness {
    /// A witness that signs with `signer` and keeps its heads in `folder`, which is made if it is
    /// not there.
    pub fn new(
        folder: &Path,
        signer: HeadSigner,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeptHeadsError> {
        Ok(Self {
            kept: Arc::new(KeptHeads::open(folder)?),
            signer,
            clock,
            doubts: Mutex::default(),
        })
    }

    /// The public key that agents check countersignatures with.
    pub fn public_key(&self) -> &str {
        self.signer.public_text()
    }

    /// The key by which others know this witness.
    pub fn key(&self) -> Result<WitnessKey, HeadError> {
        self.signer.witness()
    }

    /// The last head countersigned for `register`, if there is one.
    pub fn kept(&self, register: &RegisterId) -> Option<SignedHead> {
        self.kept.get(register).map(|kept| kept.head)
    }

    /// The key of the log of `register` and the last head countersigned for it, if there is one.
    pub fn kept_log(&self, register: &RegisterId) -> Option<(String, SignedHead)> {
        let kept = self.kept.get(register)?;
        Some((kept.log_key, kept.head))
    }

    /// What other witnesses have seen of the log of `register`.
    pub fn seen_by_others(&self, register: &RegisterId) -> Vec<SeenByOther> {
        let kept = self.kept.get(register);
        kept.map_or_else(Vec::new, |kept| kept.others.into_values().collect())
    }

    /// What other witnesses said last of the log of `register`, by their names.
    pub fn doubts(&self, register: &RegisterId) -> BTreeMap<String, Doubts> {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.get(register).cloned().unwrap_or_default()
    }

    /// The keys of the witnesses that are known here: its own, and those of registers' agents.
    pub fn known(&self) -> Vec<WitnessKey> {
        let agents = self.kept.log_keys().into_iter();
        let agents = agents.filter_map(|key| Some(HeadKey::parse(&key).ok()?.witness().clone()));
        self.signer.witness().into_iter().chain(agents).collect()
    }

    /// Checks a head against the one kept, keeps it, and returns it countersigned once it is on
    /// disk. The first key and the first head of a register are taken on trust.
    pub async fn witness(
        &self,
        register: &RegisterId,
        log_key: &str,
        checkpoint: &[u8],
        consistency: &[LogHash],
    ) -> Result<SignedHead, WitnessError> {
        let now = self.clock.now();
        let (head, change) = self.kept.replace(register, |kept| {
            if kept.is_some_and(|kept| kept.log_key != log_key) {
                return Err(WitnessError::OtherKey);
            }
            let key = HeadKey::parse(log_key)?;
            let seen = kept.map(|kept| &kept.head);
            Ok(Kept {
                head: countersign(checkpoint, &key, seen, consistency, &self.signer, now)?,
                log_key: log_key.to_owned(),
                others: kept.map(|kept| kept.others.clone()).unwrap_or_default(),
            })
        })?;
        self.kept.saved(change).await?;
        Ok(head)
    }

    /// Looks at a head that somebody submits; returns the countersignature once it is on disk. Only
    /// logs whose key is kept already are known.
    pub async fn add_checkpoint(&self, asked: &AddCheckpoint) -> Result<Vec<u8>, WitnessError> {
        let now = self.clock.now();
        let named = asked.origin()?;
        let register = named.strip_prefix("innsyn/").map(RegisterId::parse);
        let Some(Ok(register)) = register else {
            return Err(Refused::UnknownLog.into());
        };
        let (head, change) = self.kept.replace(&register, |kept| {
            let kept = kept.ok_or(Refused::UnknownLog)?;
            let key = HeadKey::parse(&kept.log_key)?;
            Ok::<_, WitnessError>(Kept {
                head: look_at(asked, &key, Some(&kept.head), &self.signer, now)?,
                ..kept.clone()
            })
        })?;
        self.kept.saved(change).await?;
        Ok(cosignature_of(&head, &self.key()?))
    }

    /// Keeps what the witness with `key` has seen last of the log of `register`; on disk with the
    /// next write, or after [`save`](Self::save).
    fn keep_other(
        &self,
        register: &RegisterId,
        key: WitnessKey,
        head: SignedHead,
    ) -> Result<(), WitnessError> {
        let changed = self.kept.replace(register, |kept| {
            let mut kept = kept.cloned().ok_or(Refused::UnknownLog)?;
            let name = key.name().to_owned();
            kept.others.insert(name, SeenByOther { key, head });
            Ok::<_, WitnessError>(kept)
        });
        changed.map(|_| ())
    }

    /// Returns when all that is kept is on disk.
    async fn save(&self) -> Result<(), KeptHeadsError> {
        self.kept.saved(self.kept.changes()).await
    }

    /// Notes what the witness `name` said of the log of `register`; whether that is news.
    fn note_doubts(&self, register: &RegisterId, name: &str, said: Doubts) -> bool {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_register = doubts.entry(register.clone()).or_default();
        of_register
            .insert(name.to_owned(), said)
            .unwrap_or_default()
            != said
    }
}

/// The last head that the gateway which keeps its heads in `folder` countersigned for `register`.
pub fn head_in(folder: &Path, register: &RegisterId) -> Result<Option<SignedHead>, KeptHeadsError> {
    Ok(kept::read(folder)?.remove(register).map(|kept| kept.head))
}
