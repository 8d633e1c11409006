//! Signing, countersigning, and everything that must be refused.

use super::*;
use tlog_tiles::{HashReader, prove_tree, stored_hashes, tree_hash};

struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let at = |i: &u64| self.0[usize::try_from(*i).unwrap()];
        Ok(indexes.iter().map(at).collect())
    }
}

const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

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

fn head(log: &Stored, size: u64) -> SignedHead {
    let root = tree_hash(size, log).unwrap().0;
    SignedHead::sign(size, root, &signer("innsyn/kreft", 1)).unwrap()
}

fn proof(log: &Stored, from: u64, to: u64) -> Vec<LogHash> {
    let proof = prove_tree(to, from, log).unwrap();
    proof.into_iter().map(|hash| hash.0).collect()
}

#[test]
fn a_signed_head_reads_back_with_the_public_key() {
    let signer = signer("innsyn/kreft", 1);
    let head = SignedHead::sign(7, [9; 32], &signer).unwrap();

    let read = SignedHead::read(head.note(), &signer.public().unwrap()).unwrap();

    assert_eq!(read, head);
    assert_eq!((read.origin(), read.size()), ("innsyn/kreft", 7));
}

#[test]
fn a_key_survives_its_file() {
    let text = HeadSigner::secret_from_seed("innsyn/kreft", [3; 32]).unwrap();
    let read = HeadSigner::parse(&text).unwrap();
    assert_eq!(read.public_text(), signer("innsyn/kreft", 3).public_text());
    assert!(HeadSigner::from_seed("two words", [3; 32]).is_err());
    assert!(!format!("{read:?}").contains("PRIVATE"));
}

#[test]
fn a_head_is_countersigned_along_a_proof_and_only_forward() {
    let log = log_of(40, 0);
    let key = signer("innsyn/kreft", 1).public().unwrap();
    let gateway = signer("gateway-1", 2);

    let first = countersign(head(&log, 5).note(), &key, None, &[], &gateway, AT).unwrap();
    let second = countersign(
        head(&log, 33).note(),
        &key,
        Some(&first),
        &proof(&log, 5, 33),
        &gateway,
        AT,
    )
    .unwrap();

    let read =
        SignedHead::read_countersigned(second.note(), &key, &[gateway.witness().unwrap()]).unwrap();
    assert_eq!(
        (read.by, read.unknown),
        (vec![("gateway-1".to_owned(), AT)], 0)
    );
    let back = countersign(
        head(&log, 20).note(),
        &key,
        Some(&second),
        &[],
        &gateway,
        AT,
    );
    assert_eq!(back, Err(HeadError::Shrunk { size: 20, seen: 33 }));
}

#[test]
fn a_rewritten_log_is_not_countersigned() {
    let (log, other) = (log_of(40, 0), log_of(40, 1));
    let key = signer("innsyn/kreft", 1).public().unwrap();
    let gateway = signer("gateway-1", 2);
    let seen = head(&log, 5);

    for (note, proof) in [
        (head(&other, 40), proof(&other, 5, 40)),
        (head(&other, 5), Vec::new()),
        (head(&log, 40), Vec::new()),
        (head(&log, 40), vec![[0; 32]; 500]),
    ] {
        let refused = countersign(note.note(), &key, Some(&seen), &proof, &gateway, AT);
        assert_eq!(refused, Err(HeadError::Inconsistent { seen: 5 }));
    }
}

#[test]
fn a_head_of_another_log_or_by_another_key_is_refused() {
    let head = SignedHead::sign(1, [1; 32], &signer("innsyn/kreft", 1)).unwrap();
    let other_name = signer("innsyn/dar", 1).public().unwrap();
    let other_key = signer("innsyn/kreft", 2).public().unwrap();
    for key in [other_name, other_key] {
        assert_eq!(
            SignedHead::read(head.note(), &key),
            Err(HeadError::Unsigned)
        );
    }
}

#[test]
fn no_flipped_byte_of_a_countersigned_head_goes_unnoticed() {
    let log = signer("innsyn/kreft", 1);
    let gateway = signer("gateway-1", 2);
    let key = log.public().unwrap();
    let keys = [gateway.witness().unwrap()];
    let head = SignedHead::sign(77, [5; 32], &log).unwrap();
    let note = countersign(head.note(), &key, None, &[], &gateway, AT).unwrap();

    for at in 0..note.note().len() {
        for bit in 0..8 {
            let mut flipped = note.note().to_vec();
            flipped[at] ^= 1 << bit;
            let read = SignedHead::read_countersigned(&flipped, &key, &keys);
            let whole = read.is_ok_and(|c| c.by.len() == 1 && c.unknown == 0);
            assert!(!whole, "byte {at} bit {bit}");
        }
    }
}
