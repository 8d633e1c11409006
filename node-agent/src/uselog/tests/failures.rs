//! Full and failing disks, below the thread.

use std::io::ErrorKind;

use super::*;

fn failed(operation: &'static str) -> LogUnavailableError {
    LogUnavailableError::Failed {
        operation,
        file: "00000000.seg".to_owned(),
        kind: ErrorKind::Other,
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let disk = SimDisk::new(3);
    let mut log = open(disk.clone()).unwrap();
    log.commit(records(0..5).iter()).unwrap();
    let used: usize = disk.files().values().map(Vec::len).sum();
    for free in [0, 1, 20, 100, 695] {
        disk.set_capacity((used + free) as u64);
        let refused = log.commit(records(5..10).iter());
        assert_eq!(refused, Err(LogUnavailableError::DiskFull), "{free} free");
        assert_eq!(log.state(), &Err(LogUnavailableError::DiskFull));
        let report = check(&disk).unwrap();
        assert_eq!((report.entries, report.unfinished_bytes), (5, 0));
    }

    disk.set_capacity(u64::MAX);
    log.commit(records(5..10).iter()).unwrap();

    assert_eq!(log.state(), &Ok(()));
    assert_eq!(check(&disk.after_crash()).unwrap().entries, 10);
}

#[test]
fn a_failed_sync_is_final_until_the_log_is_opened_again() {
    let disk = SimDisk::new(4);
    let mut log = open(disk.clone()).unwrap();
    log.commit(records(0..5).iter()).unwrap();

    disk.fail_syncs(Some(ErrorKind::Other));
    let refused = log.commit(records(5..6).iter());
    disk.fail_syncs(None);

    assert_eq!(refused, Err(failed("sync")));
    assert_eq!(log.commit(records(6..7).iter()), Err(failed("sync")));
    assert!(log.sign_head().is_err());
}

/// The page cache still shows the frame whose sync failed, and the disk never got it. Opened
/// again without a crash, the log must not build on it.
#[test]
fn what_only_the_page_cache_has_is_made_safe_before_anything_follows() {
    for seed in 0..50 {
        let disk = SimDisk::new(seed);
        let mut log = open(disk.clone()).unwrap();
        log.commit(records(0..5).iter()).unwrap();
        disk.fail_syncs(Some(ErrorKind::Other));
        assert!(log.commit(records(5..9).iter()).is_err());
        disk.fail_syncs(None);

        let mut log = open(disk.clone()).unwrap();
        assert_eq!(log.size(), 9);
        log.commit(records(9..12).iter()).unwrap();

        let after = disk.after_crash();
        assert_eq!(open(after.clone()).unwrap().size(), 12, "seed {seed}");
        assert_eq!(check(&after).unwrap().entries, 12);
    }
}

#[test]
fn a_write_that_fails_leaves_nothing_behind_and_is_final() {
    let disk = SimDisk::new(5);
    let mut log = open(disk.clone()).unwrap();
    log.commit(records(0..5).iter()).unwrap();
    disk.fail_writes(Some(ErrorKind::Other));
    assert_eq!(log.commit(records(5..6).iter()), Err(failed("write")));
    disk.fail_writes(None);
    assert_eq!(log.commit(records(5..6).iter()), Err(failed("write")));
    assert_eq!(check(&disk).unwrap().entries, 5);
}

#[test]
fn proofs_lead_from_every_head_to_every_later_one() {
    let disk = SimDisk::new(6);
    let mut log = open(disk).unwrap();
    let mut heads = Vec::new();
    for n in 0..12 {
        log.commit(records(n * 3..n * 3 + 3).iter()).unwrap();
        heads.push(log.sign_head().unwrap().unwrap());
    }
    for (later, head) in heads.iter().enumerate() {
        for seen in &heads[..=later] {
            let proof = log.consistency(seen.size(), head.size()).unwrap();
            innsyn_proto::head::check_continues(head, seen, &proof).unwrap();
        }
    }
    assert!(log.consistency(3, 37).is_err());
    assert!(log.consistency(4, 3).is_err());
}

#[test]
fn only_own_heads_with_a_known_countersignature_are_kept() {
    let disk = SimDisk::new(7);
    let mut log = open(disk.clone()).unwrap();
    log.commit(records(0..5).iter()).unwrap();
    let head = log.sign_head().unwrap().unwrap();
    let forged = SignedHead::sign(5, [1; 32], &keys().signer).unwrap();

    assert_eq!(
        log.add_countersigned(head.note()),
        Err(CountersignError::NotCountersigned)
    );
    assert_eq!(
        log.add_countersigned(&countersign(&forged)),
        Err(CountersignError::NotOurs { size: 5 })
    );
    log.add_countersigned(&countersign(&head)).unwrap();

    let kept = open(disk).unwrap().heads().1.cloned().unwrap();
    assert_eq!(kept.root(), head.root());
}
