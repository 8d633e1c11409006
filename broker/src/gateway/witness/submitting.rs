//! Shows one head to one witness, until it has signed or it is clear why not.
//!
//! The rules, apart from the sockets: who witnesses is [`Looks`], who proves [`Proves`].

use innsyn_proto::head::{HeadKey, LogHash, SignedHead, WitnessKey, check_continues};
use innsyn_proto::witnessing::{AddCheckpoint, ReadAnswerError, read_granted, read_seen};

/// Times that one head is shown, each with what the time before has taught.
const TRIES_MAX: usize = 3;

/// A witness that can be shown a head.
pub(super) trait Looks {
    fn add(
        &mut self,
        asked: &AddCheckpoint,
    ) -> impl Future<Output = Result<Said, SubmitError>> + Send;
}

/// A log that can be asked to prove that it has only grown.
pub(super) trait Proves {
    /// The proof from one of its sizes to a later one; an empty one where it has none.
    fn prove(
        &mut self,
        from: u64,
        to: u64,
    ) -> impl Future<Output = Result<Vec<LogHash>, SubmitError>> + Send;
}

/// A witness's answer.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The head that it has seen last, where it shows that.
    pub(super) seen: Option<Vec<u8>>,
    /// It has lately seen another log of the same name.
    pub(super) other_key: bool,
}

/// Nothing is known yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubmitError {
    #[error("the call failed: {}", .0.message())]
    Call(#[from] tonic::Status),
    #[error("the witness cannot be reached")]
    Http(#[source] Box<reqwest::Error>),
    #[error("the answer is none of the protocol")]
    Answer,
    #[error("the witness refuses with {0}")]
    Refused(u16),
    #[error("the witness has seen new heads each time")]
    TooFast,
}

impl SubmitError {
    pub(super) fn http(error: reqwest::Error) -> Self {
        Self::Http(Box::new(error))
    }
}

impl From<ReadAnswerError> for SubmitError {
    fn from(_: ReadAnswerError) -> Self {
        Self::Answer
    }
}

/// What became of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submitted {
    pub(super) outcome: Outcome,
    /// The witness has lately seen another log of the same name.
    pub(super) other_key: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The witness has signed it, or a later head that continues it: this is what it has seen.
    Seen(SignedHead),
    /// The witness has seen this head of the log, which the log does not connect with ours.
    Conflict(SignedHead),
    /// The witness says that the log is not the one it knows, and shows no head.
    Disputed,
    /// The witness is ahead, and shows no head: the next one will tell.
    Later,
}

/// Shows `head`, of the log that signs with `log`, to a witness that signs with `witness` and, as far
/// as we know, has seen `known` last.
pub(super) async fn submit(
    head: &SignedHead,
    log: &HeadKey,
    witness: &WitnessKey,
    known: Option<&SignedHead>,
    looks: &mut impl Looks,
    proves: &mut impl Proves,
) -> Result<Submitted, SubmitError> {
    let mut old = known.map_or(0, SignedHead::size);
    for _ in 0..TRIES_MAX {
        let asked = AddCheckpoint {
            old,
            proof: between(old, head.size(), proves).await?,
            checkpoint: head.note().to_vec(),
        };
        let said = looks.add(&asked).await?;
        let submitted = |outcome| Submitted {
            outcome,
            other_key: said.other_key,
        };
        match said.status {
            200 => {
                let signed = read_granted(head.note(), log, &said.body, witness)?;
                return Ok(submitted(Outcome::Seen(signed)));
            }
            409 | 422 => {}
            status => return Err(SubmitError::Refused(status)),
        }
        let Some(seen) = &said.seen else {
            match shown_nothing(&said, old, head)? {
                Next::Again(size) => old = size,
                Next::Done(outcome) => return Ok(submitted(outcome)),
            }
            continue;
        };
        // Only what the log itself has signed is believed.
        let seen = read_seen_head(seen, log, witness)?;
        let (earlier, later) = if seen.size() <= head.size() {
            (&seen, head)
        } else {
            (head, &seen)
        };
        let proof = between(earlier.size(), later.size(), proves).await?;
        if check_continues(later, earlier, &proof).is_err() {
            return Ok(submitted(Outcome::Conflict(seen)));
        }
        if seen.size() >= head.size() {
            return Ok(submitted(Outcome::Seen(seen)));
        }
        old = seen.size();
    }
    Err(SubmitError::TooFast)
}

enum Next {
    Again(u64),
    Done(Outcome),
}

/// What follows from a refusal of a witness that does not show what it has seen.
fn shown_nothing(said: &Said, old: u64, head: &SignedHead) -> Result<Next, SubmitError> {
    if said.status == 422 {
        return Ok(Next::Done(Outcome::Disputed));
    }
    let size = read_seen(&said.body)?;
    Ok(match size {
        // It has another head of as many entries.
        _ if size == old && size == head.size() => Next::Done(Outcome::Disputed),
        _ if size > head.size() => Next::Done(Outcome::Later),
        _ => Next::Again(size),
    })
}

async fn between(
    from: u64,
    to: u64,
    proves: &mut impl Proves,
) -> Result<Vec<LogHash>, SubmitError> {
    if 0 < from && from < to {
        proves.prove(from, to).await
    } else {
        Ok(Vec::new())
    }
}

/// A head that a witness has seen: signed by the log, and with the witness's own signature or none.
fn read_seen_head(
    note: &[u8],
    log: &HeadKey,
    witness: &WitnessKey,
) -> Result<SignedHead, SubmitError> {
    SignedHead::read_countersigned(note, log, std::slice::from_ref(witness))
        .map(|read| read.head)
        .map_err(|_| SubmitError::Answer)
}

#[cfg(test)]
mod tests;
