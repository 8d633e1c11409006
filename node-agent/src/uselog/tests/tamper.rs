//! Whatever is changed in a log is found and named.

use rand::RngExt as _;

use super::*;
use crate::uselog::audit::{HEAD, segment_name};

const FRAME_OVERHEAD: usize = 56;

fn flip(files: &Files, name: &str, at: usize, bit: u8) -> Files {
    let mut flipped = files.clone();
    flipped.get_mut(name).unwrap()[at] ^= 1 << bit;
    flipped
}

/// Recomputes the frame's checksum, as somebody would who wants to hide a change.
fn reseal(segment: &mut [u8], frame: std::ops::Range<usize>) {
    let crc = crc32fast::hash(&segment[frame.start..frame.end - 4]);
    segment[frame.end - 4..frame.end].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn a_whole_log_holds() {
    let files = log_of(300, 7, 9000);
    let report = check(&SimDisk::with_files(&files)).unwrap();
    assert_eq!((report.entries, report.commits), (300, 43));
    assert_eq!(
        (report.unfinished_bytes, report.hashes_missing_from),
        (0, None)
    );
    assert_eq!(report.heads, [("head", 300), ("countersigned", 154)]);
}

/// Flips every byte of the files that `chosen` names, one at a time.
fn every_flip_is_found(chosen: impl Fn(&str) -> bool) {
    let files = log_of(300, 7, 9000);
    let names: Vec<&String> = files.keys().filter(|name| chosen(name)).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        for at in 0..files[name].len() {
            let flipped = flip(&files, name, at, u8::try_from(at % 8).unwrap());
            let fault = fault_in(&flipped).unwrap_or_else(|| panic!("{name}, byte {at}"));
            assert_eq!(&fault.file, name, "byte {at}: {fault}");
        }
    }
}

#[test]
fn every_flipped_byte_of_the_segments_is_found_and_its_file_named() {
    every_flip_is_found(|name| name.starts_with('0'));
}

#[test]
fn every_flipped_byte_of_the_hashes_and_heads_is_found_and_its_file_named() {
    every_flip_is_found(|name| !name.starts_with('0'));
}

#[test]
fn random_flips_in_a_large_log_are_found() {
    let files = log_of(4000, 64, 100_000);
    let mut random = StdRng::seed_from_u64(4000);
    let total: usize = files.values().map(Vec::len).sum();
    for _ in 0..2000 {
        let mut at = random.random_range(0..total);
        let (name, _) = files
            .iter()
            .find(|(_, bytes)| {
                let here = at < bytes.len();
                at -= if here { 0 } else { bytes.len() };
                here
            })
            .unwrap();
        let flipped = flip(&files, name, at, random.random_range(0..8));
        let fault = fault_in(&flipped).unwrap_or_else(|| panic!("{name}, byte {at}"));
        assert_eq!(&fault.file, name, "byte {at}: {fault}");
    }
}

#[test]
fn a_changed_entry_is_named_by_its_number_even_under_a_new_checksum() {
    let files = log_of(40, 10, 1 << 20);
    let frame = FRAME_OVERHEAD + 10 * ENTRY_BYTES;
    let mut changed = flip(
        &files,
        &segment_name(0),
        frame + 20 + 3 * ENTRY_BYTES + 9,
        0,
    );
    let plain = fault_in(&changed).unwrap();
    reseal(changed.get_mut(&segment_name(0)).unwrap(), frame..2 * frame);
    let resealed = fault_in(&changed).unwrap();

    assert_eq!((plain.entry, plain.check), (Some(13), Check::Checksum));
    assert_eq!((resealed.entry, resealed.check), (Some(13), Check::Root));
    assert_eq!(resealed.offset, frame as u64);
}

#[test]
fn two_swapped_entries_are_found_even_under_a_new_checksum() {
    let files = log_of(40, 10, 1 << 20);
    let frame = FRAME_OVERHEAD + 10 * ENTRY_BYTES;
    let entry = |n: usize| 20 + n * ENTRY_BYTES..20 + (n + 1) * ENTRY_BYTES;
    let mut swapped = files.clone();
    let segment = swapped.get_mut(&segment_name(0)).unwrap();
    let (a, b) = (segment[entry(2)].to_vec(), segment[entry(5)].to_vec());
    segment[entry(2)].copy_from_slice(&b);
    segment[entry(5)].copy_from_slice(&a);
    assert_eq!(fault_in(&swapped).unwrap().entry, Some(2));
    reseal(swapped.get_mut(&segment_name(0)).unwrap(), 0..frame);
    let fault = fault_in(&swapped).unwrap();
    assert_eq!((fault.entry, fault.check), (Some(2), Check::Root));
}

#[test]
fn a_log_written_anew_is_found_by_the_heads() {
    let files = log_of(40, 10, 1 << 20);
    let other = SimDisk::new(0);
    let mut log = open(other.clone()).unwrap();
    for n in 0..4 {
        log.commit(records(100 + n * 10..110 + n * 10).iter())
            .unwrap();
    }
    let mut forged = other.files();
    forged.insert(HEAD.to_owned(), files[HEAD].clone());
    let fault = fault_in(&forged).unwrap();
    assert_eq!(fault.check, Check::HeadRoot { size: 40 });
}

#[test]
fn truncation_at_every_frame_and_in_every_frame_is_found() {
    let files = log_of(300, 7, 1 << 20);
    let name = segment_name(0);
    let frame = FRAME_OVERHEAD + 7 * ENTRY_BYTES;
    let whole = files[&name].len();
    for cut in (0..whole).filter(|cut| (cut % frame).is_multiple_of(101)) {
        let mut truncated = files.clone();
        truncated.get_mut(&name).unwrap().truncate(cut);
        let fault = fault_in(&truncated).unwrap_or_else(|| panic!("cut at {cut}"));
        assert!(matches!(fault.check, Check::Shortened { .. }), "{fault}");
        let opened = open(SimDisk::with_files(&truncated));
        assert!(opened.is_err(), "opened after a cut at {cut}");
        // The hashes alone are enough to tell.
        truncated.retain(|name, _| name != "head" && name != "countersigned");
        assert!(fault_in(&truncated).is_some(), "cut at {cut}");
    }
}

#[test]
fn shortened_hashes_and_missing_files_are_found() {
    let files = log_of(300, 7, 9000);
    for cut in (0..files["hashes"].len()).step_by(29) {
        let mut truncated = files.clone();
        truncated.get_mut("hashes").unwrap().truncate(cut);
        let fault = fault_in(&truncated).unwrap();
        assert_eq!(
            (fault.file, fault.check),
            ("hashes".to_owned(), Check::HashesShort { head: 300 })
        );
    }
    for name in files.keys().filter(|name| *name != "countersigned") {
        let mut without = files.clone();
        without.remove(name);
        assert!(fault_in(&without).is_some(), "{name} is missing");
    }
}

#[test]
fn an_older_copy_is_found_with_the_countersigned_head() {
    let older = log_of(100, 10, 1 << 20);
    // The same log later: commits are the same from the same seed.
    let disk = SimDisk::with_files(&older);
    let mut log = Writer::open(disk, config(), keys(), StdRng::seed_from_u64(2)).unwrap();
    log.commit(records(100..110).iter()).unwrap();
    let head = countersign(&log.sign_head().unwrap().unwrap());

    let disk = SimDisk::with_files(&older);
    let countersigners = [gateway_key()];
    assert!(verify(&disk, &log_key(), &countersigners, None).is_ok());
    match verify(&disk, &log_key(), &countersigners, Some(&head)) {
        Err(AuditError::Fault(fault)) => assert_eq!(
            (fault.entry, fault.check),
            (
                Some(100),
                Check::Shortened {
                    has: 100,
                    witness: "given head".to_owned()
                }
            )
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stored_countersignature_must_be_by_a_known_gateway() {
    let disk = SimDisk::with_files(&log_of(30, 10, 1 << 20));
    match verify(&disk, &log_key(), &[], None) {
        Err(AuditError::Fault(fault)) => assert_eq!(fault.check, Check::Countersignature),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_but_the_shape_of_a_crash_is_mended() {
    // Without heads and with only the hashes of ten entries, the second frame is in doubt.
    let mut files = log_of(20, 10, 1 << 20);
    files.retain(|name, _| name != "head" && name != "countersigned");
    files.get_mut("hashes").unwrap().truncate(18 * 32);
    let name = segment_name(0);
    let frame = FRAME_OVERHEAD + 10 * ENTRY_BYTES;

    let mut torn = files.clone();
    torn.get_mut(&name).unwrap()[frame + 176..frame + 688].fill(0);
    assert_eq!(frame % 512, 312, "the zeros above are whole sectors");
    torn.get_mut(&name).unwrap()[frame + 200..frame + 712].fill(0);
    assert_eq!(open(SimDisk::with_files(&torn)).unwrap().size(), 10);

    for at in frame..2 * frame - 4 {
        let flipped = flip(&files, &name, at, 3);
        assert!(open(SimDisk::with_files(&flipped)).is_err(), "byte {at}");
    }
    let mut first = files.clone();
    first.get_mut(&name).unwrap()[..512].fill(0);
    assert!(open(SimDisk::with_files(&first)).is_err());
}

#[test]
fn lost_or_wrong_hashes_are_made_anew_when_the_log_is_opened() {
    let files = log_of(300, 7, 9000);
    let mut lost = files.clone();
    lost.remove("hashes");
    let mut wrong = files.clone();
    wrong.get_mut("hashes").unwrap()[4000] ^= 1;
    let mut short = files.clone();
    short.get_mut("hashes").unwrap().truncate(5001);
    for damaged in [lost, wrong, short] {
        let disk = SimDisk::with_files(&damaged);
        open(disk.clone()).unwrap();
        assert_eq!(disk.files(), files);
    }
}
