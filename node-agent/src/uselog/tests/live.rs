//! The log with its thread.

use std::io::ErrorKind;

use super::*;

fn live(disk: &SimDisk) -> UseLog {
    UseLog::open(config(), keys(), disk.clone(), salts()).unwrap()
}

#[tokio::test]
async fn promise_4_no_answer_without_an_entry() {
    let disk = SimDisk::new(1);
    let log = live(&disk);
    let mut status = log.status();
    log.append(records(0..3)).await.unwrap();
    assert_eq!(*status.borrow_and_update(), LogStatus::Ready);

    disk.fail_syncs(Some(ErrorKind::Other));
    let refused = log.append(records(3..4)).await;

    assert!(matches!(refused, Err(LogUnavailableError::Failed { .. })));
    let reason = LogStatus::Unavailable(refused.unwrap_err());
    assert_eq!(*status.borrow_and_update(), reason);
    assert!(log.append(records(4..5)).await.is_err());
}

#[tokio::test]
async fn promise_4_a_full_disk_stops_answers_until_there_is_room() {
    let disk = SimDisk::new(2);
    let log = live(&disk);
    disk.set_capacity(0);
    let refused = log.append(records(0..1)).await;
    assert_eq!(refused, Err(LogUnavailableError::DiskFull));
    let full = LogStatus::Unavailable(LogUnavailableError::DiskFull);
    assert_eq!(*log.status().borrow(), full);

    disk.set_capacity(u64::MAX);
    log.append(records(0..1)).await.unwrap();
    assert_eq!(*log.status().borrow(), LogStatus::Ready);
}

#[tokio::test]
async fn appends_keep_their_order_and_get_their_own_hashes() {
    let disk = SimDisk::new(3);
    let log = live(&disk);
    let appends = (0..50).map(|n| log.append(records(n * 4..n * 4 + 1 + n % 4)));
    let hashes: Vec<LogHash> = futures::future::join_all(appends)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    log.close().await;

    let stored = disk.files()["hashes"].clone();
    assert_eq!(hashes.len(), 123);
    for (n, hash) in (0..).zip(hashes) {
        let at = usize::try_from(tlog_tiles::stored_hash_index(0, n)).unwrap() * 32;
        assert_eq!(stored[at..at + 32], hash);
    }
    assert_eq!(log.metrics().entries, 123);
    assert_eq!(log.metrics().queued_entries, 0);
    assert!(log.metrics().commits <= 50);
}

#[tokio::test]
async fn what_nobody_waits_for_is_written_all_the_same() {
    let disk = SimDisk::new(4);
    let log = live(&disk);
    let mut append = Box::pin(log.append(records(0..2)));
    assert!(futures::poll!(&mut append).is_pending() || disk.syncs() > 0);
    drop(append);
    log.close().await;
    assert_eq!(check(&disk).unwrap().entries, 2);
    assert_eq!(
        log.append(records(2..3)).await,
        Err(LogUnavailableError::Closed)
    );
}

#[tokio::test]
async fn more_than_one_frame_is_written_as_several() {
    let disk = SimDisk::new(5);
    let log = live(&disk);
    let many = FRAME_ENTRIES_MAX as u64 + 10;
    let hashes = log.append(records(0..many)).await.unwrap();
    assert_eq!(hashes.len() as u64, many);
    assert_eq!(log.metrics().commits, 2);
    // The bound of entries, not the clock, asked for this head.
    let mut heads = log.heads();
    let head = heads.wait_for(Option::is_some).await.unwrap().clone();
    assert!(head.unwrap().size() >= HEAD_ENTRIES_MAX);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let disk = SimDisk::new(6);
    let log = live(&disk);
    let room = u32::try_from(log.queue_entries_max).unwrap();
    let taken = log.room.try_acquire_many(room - 1).unwrap();
    let refused = log.append(records(0..2)).await;
    assert!(matches!(refused, Err(LogUnavailableError::Busy { .. })));
    drop(taken);
    log.append(records(0..2)).await.unwrap();
}

#[tokio::test]
async fn a_head_is_signed_proven_countersigned_and_kept() {
    let disk = SimDisk::new(7);
    let log = live(&disk);
    log.append(records(0..5)).await.unwrap();
    let mut heads = log.heads();
    let first = heads
        .wait_for(Option::is_some)
        .await
        .unwrap()
        .clone()
        .unwrap();
    assert_eq!((first.origin(), first.size()), ("innsyn/kreft", 5));
    log.append(records(5..9)).await.unwrap();
    let second = heads
        .wait_for(|head| head.as_ref().is_some_and(|head| head.size() == 9))
        .await
        .unwrap()
        .clone()
        .unwrap();

    let proof = log.consistency(5, 9).await.unwrap();
    let note = innsyn_proto::head::countersign(
        second.note(),
        &log_key(),
        Some(&first),
        &proof,
        &gateway(),
        AT,
    )
    .unwrap();
    log.add_countersigned(note.note().to_vec()).await.unwrap();

    assert_eq!(log.countersigned().borrow().as_ref().unwrap().size(), 9);
    log.close().await;
    assert_eq!(
        check(&disk).unwrap().heads,
        [("head", 9), ("countersigned", 9)]
    );
}

#[test]
fn a_lone_append_never_waits_and_company_is_waited_for_in_bounds() {
    let limit = Duration::from_millis(2);
    let mut gather = Gather::new(limit);
    assert_eq!(gather.linger(1), Duration::ZERO);
    gather.committed(1, 0, Duration::from_millis(1));
    assert_eq!(gather.linger(1), Duration::ZERO, "alone");
    gather.committed(1, 3, Duration::from_millis(1));
    assert_eq!(gather.linger(1), Duration::from_millis(1), "as a commit");
    assert_eq!(gather.linger(4), Duration::ZERO, "all there");
    gather.committed(4, 0, Duration::from_secs(1));
    assert_eq!(gather.linger(3), limit, "never longer");
    gather.committed(1, 0, Duration::from_secs(1));
    assert_eq!(gather.linger(1), Duration::ZERO, "alone again");
}
