//! What a witness grants and refuses, in the words of C2SP tlog-witness.

use proptest::prelude::*;
use tlog_tiles::{Hash, HashReader, prove_tree, stored_hashes, tree_hash};

use super::*;

struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let at = |i: &u64| self.0[usize::try_from(*i).unwrap()];
        Ok(indexes.iter().map(at).collect())
    }
}

fn log_of(entries: u64, variant: u8) -> Stored {
    let mut log = Stored(Vec::new());
    for n in 0..entries {
        let more = stored_hashes(n, &[variant, u8::try_from(n % 251).unwrap()], &log).unwrap();
        log.0.extend(more);
    }
    log
}

fn signer(name: &str, seed: u8) -> HeadSigner {
    HeadSigner::from_seed(name, [seed; 32]).unwrap()
}

fn kreft() -> HeadSigner {
    signer("innsyn/kreft", 1)
}

fn npr() -> HeadSigner {
    signer("innsyn/npr", 2)
}

fn head(log: &Stored, size: u64) -> SignedHead {
    let root = tree_hash(size, log).unwrap().0;
    SignedHead::sign(size, root, &kreft()).unwrap()
}

/// A request to go from `old` to `size` entries.
fn asks(log: &Stored, old: u64, size: u64) -> AddCheckpoint {
    let proof = match old {
        0 => Vec::new(),
        _ => prove_tree(size, old, log).unwrap(),
    };
    AddCheckpoint {
        old,
        proof: proof.into_iter().map(|hash| hash.0).collect(),
        checkpoint: head(log, size).note().to_vec(),
    }
}

const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// What the witness `npr` says of a request.
fn looked_at(asked: &AddCheckpoint, seen: Option<&SignedHead>) -> Result<SignedHead, Refused> {
    look_at(asked, &kreft().public().unwrap(), seen, &npr(), AT)
}

#[test]
fn a_log_is_countersigned_as_it_grows_and_the_cosignature_is_read_by_whoever_asked() {
    let log = log_of(40, 0);
    let (log_key, witness) = (kreft().public().unwrap(), npr().witness().unwrap());

    let first = looked_at(&asks(&log, 0, 7), None).unwrap();
    let asked = asks(&log, 7, 40);
    let second = looked_at(&asked, Some(&first)).unwrap();
    let answer = cosignature_of(&second, &witness);
    let read = read_granted(&asked.checkpoint, &log_key, &answer, &witness).unwrap();

    assert_eq!((read.size(), read.note()), (40, second.note()));
    let by_other = signer("innsyn/npr", 3).witness().unwrap();
    assert!(read_granted(&asked.checkpoint, &log_key, &answer, &by_other).is_err());
    let of_other = asks(&log, 7, 39).checkpoint;
    assert!(read_granted(&of_other, &log_key, &answer, &witness).is_err());
}

#[test]
fn what_is_refused_is_refused_with_the_status_that_the_protocol_has_for_it() {
    let (log, other) = (log_of(40, 0), log_of(40, 1));
    let seen = looked_at(&asks(&log, 0, 20), None).unwrap();
    let seen = Some(&seen);
    let with_old = |old, asked: AddCheckpoint| AddCheckpoint { old, ..asked };
    let mut unsigned = asks(&log, 20, 30);
    let by_other = SignedHead::sign(30, [1; 32], &signer("innsyn/kreft", 9)).unwrap();
    unsigned.checkpoint = by_other.note().to_vec();
    let mut no_proof = asks(&log, 20, 30);
    no_proof.proof.clear();
    let mut proof_from_nothing = asks(&log, 0, 30);
    proof_from_nothing.proof = vec![[0; 32]];

    for (why, asked, refused) in [
        ("older than it says", with_old(31, asks(&log, 20, 30)), 400),
        ("a proof from nothing", proof_from_nothing, 400),
        ("another key", unsigned, 403),
        ("another last head", asks(&log, 10, 30), 409),
        ("none seen", asks(&log, 0, 30), 409),
        ("as many, and others", asks(&other, 20, 20), 409),
        ("no proof", no_proof, 422),
        ("rewritten", asks(&other, 20, 30), 422),
    ] {
        let said = looked_at(&asked, seen).unwrap_err();
        assert_eq!(said.status(), refused, "{why}");
        if refused == 409 {
            assert_eq!(read_seen(said.body().as_bytes()), Ok(20), "{why}");
        }
    }
    assert!(
        looked_at(&asks(&log, 20, 20), seen).is_ok(),
        "the same again"
    );
}

#[test]
fn a_cosignature_is_over_the_words_that_c2sp_has() {
    use base64::Engine as _;
    use ed25519_dalek::{Signature, SigningKey, Verifier as _};
    use sha2::{Digest as _, Sha256};

    let countersigned = looked_at(&asks(&log_of(7, 0), 0, 7), None).unwrap();
    let note = std::str::from_utf8(countersigned.note()).unwrap();
    let (text, signatures) = note.rsplit_once("\n\n").unwrap();
    let line = signatures.lines().last().unwrap();

    let bytes = base64::prelude::BASE64_STANDARD
        .decode(line.strip_prefix("— innsyn/npr ").unwrap())
        .unwrap();
    let key = SigningKey::from_bytes(&[2; 32]).verifying_key();
    let id = Sha256::new()
        .chain_update(b"innsyn/npr\n\x04")
        .chain_update(key.as_bytes())
        .finalize();
    assert_eq!(bytes[..4], id[..4]);
    assert_eq!(bytes[4..12], 1_800_000_000_u64.to_be_bytes());
    let signed = format!("cosignature/v1\ntime 1800000000\n{text}\n");
    let signature = Signature::from_slice(&bytes[12..]).unwrap();
    key.verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn a_witness_key_is_written_as_others_read_it_and_no_other_kind_is_one() {
    let key = npr().witness().unwrap();
    assert_eq!(WitnessKey::parse(&key.text()).unwrap().text(), key.text());
    assert_eq!(npr().public().unwrap().witness().text(), key.text());
    assert!(WitnessKey::parse(npr().public_text()).is_err());
    assert!(HeadKey::parse(&key.text()).is_err());
    let other_id = key.text().replacen('+', "+0", 1);
    assert!(WitnessKey::parse(&other_id).is_err());
}

#[test]
fn a_request_reads_back_and_what_is_almost_one_does_not() {
    let asked = asks(&log_of(40, 0), 7, 40);
    let body = asked.to_bytes();
    assert_eq!(AddCheckpoint::parse(&body), Ok(asked.clone()));
    assert_eq!(asked.origin(), Ok("innsyn/kreft".to_owned()));
    let text = String::from_utf8(body).unwrap();
    for broken in [
        text.replacen("old 7", "old 07", 1),
        text.replacen("old 7", "old +7", 1),
        text.replacen("old 7", "old  7", 1),
        text.replacen("old 7", "7", 1),
        text.replacen("\n\n", "\n", 2),
        text.replacen('\n', "\nAAAA\n", 1),
        text.replacen('\n', &format!("\n{}", "A".repeat(REQUEST_BYTES_MAX)), 1),
        String::new(),
    ] {
        assert_eq!(
            AddCheckpoint::parse(broken.as_bytes()),
            Err(Refused::Malformed),
            "{broken}"
        );
    }
}

proptest! {
    #[test]
    fn no_request_makes_a_witness_fail(body in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(asked) = AddCheckpoint::parse(&body) {
            prop_assert_eq!(asked.to_bytes(), body);
        }
    }

    #[test]
    fn a_witness_never_goes_back_or_aside(sizes in prop::collection::vec((1_u64..40, 0_u8..2), 1..12)) {
        let logs = [log_of(40, 0), log_of(40, 1)];
        let mut seen: Option<SignedHead> = None;
        for (size, variant) in sizes {
            let log = &logs[usize::from(variant)];
            let old = seen.as_ref().map_or(0, SignedHead::size);
            let asked = if old <= size { asks(log, old, size) } else { asks(log, 0, size) };
            if let Ok(now) = looked_at(&asked, seen.as_ref()) {
                prop_assert!(now.size() >= old);
                // Logs that differ in every entry are never both seen.
                if let Some(seen) = &seen {
                    let was = [0, 1].map(|n| tree_hash(seen.size(), &logs[n]).unwrap().0 == seen.root());
                    let is = [0, 1].map(|n| tree_hash(now.size(), &logs[n]).unwrap().0 == now.root());
                    prop_assert_eq!(was, is);
                }
                seen = Some(now);
            }
        }
    }
}
