//! What a witness accepts, and what it does not.

use std::sync::Arc;

use innsyn_policy::{Clock, ManualClock, RegisterId, Timestamp};
use innsyn_proto::head::{HeadError, HeadSigner, SignedHead};

use innsyn_proto::witnessing::{AddCheckpoint, Refused};

use super::{Witness, WitnessError};

fn kreft() -> RegisterId {
    RegisterId::parse("kreft").unwrap()
}

fn signer(name: &str, seed: u8) -> HeadSigner {
    HeadSigner::from_seed(name, [seed; 32]).unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)))
}

fn witness(folder: &std::path::Path) -> Witness {
    Witness::new(folder, signer("helsenorge", 9), clock()).unwrap()
}

fn head(size: u64, log: &HeadSigner) -> SignedHead {
    SignedHead::sign(size, [u8::try_from(size).unwrap(); 32], log).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_head_is_kept_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let first = head(5, &log);
    witness(folder.path())
        .witness(&kreft(), log.public_text(), first.note(), &[])
        .await
        .unwrap();

    let kept = witness(folder.path()).kept(&kreft()).unwrap();
    assert_eq!((kept.size(), kept.root()), (5, first.root()));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_became_shorter_is_not_countersigned() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let witness = witness(folder.path());
    witness
        .witness(&kreft(), log.public_text(), head(5, &log).note(), &[])
        .await
        .unwrap();

    let error = witness
        .witness(&kreft(), log.public_text(), head(4, &log).note(), &[])
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        WitnessError::Head(HeadError::Shrunk { size: 4, seen: 5 })
    ));
    assert_eq!(witness.kept(&kreft()).unwrap().size(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_rewritten_is_not_countersigned() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let witness = witness(folder.path());
    witness
        .witness(&kreft(), log.public_text(), head(5, &log).note(), &[])
        .await
        .unwrap();

    let error = witness
        .witness(
            &kreft(),
            log.public_text(),
            head(6, &log).note(),
            &[[0; 32]],
        )
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        WitnessError::Head(HeadError::Inconsistent { seen: 5 })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_log_with_another_key_is_not_countersigned() {
    let folder = tempfile::tempdir().unwrap();
    let (log, other) = (signer("innsyn/kreft", 1), signer("innsyn/kreft", 2));
    let witness = witness(folder.path());
    witness
        .witness(&kreft(), log.public_text(), head(5, &log).note(), &[])
        .await
        .unwrap();

    let error = witness
        .witness(&kreft(), other.public_text(), head(5, &other).note(), &[])
        .await
        .unwrap_err();
    assert!(matches!(error, WitnessError::OtherKey));
}

#[tokio::test(start_paused = true)]
async fn what_others_have_seen_is_kept_across_restarts_and_with_new_heads() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let witness = witness(folder.path());
    let show = async |size, proof: &[_]| {
        let head = head(size, &log);
        witness
            .witness(&kreft(), log.public_text(), head.note(), proof)
            .await
            .unwrap()
    };
    let seen = show(5, &[]).await;
    let npr = signer("innsyn/npr", 2).witness().unwrap();
    witness.keep_other(&kreft(), npr.clone(), seen).unwrap();
    show(5, &[]).await;
    witness.save().await.unwrap();

    for witness in [witness, super::tests::witness(folder.path())] {
        let [other] = &witness.seen_by_others(&kreft())[..] else {
            panic!("one other");
        };
        assert_eq!((other.key.text(), other.head.size()), (npr.text(), 5));
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_submitted_moves_what_is_kept_and_only_forward() {
    let folder = tempfile::tempdir().unwrap();
    let log = signer("innsyn/kreft", 1);
    let witness = witness(folder.path());
    let asks = |old, size| AddCheckpoint {
        old,
        proof: Vec::new(),
        checkpoint: head(size, &log).note().to_vec(),
    };
    let unknown = witness.add_checkpoint(&asks(0, 5)).await;
    assert!(matches!(
        unknown,
        Err(WitnessError::Refused(Refused::UnknownLog))
    ));
    witness
        .witness(&kreft(), log.public_text(), head(5, &log).note(), &[])
        .await
        .unwrap();
    let signed = witness.add_checkpoint(&asks(5, 5)).await.unwrap();
    assert!(signed.starts_with("— helsenorge ".as_bytes()));
    let rewritten = witness.add_checkpoint(&asks(5, 6)).await;
    assert!(matches!(
        rewritten,
        Err(WitnessError::Refused(Refused::Inconsistent))
    ));
    assert_eq!(witness.kept(&kreft()).unwrap().size(), 5);
}

/// Twenty registers' heads come at once, and again: each is on disk when it is countersigned, and
/// the file is written for all of them together.
#[tokio::test(start_paused = true)]
async fn heads_that_come_together_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let witness = witness(folder.path());
    let began = tokio::time::Instant::now();
    let all = (0..20).map(|number| {
        let witness = &witness;
        let folder = folder.path();
        async move {
            let register = RegisterId::parse(&format!("register-{number}")).unwrap();
            let log = signer(&format!("innsyn/{register}"), number);
            let first = head(5, &log);
            let given = witness
                .witness(&register, log.public_text(), first.note(), &[])
                .await
                .unwrap();
            let on_disk = super::head_in(folder, &register).unwrap().unwrap();
            assert_eq!(on_disk.note(), given.note());
        }
    });
    futures::future::join_all(all).await;
    assert!(began.elapsed() < std::time::Duration::from_millis(500));
}

#[test]
fn a_file_of_heads_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("heads.json"), "{\"kreft\": 1}").unwrap();
    assert!(matches!(
        Witness::new(folder.path(), signer("helsenorge", 9), clock()),
        Err(super::KeptHeadsError::Malformed(..))
    ));
    let (log, other) = (signer("innsyn/kreft", 1), signer("innsyn/kreft", 2));
    let row = serde_json::json!({
        "log_key": log.public_text(),
        "head": String::from_utf8_lossy(head(5, &other).note()),
    });
    let file = serde_json::json!({ "kreft": row });
    std::fs::write(folder.path().join("heads.json"), file.to_string()).unwrap();
    assert!(matches!(
        Witness::new(folder.path(), signer("helsenorge", 9), clock()),
        Err(super::KeptHeadsError::Head { .. })
    ));
}
