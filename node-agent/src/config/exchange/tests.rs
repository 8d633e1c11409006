//! What `[exchange]` may say.

use std::path::Path;

use super::super::{Config, ConfigError};
use super::ExchangeConfigError as E;

/// The example's section, switched on, with `from` replaced.
fn changed(from: &str, to: &str) -> Result<Config, ConfigError> {
    let example = include_str!("../../../agent.example.toml");
    let (before, section) = example.split_once("#[exchange]").expect("the section");
    let on: Vec<&str> = section
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key,
            _ => line,
        })
        .collect();
    let section = on.join("\n");
    assert!(section.contains(from), "the example has no {from}");
    let text = format!("{before}[exchange]\n{}", section.replacen(from, to, 1));
    Config::parse(&text, Path::new("agent.toml"))
}

fn refused(from: &str, to: &str) -> E {
    match changed(from, to) {
        Err(ConfigError::Exchange(error)) => error,
        other => panic!("`{to}` is refused, not {:?}", other.map(|_| "taken")),
    }
}

#[test]
fn the_examples_section_is_read_as_it_says_and_names_every_key() {
    let config = changed("", "").unwrap();
    let section = config.exchange.expect("it is on");
    assert_eq!(section.her_id().unwrap().number(), 80_001);
    let queue = section.reply_queue().unwrap().expect("a queue");
    assert_eq!(queue.as_str(), "80001_syncreply");
    assert_eq!(section.host(), Some("sb.nhn.no"));
    assert_eq!(section.freshness().fresh.as_secs(), 300);
    assert_eq!(section.freshness().outlive.as_secs(), 43_200);
    assert_eq!(section.release_after_s, 30);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_key() {
    let address = "address = \"sb.nhn.no:5671\"";
    for wrong in ["sb.nhn.no", "sb.nhn.no:0", ":5671", "sb.nhn.no:70000"] {
        let error = refused(address, &format!("address = \"{wrong}\""));
        assert!(matches!(error, E::Address(_)), "{error}");
    }
    let clear = refused("tls = \"required\"", "tls = \"disabled\"");
    assert!(matches!(clear, E::ClearOnNetwork(_)), "{clear}");
    let no_ca = refused("ca_file = \"exchange-ca.pem\"\n", "");
    assert!(matches!(no_ca, E::NoCa), "{no_ca}");
    let nobody = refused("her_id = 80001", "her_id = 0");
    assert!(matches!(nobody, E::Value { key: "her_id", .. }), "{nobody}");
    let path = refused("namespace = \"NHNPRODServiceBus\"", "namespace = \"a/b\"");
    assert!(
        matches!(
            path,
            E::Value {
                key: "namespace",
                ..
            }
        ),
        "{path}"
    );
    let none = refused("register_ids = [\"KREFT\"]", "register_ids = []");
    assert!(matches!(none, E::NoRegisterId), "{none}");
    let pair = "{ certificate = \"exchange-crypt.pem\", key = \"exchange-crypt.key\" }";
    let three = refused(pair, &[pair; 3].join(", "));
    assert!(matches!(three, E::Decryption(3)), "{three}");
    let old = refused("parties_outlive_s = 43_200", "parties_outlive_s = 299");
    assert!(matches!(old, E::Freshness { .. }), "{old}");
    let patient = refused("release_after_s = 30", "release_after_s = 601");
    assert!(matches!(patient, E::ReleaseAfter(601)), "{patient}");
    let loopback = changed(
        "address = \"sb.nhn.no:5671\"\ntls = \"required\"",
        "address = \"[::1]:5672\"\ntls = \"disabled\"",
    );
    assert!(loopback.is_ok());
}
