//! What a broker configuration may say.

use std::fmt::Write as _;
use std::path::Path;

use super::{Config, ConfigError};

const EXAMPLE: &str = include_str!("../../broker.example.toml");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("broker.toml"))
}

/// The example with what is commented out put in force.
fn with_defaults() -> String {
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        let key = line.strip_prefix("# ").filter(|line| is_setting(line));
        writeln!(text, "{}", key.unwrap_or(line)).unwrap();
    }
    text
}

fn is_setting(line: &str) -> bool {
    let key = line.split(" = ").next().unwrap_or_default();
    let is_key = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    line.ends_with(".limits]") || line.contains(" = ") && key.chars().all(is_key)
}

#[test]
fn the_example_is_a_configuration_of_both_roles() {
    let config = parse(EXAMPLE).expect("the example");
    assert!(config.relay.is_some() && config.citizen_gateway.is_some());
}

#[test]
fn the_defaults_that_the_example_tells_are_the_defaults() {
    let text = with_defaults();
    // Two of them are no defaults: what is served, and threads where there is a gateway.
    let text = text.replace("registers = [", "# registers = [");
    let (told, real) = (
        parse(&text).expect("with defaults"),
        parse(EXAMPLE).unwrap(),
    );
    assert_eq!(told.threads, 1);
    assert_eq!(format!("{:?}", told.relay), format!("{:?}", real.relay));
    assert_eq!(
        format!("{:?}", told.citizen_gateway),
        format!("{:?}", real.citizen_gateway)
    );
}

#[test]
fn a_role_needs_all_of_it() {
    let (relay, gateway) = EXAMPLE.split_once("[citizen_gateway]\n").unwrap();
    let only_relay = parse(relay).expect("a relay alone");
    assert_eq!(
        (only_relay.threads, only_relay.citizen_gateway.is_none()),
        (1, true)
    );
    let half = format!(
        "[citizen_gateway]\n{}",
        gateway.split_once("[federation]").unwrap().0
    );
    assert!(matches!(parse(&half), Err(ConfigError::Half("federation"))));
    assert!(matches!(parse("threads = 1"), Err(ConfigError::NoRole)));
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let cases = [
        (
            "tls = { certificate_file",
            "# tls = { certificate_file",
            "behind_tls_proxy",
        ),
        (
            "gateways = [\"helsenorge\"]",
            "gateways = []",
            "name at least one",
        ),
        ("# threads = 1", "threads = 0", "threads"),
        ("jwks_url = \"https", "jwks_url = \"http", "jwks_url"),
        (
            "# default_deadline_ms = 3000",
            "default_deadline_ms = 100",
            "200 to 10000",
        ),
        ("# scope = ", "scoep = ", "scoep"),
    ];
    for (from, to, names) in cases {
        let text = EXAMPLE.replace(from, to);
        assert_ne!(text, EXAMPLE, "{from}");
        let mut error: &dyn std::error::Error = &parse(&text).expect_err(to);
        let mut said = error.to_string();
        while let Some(source) = error.source() {
            write!(said, ": {source}").unwrap();
            error = source;
        }
        assert!(said.contains(names), "{to}: {said}");
    }
}
