//! The real file system: keys, locks and modes.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::secret_file::SecretFileError;

fn files_in(folder: &Path) -> KeyFiles {
    KeyFiles {
        tag: folder.join("tag.key"),
        signing: folder.join("log.key"),
    }
}

fn open_keys(files: &KeyFiles, log: &Path, is_new: bool) -> Result<LogKeys, KeyError> {
    LogKeys::open(files, log, &register(), is_new, &mut salts())
}

#[test]
fn keys_are_made_once_and_only_for_the_agent() {
    let root = tempfile::tempdir().unwrap();
    let (files, log) = (files_in(root.path()), root.path().join("log"));

    let made = open_keys(&files, &log, true).unwrap();
    let read = open_keys(&files, &log, false).unwrap();

    assert_eq!(made.public_text(), read.public_text());
    assert_eq!(
        made.tagger().subject(&person(0)),
        read.tagger().subject(&person(0))
    );
    for file in [&files.tag, &files.signing] {
        let bits = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(bits & 0o777, 0o600);
        std::fs::set_permissions(file, Permissions::from_mode(0o640)).unwrap();
        let refused = open_keys(&files, &log, false);
        assert!(matches!(
            refused,
            Err(KeyError::File(SecretFileError::Readable { .. }))
        ));
        std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn keys_inside_the_log_are_refused_also_through_a_link() {
    let root = tempfile::tempdir().unwrap();
    let log = root.path().join("log");
    std::fs::create_dir(&log).unwrap();
    std::os::unix::fs::symlink(&log, root.path().join("link")).unwrap();
    for inside in [log.clone(), root.path().join("link"), log.join("../log")] {
        let refused = open_keys(&files_in(&inside), &log, true);
        assert!(
            matches!(refused, Err(KeyError::File(SecretFileError::Inside { .. }))),
            "{inside:?}"
        );
    }
    assert!(std::fs::read_dir(&log).unwrap().next().is_none());
}

#[test]
fn an_old_log_without_its_keys_is_not_opened() {
    let root = tempfile::tempdir().unwrap();
    let (files, log) = (files_in(root.path()), root.path().join("log"));
    let missing = open_keys(&files, &log, false);
    assert!(matches!(
        missing,
        Err(KeyError::File(SecretFileError::Missing { .. }))
    ));
    assert!(!files.tag.exists());

    open_keys(&files, &log, true).unwrap();
    let dar = RegisterId::parse("dar").unwrap();
    let other = LogKeys::open(&files, &log, &dar, false, &mut salts());
    assert!(matches!(other, Err(KeyError::OtherLog { .. })));
}

#[tokio::test]
async fn a_log_in_files_is_locked_verified_and_opened_again() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("log");
    let open = || UseLog::open(config(), keys(), FsDisk::open(&folder).unwrap(), salts());
    assert!(is_new(&FsDisk::open(&folder).unwrap()).unwrap());
    let log = open().unwrap();
    let hashes = log.append(records(0..10)).await.unwrap();
    assert_eq!(hashes.len(), 10);
    assert!(FsDisk::open(&folder).is_err(), "two agents in one folder");

    let disk = FsDisk::read_only(&folder);
    let report = verify(&disk, &log_key(), &[], None).unwrap();
    assert_eq!(report.entries, 10);
    assert!(!is_new(&disk).unwrap());
    log.close().await;

    let log = open().unwrap();
    log.append(records(10..20)).await.unwrap();
    log.close().await;
    let report = verify(&disk, &log_key(), &[], None).unwrap();
    assert_eq!((report.entries, report.heads), (20, vec![("head", 20)]));
}
