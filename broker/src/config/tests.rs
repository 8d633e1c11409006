//! What a broker configuration may say.

use super::*;
use crate::research::ledger::LedgerConfig;

const EXAMPLE: &str = include_str!("../../broker.example.toml");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("broker.toml"))
}

/// The example with `from` replaced.
fn changed(from: &str, to: &str) -> Result<Config, ConfigError> {
    assert!(EXAMPLE.contains(from), "the example has no {from}");
    parse(&EXAMPLE.replacen(from, to, 1))
}

/// The example without these sections and what belongs to them.
fn without(names: &[&str]) -> Result<Config, ConfigError> {
    let mut example: toml::Table = EXAMPLE.parse().unwrap();
    for name in names {
        example.remove(*name).unwrap();
    }
    parse(&toml::to_string(&example).unwrap())
}

#[test]
fn a_role_runs_if_its_section_is_there() {
    let all = parse(EXAMPLE).unwrap();
    assert!(all.relay.is_some() && all.citizen_gateway.is_some());
    assert!(all.research_gateway.is_some());
    let mut example: toml::Table = EXAMPLE.parse().unwrap();
    example.retain(|name, _| name == "relay");
    let relay = parse(&toml::to_string(&example).unwrap()).unwrap();
    assert!(relay.citizen_gateway.is_none() && relay.research_gateway.is_none());
    assert_eq!(relay.threads, 1);
    let citizens = without(&["relay", "research_gateway"]).unwrap();
    assert!(citizens.relay.is_none() && citizens.citizen_gateway.is_some());
    assert!(citizens.research_gateway.is_none());
    let research = without(&["relay", "citizen_gateway", "notification"]).unwrap();
    assert!(research.relay.is_none() && research.citizen_gateway.is_none());
    assert!(research.research_gateway.is_some());
}

#[test]
fn sections_that_do_nothing_by_themselves_are_refused() {
    assert!(matches!(parse(""), Err(ConfigError::NoRole)));
    assert!(matches!(parse("threads = 1"), Err(ConfigError::NoRole)));
    for gateway in ["citizen_gateway", "research_gateway"] {
        let half = without(&["federation", "notification", gateway]);
        assert!(matches!(half, Err(ConfigError::Half("federation"))));
    }
    let half = without(&["citizen_gateway", "notification", "research_gateway"]);
    assert!(matches!(half, Err(ConfigError::Half("citizen_gateway"))));
    let mut example: toml::Table = EXAMPLE.parse().unwrap();
    example["federation"]["relays"] = toml::Value::Array(Vec::new());
    let unreachable = parse(&toml::to_string(&example).unwrap());
    assert!(matches!(unreachable, Err(ConfigError::NoRelays)));
}

#[test]
fn threads_have_bounds() {
    for threads in [1, 256] {
        let config = changed("threads = 1", &format!("threads = {threads}"));
        assert_eq!(config.unwrap().threads, threads);
    }
    for threads in [0, 257] {
        let refused = changed("threads = 1", &format!("threads = {threads}"));
        assert!(matches!(refused, Err(ConfigError::Threads(it)) if it == threads));
    }
}

#[test]
fn a_key_that_is_not_known_is_named() {
    for section in [
        "[relay]",
        "[citizen_gateway]",
        "[research_gateway]",
        "[federation]",
        "[telemetry]",
    ] {
        let error = changed(
            &format!("\n{section}\n"),
            &format!("\n{section}\ncolour = 1\n"),
        )
        .unwrap_err();
        assert!(matches!(error, ConfigError::Syntax(..)));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("unknown field `colour`"), "{source}");
    }
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.toml");
    assert!(matches!(
        Config::load(&path),
        Err(ConfigError::Unreadable(..))
    ));
    std::fs::write(&path, EXAMPLE).unwrap();
    let config = Config::load(&path).unwrap();

    let relay = config.relay.unwrap();
    let (gateway, federation) = config.citizen_gateway.unwrap();
    let (research, of_research) = config.research_gateway.unwrap();
    let in_folder = |name| folder.path().join(name);
    assert_eq!(relay.certificate, in_folder("relay/certificate.pem"));
    assert_eq!(relay.key, in_folder("relay/key.pem"));
    assert_eq!(relay.federation_ca, in_folder("relay/federation-ca.pem"));
    assert_eq!(gateway.catalogue, in_folder("catalogue.toml"));
    assert_eq!(research.catalogue, in_folder("catalogue.toml"));
    let file = in_folder("ledger.sqlite");
    assert_eq!(research.ledger, LedgerConfig::Sqlite { file });
    assert_eq!(of_research.tls.key, in_folder("gateway/key.pem"));
    assert_eq!(federation.tls.key, in_folder("gateway/key.pem"));
    assert_eq!(federation.heads, in_folder("gateway/heads"));
    assert_eq!(federation.head_key, in_folder("gateway/head.key"));
}

#[test]
fn what_is_off_in_the_example_for_research_is_good_too() {
    let with_it: String = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with("ledger = "))
        .map(|line| line.replacen("# ledger = ", "ledger = ", 1))
        .map(|line| line.replacen("#log_keys = ", "log_keys = ", 1))
        .map(|line| line.replacen("#public_catalogue = ", "public_catalogue = ", 1) + "\n")
        .collect();
    let (research, _) = parse(&with_it).unwrap().research_gateway.unwrap();
    let shared = LedgerConfig::Postgres {
        url_file: "ledger.url".into(),
        ca_file: Some("database-ca.pem".into()),
    };
    assert_eq!(research.ledger, shared);
    assert_eq!(research.log_keys.len(), 1);
    let public = research.public_catalogue.unwrap();
    assert_eq!(public.address(), "https://research.example");
}
