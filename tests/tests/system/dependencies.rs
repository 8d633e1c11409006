//! What the project is made of, as `Cargo.lock` has it. (`deny.toml` says more, where cargo-deny
//! is installed.)

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

fn packages() -> Vec<Package> {
    let lock: Lock = toml::from_str(include_str!("../../../Cargo.lock")).unwrap();
    lock.package
}

#[test]
fn there_is_one_tls_stack_and_one_grpc() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        versions
            .entry(package.name)
            .or_default()
            .push(package.version);
    }
    for one in "aws-lc-rs axum h2 hyper prost rustls tokio tonic".split(' ') {
        assert_eq!(versions[one].len(), 1, "{one}: {:?}", versions[one]);
    }
    for none in ["native-tls", "openssl", "openssl-sys"] {
        assert!(!versions.contains_key(none), "{none}");
    }
}

/// policy ◀ proto ◀ broker and agent ◀ sim ◀ tests: broker and agent never know each other.
#[test]
fn the_crates_stand_in_one_line() {
    for (name, below) in [
        ("innsyn-policy", &[][..]),
        ("innsyn-proto", &["policy"]),
        ("innsyn-broker", &["policy", "proto"]),
        ("innsyn-agent", &["policy", "proto"]),
        ("innsyn-sim", &["agent", "broker", "policy", "proto"]),
        (
            "innsyn-tests",
            &["agent", "broker", "policy", "proto", "sim"],
        ),
    ] {
        let packages = packages();
        let package = packages
            .iter()
            .find(|package| package.name == name)
            .unwrap();
        let ours: BTreeSet<_> = package
            .dependencies
            .iter()
            .filter_map(|dependency| dependency.strip_prefix("innsyn-"))
            .collect();
        assert_eq!(ours, below.iter().copied().collect(), "{name}");
    }
}

#[test]
fn policy_knows_no_network_and_no_wire_format() {
    let packages = packages();
    let policy = packages
        .iter()
        .find(|package| package.name == "innsyn-policy")
        .unwrap();
    let names = |dependency: &String| dependency.split(' ').next().map(str::to_owned);
    let names: Vec<_> = policy.dependencies.iter().filter_map(names).collect();
    assert_eq!(names, ["jiff", "proptest", "thiserror"]);
}
