//! What a witness accepts, and what it does not.

use innsyn_policy::RegisterId;
use innsyn_proto::head::{HeadError, HeadSigner, SignedHead};

use super::{Witness, WitnessError};

fn kreft() -> RegisterId {
    RegisterId::parse("kreft").unwrap()
}

fn signer(name: &str, seed: u8) -> HeadSigner {
    HeadSigner::from_seed(name, [seed; 32]).unwrap()
}

fn witness(folder: &std::path::Path) -> Witness {
    Witness::new(folder, signer("helsenorge", 9)).unwrap()
}

fn head(size: u64, log: &HeadSigner) -> SignedHead {
    SignedHead::sign(size, [u8::try_from(size).unwrap(); 32], log).unwrap()
}

#[test]
fn a_head_is_kept_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let first = head(5, &log);
    witness(folder.path())
        .witness(&kreft(), log.public_text(), first.note(), &[])
        .unwrap();

    let kept = witness(folder.path()).kept(&kreft()).unwrap().unwrap();
    assert_eq!((kept.size(), kept.root()), (5, first.root()));
}

#[test]
fn a_log_that_became_shorter_is_not_countersigned() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let witness = witness(folder.path());
    witness
        .witness(&kreft(), log.public_text(), head(5, &log).note(), &[])
        .unwrap();

    let error = witness
        .witness(&kreft(), log.public_text(), head(4, &log).note(), &[])
        .unwrap_err();
    assert!(matches!(
        error,
        WitnessError::Head(HeadError::Shrunk { size: 4, seen: 5 })
    ));
    assert_eq!(witness.kept(&kreft()).unwrap().unwrap().size(), 5);
}

#[test]
fn a_log_that_was_rewritten_is_not_countersigned() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let witness = witness(folder.path());
    witness
        .witness(&kreft(), log.public_text(), head(5, &log).note(), &[])
        .unwrap();

    let error = witness
        .witness(
            &kreft(),
            log.public_text(),
            head(6, &log).note(),
            &[[0; 32]],
        )
        .unwrap_err();
    assert!(matches!(
        error,
        WitnessError::Head(HeadError::Inconsistent { seen: 5 })
    ));
}

#[test]
fn a_log_with_another_key_is_not_countersigned() {
    let folder = tempfile::tempdir().unwrap();
    let (log, other) = (signer("innsyn/kreft", 1), signer("innsyn/kreft", 2));
    let witness = witness(folder.path());
    witness
        .witness(&kreft(), log.public_text(), head(5, &log).note(), &[])
        .unwrap();

    let error = witness
        .witness(&kreft(), other.public_text(), head(5, &other).note(), &[])
        .unwrap_err();
    assert!(matches!(error, WitnessError::OtherKey(_)));
}
