//! A head, a log that proves, and a witness that is a real one, behind or ahead.

use innsyn_policy::Timestamp;
use innsyn_proto::head::HeadSigner;
use innsyn_proto::witnessing::{cosignature_of, look_at};
use tlog_tiles::{Hash, HashReader, prove_tree, stored_hashes, tree_hash};

use super::*;

struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let at = |i: &u64| self.0[usize::try_from(*i).unwrap()];
        Ok(indexes.iter().map(at).collect())
    }
}

/// A log of 40 entries that are those of `variant` from `shared` on.
fn log_of(shared: u64, variant: u8) -> Stored {
    let mut log = Stored(Vec::new());
    for n in 0..40 {
        let variant = if n < shared { 0 } else { variant };
        let more = stored_hashes(n, &[variant, u8::try_from(n).unwrap()], &log).unwrap();
        log.0.extend(more);
    }
    log
}

fn kreft() -> HeadSigner {
    HeadSigner::from_seed("innsyn/kreft", [1; 32]).unwrap()
}

fn signer() -> HeadSigner {
    HeadSigner::from_seed("innsyn/npr", [2; 32]).unwrap()
}

fn head(log: &Stored, size: u64) -> SignedHead {
    SignedHead::sign(size, tree_hash(size, log).unwrap().0, &kreft()).unwrap()
}

impl Proves for Stored {
    async fn prove(&mut self, from: u64, to: u64) -> Result<Vec<LogHash>, SubmitError> {
        let proof = prove_tree(to, from, self).unwrap();
        Ok(proof.into_iter().map(|hash| hash.0).collect())
    }
}

/// A witness; one elsewhere does not show what it has seen.
struct Npr {
    seen: Option<SignedHead>,
    shows: bool,
    asked: usize,
}

impl Npr {
    fn that_saw(log: &Stored, size: u64) -> Self {
        let mut npr = Self {
            seen: None,
            shows: true,
            asked: 0,
        };
        let asked = AddCheckpoint {
            old: 0,
            proof: Vec::new(),
            checkpoint: head(log, size).note().to_vec(),
        };
        npr.seen = Some(npr.look(&asked).unwrap());
        npr
    }

    fn look(&self, asked: &AddCheckpoint) -> Result<SignedHead, innsyn_proto::witnessing::Refused> {
        let key = kreft().public().unwrap();
        look_at(
            asked,
            &key,
            self.seen.as_ref(),
            &signer(),
            Timestamp::from_seconds(1),
        )
    }
}

impl Looks for Npr {
    async fn add(&mut self, asked: &AddCheckpoint) -> Result<Said, SubmitError> {
        self.asked += 1;
        let (status, body) = match self.look(asked) {
            Ok(head) => {
                let body = cosignature_of(&head, &signer().witness().unwrap());
                self.seen = Some(head);
                (200, body)
            }
            Err(refused) => (refused.status(), refused.body().into_bytes()),
        };
        let seen = self.seen.as_ref().filter(|_| self.shows);
        Ok(Said {
            status,
            body,
            seen: seen.map(|head| head.note().to_vec()),
            other_key: false,
        })
    }
}

async fn submitted(
    log: &mut Stored,
    size: u64,
    known: Option<&SignedHead>,
    npr: &mut Npr,
) -> Result<Outcome, SubmitError> {
    let (key, witness) = (kreft().public().unwrap(), signer().witness().unwrap());
    let head = head(log, size);
    let submitted = submit(&head, &key, &witness, known, npr, log).await?;
    Ok(submitted.outcome)
}

#[tokio::test]
async fn a_witness_that_was_shown_more_by_another_gateway_is_followed_along_proofs() {
    let mut log = log_of(40, 0);
    for shows in [true, false] {
        let mut npr = Npr::that_saw(&log, 10);
        npr.shows = shows;
        let outcome = submitted(&mut log, 20, None, &mut npr).await.unwrap();
        let Outcome::Seen(signed) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!((signed.size(), npr.asked), (20, 2));

        let again = submitted(&mut log, 30, Some(&signed), &mut npr).await;
        assert!(matches!(again.unwrap(), Outcome::Seen(signed) if signed.size() == 30));
        assert_eq!(npr.asked, 3);
    }
}

#[tokio::test]
async fn a_witness_that_is_ahead_has_signed_what_ours_is_the_beginning_of() {
    let mut log = log_of(40, 0);
    let mut npr = Npr::that_saw(&log, 30);
    let outcome = submitted(&mut log, 20, None, &mut npr).await.unwrap();
    let Outcome::Seen(seen) = outcome else {
        panic!("{outcome:?}");
    };
    let (key, witness) = (kreft().public().unwrap(), [signer().witness().unwrap()]);
    let signed = SignedHead::read_countersigned(seen.note(), &key, &witness).unwrap();
    assert_eq!((signed.head.size(), signed.by.len()), (30, 1));

    npr.shows = false;
    let outcome = submitted(&mut log, 20, None, &mut npr).await.unwrap();
    assert_eq!(outcome, Outcome::Later);
}

#[tokio::test]
async fn a_fork_is_found_whoever_is_ahead_and_proven_by_what_the_log_signed() {
    for (witness_saw, ours) in [(20, 30), (30, 20), (25, 25)] {
        let (truth, mut forked) = (log_of(40, 0), log_of(15, 1));
        let mut npr = Npr::that_saw(&truth, witness_saw);
        let outcome = submitted(&mut forked, ours, None, &mut npr).await.unwrap();
        let Outcome::Conflict(seen) = outcome else {
            panic!("{witness_saw} {ours}: {outcome:?}");
        };
        let root = tree_hash(witness_saw, &truth).unwrap().0;
        assert_eq!((seen.size(), seen.root()), (witness_saw, root));
        assert_eq!(npr.seen.unwrap().size(), witness_saw, "the witness stays");
    }
}

#[tokio::test]
async fn a_fork_is_disputed_by_a_witness_that_shows_nothing() {
    for (witness_saw, ours, outcome) in [
        (20, 30, Outcome::Disputed),
        (25, 25, Outcome::Disputed),
        (30, 20, Outcome::Later),
    ] {
        let (truth, mut forked) = (log_of(40, 0), log_of(15, 1));
        let mut npr = Npr::that_saw(&truth, witness_saw);
        npr.shows = false;
        let told = submitted(&mut forked, ours, None, &mut npr).await.unwrap();
        assert_eq!(told, outcome, "{witness_saw} {ours}");
    }
}

/// Says whatever it is told to say.
struct Liar(Said);

impl Looks for Liar {
    async fn add(&mut self, _asked: &AddCheckpoint) -> Result<Said, SubmitError> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_witness_that_lies_accuses_nobody_and_signs_nothing() {
    let mut log = log_of(40, 0);
    let (key, witness) = (kreft().public().unwrap(), signer().witness().unwrap());
    let mine = head(&log, 20);
    let forged = SignedHead::sign(20, [9; 32], &signer()).unwrap();
    let other = Npr::that_saw(&log, 10).seen.unwrap();
    for (status, body, seen) in [
        (200, Vec::new(), None),
        (200, cosignature_of(&other, &witness), None),
        (409, b"many\n".to_vec(), None),
        (409, b"10\n".to_vec(), Some(forged.note().to_vec())),
        (422, Vec::new(), Some(forged.note().to_vec())),
        (409, b"10\n".to_vec(), None),
        (409, b"10\n".to_vec(), Some(other.note().to_vec())),
        (500, Vec::new(), None),
    ] {
        let mut liar = Liar(Said {
            status,
            body,
            seen,
            other_key: false,
        });
        let told = submit(&mine, &key, &witness, None, &mut liar, &mut log).await;
        assert!(told.is_err(), "{status}: {told:?}");
    }
}
