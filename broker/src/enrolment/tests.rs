use std::os::unix::fs::PermissionsExt;

use innsyn_policy::ManualClock;
use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: Duration = Duration::from_hours(24);

fn ca() -> (TempDir, ManualClock) {
    let (folder, clock) = (TempDir::new().unwrap(), ManualClock::new(NOW));
    init(folder.path(), &clock).unwrap();
    (folder, clock)
}

fn identity(uri: &str) -> Identity {
    Identity::parse(uri).unwrap()
}

#[test]
fn a_certificate_names_its_owner_and_the_time_it_is_good_for() {
    let (folder, clock) = ca();
    let out = folder.path().join("kreft");
    let node = identity("innsyn://node/kreft");
    let issued = issue(folder.path(), &node, &[], 90, &out, &clock).unwrap();
    assert_eq!(issued.identity, node);
    assert_eq!(issued.not_after, NOW.plus(90 * DAY));

    let files = innsyn_proto::tls::Credentials::load(&issued.certificate, &issued.key).unwrap();
    assert_eq!(files.certificate.pin, issued.pin);
    assert_eq!(files.certificate.not_before, NOW.minus(BACKDATED_BY));
}

#[test]
fn private_keys_are_readable_by_their_owner_only() {
    let (folder, clock) = ca();
    let out = folder.path().join("gateway");
    let gateway = identity("innsyn://gateway/helsenorge");
    let issued = issue(folder.path(), &gateway, &[], 90, &out, &clock).unwrap();
    let keys = [FEDERATION_KEY_FILE, RELAY_KEY_FILE].map(|file| folder.path().join(file));
    for key in keys.iter().chain([&issued.key]) {
        let mode = key.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", key.display());
    }
}

#[test]
fn nothing_is_overwritten() {
    let (folder, clock) = ca();
    let before = read(&folder.path().join(FEDERATION_KEY_FILE)).unwrap();
    let again = init(folder.path(), &clock);
    assert!(matches!(again, Err(EnrolmentError::Exists(_))));
    let issue = |name: &str| {
        let node = identity(name);
        issue(
            folder.path(),
            &node,
            &[],
            90,
            &folder.path().join("out"),
            &clock,
        )
    };
    issue("innsyn://node/kreft").unwrap();
    let again = issue("innsyn://node/msis");
    assert!(matches!(again, Err(EnrolmentError::Exists(_))));
    assert_eq!(
        read(&folder.path().join(FEDERATION_KEY_FILE)).unwrap(),
        before
    );
}

#[test]
fn only_a_relay_has_host_names() {
    let (folder, clock) = ca();
    let issue = |uri: &str, hosts: &[&str]| {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let out = folder.path().join("out");
        issue(folder.path(), &identity(uri), &hosts, 90, &out, &clock)
    };
    let no_host = issue("innsyn://relay/oslo", &[]);
    assert!(matches!(no_host, Err(EnrolmentError::NoHost)));
    let host = issue("innsyn://node/kreft", &["kreft.example"]);
    assert!(matches!(host, Err(EnrolmentError::HostForRole)));
    let bad = issue("innsyn://relay/oslo", &["a b"]);
    assert!(matches!(bad, Err(EnrolmentError::Name(_))));
    // No identity is a name that a certificate could not carry.
    assert!(Identity::parse("innsyn://node/kreft-").is_err());
    issue("innsyn://relay/oslo", &["relay.example", "127.0.0.1"]).unwrap();
}
