//! What `[pvk]` may say.

use std::path::Path;

use super::super::{Config, ConfigError};
use super::*;

const EXAMPLE: &str = include_str!("../../../agent.example.toml");

/// The example with `[pvk]` on, changed in one place.
fn changed(from: &str, to: &str) -> Result<PvkSection, PvkConfigError> {
    let (before, section) = EXAMPLE.split_once("#[pvk]").unwrap();
    let lines = section.lines().map(|line| match line.strip_prefix('#') {
        Some(off) if !off.starts_with(' ') => off,
        _ => line,
    });
    let section = lines.collect::<Vec<_>>().join("\n");
    assert!(section.contains(from), "{from}");
    let text = format!("{before}[pvk]{}", section.replacen(from, to, 1));
    match Config::parse(&text, Path::new("agent.toml")) {
        Ok(config) => Ok(config.pvk.unwrap()),
        Err(ConfigError::Pvk(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_example_is_in_order_and_its_paths_are_the_files_own() {
    let mut section = changed("", "").unwrap();
    section.resolve(Path::new("/etc/innsyn"));
    assert_eq!(
        section.helseid.key_file,
        Path::new("/etc/innsyn/helseid.key")
    );
    let jwks = Jwks::File("/etc/innsyn/helsenorge-jwks.json".into());
    assert_eq!(section.receiver.jwks, jwks);
    assert_eq!(section.definitions.len(), 1);
}

#[test]
fn nothing_is_sent_in_clear_and_nothing_listens_on_the_network() {
    use PvkConfigError as E;
    let url = "url = \"https://eksternapi.helsenorge.example\"";
    let clear = changed(url, "url = \"http://eksternapi.helsenorge.example\"");
    assert!(matches!(clear, Err(E::Clear { key: "url", .. })));
    for loopback in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
        assert!(changed(url, &format!("url = \"{loopback}\"")).is_ok());
    }
    let clear = changed("https://helseid-sts.nhn.no", "http://helseid-sts.nhn.no");
    assert!(matches!(
        clear,
        Err(E::Clear {
            key: "helseid.issuer",
            ..
        })
    ));
    let clear = changed("helsenorge-jwks.json", "http://sts.helsenorge.example/jwks");
    assert!(matches!(
        clear,
        Err(E::Clear {
            key: "receiver.jwks",
            ..
        })
    ));
    assert!(
        changed(
            "helsenorge-jwks.json",
            "https://sts.helsenorge.example/jwks"
        )
        .is_ok()
    );
    let open = changed("127.0.0.1:9280", "0.0.0.0:9280");
    assert!(matches!(open, Err(E::NotLoopback(_))));
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    use PvkConfigError as E;
    let none = changed("[\"7e1d7a52-71a0-4e0b-9a3c-000000000071\"]", "[]");
    assert!(matches!(none, Err(E::NoDefinition)));
    let never = changed("bulk_every_s = 3_600", "bulk_every_s = 14_400");
    assert!(matches!(
        never,
        Err(E::Age {
            every: 14_400,
            age: 14_400
        })
    ));
    let always = changed("spot_every_s = 600", "spot_every_s = 0");
    assert!(matches!(always, Err(E::Spot { every: 0, .. })));
    let all = changed("spot_persons = 5", "spot_persons = 101");
    assert!(matches!(all, Err(E::Spot { persons: 101, .. })));
    let nobody = changed(
        "client_id = \"00000000-0000-0000-0000-000000000000\"",
        "client_id = \"\"",
    );
    assert!(matches!(nobody, Err(E::Empty("client_id"))));
}
