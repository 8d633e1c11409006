//! How a witness is shown a log's new head, and what it says: C2SP tlog-witness
//! (<https://c2sp.org/tlog-witness>), `add-checkpoint`.
//!
//! ```text
//!   old 20852014                       what the witness has seen last
//!   PlRNCrwHpqhGrupue0L7gxbj…          the consistency proof from there, a hash a line
//!
//!   innsyn/kreft                       the head, as the log signed it
//!   20852163
//!   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2…
//!
//!   — innsyn/kreft Az3grlgtzPICa5OS8npVmf1M…
//! ```
//!
//! The answer is an HTTP status and a text: 200 and the witness's cosignature; 409 and the size that
//! it has seen; or what else is wrong. Gateways take such requests over HTTP, from anybody: only
//! heads that a log has signed count. Agents, which take no connections, take the same inside the
//! end-to-end connections that they have made to gateways.
//!
//! What holds:
//!
//! - **A witness goes forward only**, along proven consistency, as every countersigner does.
//! - **Whoever submits is told nothing but what the log's own signatures say.**

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use innsyn_policy::Timestamp;

use crate::head::{
    HeadError, HeadKey, HeadSigner, LogHash, SignedHead, WitnessKey, countersign, text_of,
};

#[cfg(test)]
mod tests;

/// The longest request, in bytes: a proof and a note of the longest kind.
pub const REQUEST_BYTES_MAX: usize = 8 * 1024;
/// Lines of a proof in one request.
const PROOF_LINES_MAX: usize = 63;
/// The longest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// A request to look at a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the last head that the witness has seen; 0 for none.
    pub old: u64,
    /// From there to the head.
    pub proof: Vec<LogHash>,
    /// The head, signed by its log.
    pub checkpoint: Vec<u8>,
}

/// Why a witness does not countersign, as HTTP says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 400: not a request of this form, or it says more entries were seen than the head has.
    #[error("the request is malformed")]
    Malformed,
    /// 403: no signature by the key that is known for the log.
    #[error("the head has no signature by the log's key")]
    Forbidden,
    /// 404: the log is not one of those that are witnessed here.
    #[error("the log is not known here")]
    UnknownLog,
    /// 409: another head was seen last; or one of as many entries that is another.
    #[error("the head seen last has {seen} entries")]
    Conflict {
        /// How many entries it has.
        seen: u64,
    },
    /// 422: the proof does not lead from the head seen last to this one.
    #[error("the head does not continue the one seen last")]
    Inconsistent,
}

/// A witness's answer that is none, or not to what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the witness's answer cannot be read")]
pub struct ReadAnswerError;

impl AddCheckpoint {
    /// The request's body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let proof = self.proof.iter().map(|hash| BASE64_STANDARD.encode(hash));
        let lines: Vec<String> = std::iter::once(format!("old {}", self.old))
            .chain(proof)
            .collect();
        [lines.join("\n").as_bytes(), b"\n\n", &self.checkpoint].concat()
    }

    /// Reads a request's body.
    pub fn parse(body: &[u8]) -> Result<Self, Refused> {
        Self::read(body).ok_or(Refused::Malformed)
    }

    fn read(body: &[u8]) -> Option<Self> {
        if body.len() > REQUEST_BYTES_MAX {
            return None;
        }
        let (lines, checkpoint) = std::str::from_utf8(body).ok()?.split_once("\n\n")?;
        let mut lines = lines.split('\n');
        let old = lines.next()?.strip_prefix("old ")?;
        let read: u64 = old.parse().ok()?;
        let proof: Vec<LogHash> = lines
            .map(|line| BASE64_STANDARD.decode(line).ok()?.try_into().ok())
            .collect::<Option<_>>()?;
        // What parsing was lenient about: a sign, zeroes in front.
        let well_formed = read.to_string() == old && proof.len() <= PROOF_LINES_MAX;
        well_formed.then(|| Self {
            old: read,
            proof,
            checkpoint: checkpoint.as_bytes().to_vec(),
        })
    }

    /// The name of the log, **without checking who signed**.
    pub fn origin(&self) -> Result<String, Refused> {
        let note = std::str::from_utf8(&self.checkpoint).map_err(|_| Refused::Malformed)?;
        let text = text_of(note).map_err(|_| Refused::Malformed)?;
        let origin = text.lines().next().ok_or(Refused::Malformed)?;
        Ok(origin.to_owned())
    }
}

impl Refused {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Forbidden => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent => 422,
        }
    }

    /// The answer's text.
    pub fn body(self) -> String {
        match self {
            Self::Conflict { seen } => format!("{seen}\n"),
            other => format!("{other}\n"),
        }
    }
}

/// Looks at the head in `asked`, of the log that signs with `log`, as the witness `signer` that has
/// seen `seen` of it last. The countersigned head is what to keep, durably, before
/// [`cosignature_of`] of it is answered.
pub fn look_at(
    asked: &AddCheckpoint,
    log: &HeadKey,
    seen: Option<&SignedHead>,
    signer: &HeadSigner,
    at: Timestamp,
) -> Result<SignedHead, Refused> {
    let head = SignedHead::read(&asked.checkpoint, log).map_err(|error| match error {
        HeadError::Unsigned | HeadError::BadSignature => Refused::Forbidden,
        _ => Refused::Malformed,
    })?;
    if asked.old > head.size() || (asked.old == 0 && !asked.proof.is_empty()) {
        return Err(Refused::Malformed);
    }
    let last = seen.map_or(0, SignedHead::size);
    let conflict = Refused::Conflict { seen: last };
    if asked.old != last {
        return Err(conflict);
    }
    countersign(&asked.checkpoint, log, seen, &asked.proof, signer, at).map_err(|error| match error
    {
        HeadError::Inconsistent { .. } if head.size() == last => conflict,
        HeadError::Inconsistent { .. } => Refused::Inconsistent,
        _ => Refused::Malformed,
    })
}

/// The answer to a request that was granted: the signature lines of `countersigned`, a head of `log`
/// with one witness's countersignature, that are not the log's own.
pub fn cosignature_of(countersigned: &SignedHead, witness: &WitnessKey) -> Vec<u8> {
    let begins = format!("— {} ", witness.name());
    let note = String::from_utf8_lossy(countersigned.note());
    // The log and the witness may have one name: the witness's line is the last.
    let line = note.lines().rev().find(|line| line.starts_with(&begins));
    line.map_or_else(Vec::new, |line| format!("{line}\n").into_bytes())
}

/// Reads the answer to a request that was granted: `checkpoint`, of `log`, with the cosignature of
/// `witness` and no other.
pub fn read_granted(
    checkpoint: &[u8],
    log: &HeadKey,
    answer: &[u8],
    witness: &WitnessKey,
) -> Result<SignedHead, ReadAnswerError> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(ReadAnswerError);
    }
    let note = [checkpoint, answer].concat();
    let read = SignedHead::read_countersigned(&note, log, std::slice::from_ref(witness));
    match read {
        Ok(read) if !read.by.is_empty() => Ok(read.head),
        _ => Err(ReadAnswerError),
    }
}

/// Reads the size that a witness says it has seen.
pub fn read_seen(answer: &[u8]) -> Result<u64, ReadAnswerError> {
    let text = std::str::from_utf8(answer).map_err(|_| ReadAnswerError)?;
    text.trim_end().parse().map_err(|_| ReadAnswerError)
}
