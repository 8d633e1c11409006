//! Whether a change that came is its maker's to make: looked at here, whatever the gateway said.
//!
//! A guardian's or proxy's change brings the signed mandate, which is checked against the register's
//! own list of issuers and against the list of those that were taken back. A refused change leaves an
//! entry in the log of use, with the exact reason, and nothing else.

use std::path::PathBuf;

use innsyn_policy::{
    Assurance, Caller, DenyReason, MandateKind, Purpose, Register, Representation, Request,
    Timestamp, UseDecision, may_change_settings,
};
use innsyn_proto::mandate::{MandateIssuers, RevokedLineError, RevokedMandates, SignedMandate};
use innsyn_proto::setting::{ActedAs, Change};

/// The longest list of mandates that were taken back, in bytes.
const REVOKED_BYTES_MAX: u64 = 64 << 20;

/// What a change is judged by.
#[derive(Debug, Clone)]
pub struct Representing {
    /// The register.
    pub register: Register,
    /// Whose mandates count here.
    pub issuers: MandateIssuers,
    /// The file of mandates that were taken back, read at every mandate.
    pub revoked: Option<PathBuf>,
}

/// A change cannot be judged now: it waits.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The list cannot be read.
    #[error("the list of mandates that were taken back, `{}`, cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is not written as it should be.
    #[error("the list of mandates that were taken back, `{}`: {error}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where.
        error: RevokedLineError,
    },
}

impl Representing {
    /// The decision on `change` as of `at`, when it was said.
    pub fn judge(&self, change: &Change, at: Timestamp) -> Result<UseDecision, JudgeError> {
        let representation = match &change.acted_as {
            ActedAs::Own => Ok(Representation::Own),
            ActedAs::Parent(child_born) => Ok(Representation::Parent {
                child_born: *child_born,
            }),
            ActedAs::Guardian(proof) => self.proven(proof, MandateKind::Guardian, change)?,
            ActedAs::PowerOfAttorney(proof) => {
                self.proven(proof, MandateKind::PowerOfAttorney, change)?
            }
        };
        let may = representation
            .map_err(Into::into)
            .and_then(|it| may_change_settings(&request_of(change, it), &self.register, at));
        Ok(may.map_or_else(UseDecision::from, |()| UseDecision::Answered))
    }

    /// The representation that `proof` is for who made `change`.
    fn proven(
        &self,
        proof: &SignedMandate,
        kind: MandateKind,
        change: &Change,
    ) -> Result<Result<Representation, DenyReason>, JudgeError> {
        Ok(match self.issuers.read(proof, &self.revoked()?) {
            Ok(mandate) => mandate.representation(kind, &change.person, &change.by),
            Err(error) => {
                // It quotes nothing of the mandate.
                tracing::warn!(%error, "a mandate does not prove anything here");
                Err(DenyReason::RepresentationUnproven)
            }
        })
    }

    fn revoked(&self) -> Result<RevokedMandates, JudgeError> {
        use std::io::Read as _;
        let Some(file) = &self.revoked else {
            return Ok(RevokedMandates::default());
        };
        let mut text = String::new();
        std::fs::File::open(file)
            .and_then(|it| it.take(REVOKED_BYTES_MAX).read_to_string(&mut text))
            .map_err(|error| JudgeError::Unreadable(file.clone(), error))?;
        RevokedMandates::parse(&text).map_err(|error| JudgeError::Malformed {
            file: file.clone(),
            error,
        })
    }
}

/// Who did it to whom, by this right.
pub(super) fn request_of(change: &Change, representation: Representation) -> Request {
    Request {
        subject: change.person,
        caller: Caller {
            person: change.by,
            organisation: change.organisation,
            assurance: Assurance::High,
        },
        representation,
        purpose: Purpose::OwnInsight,
    }
}
