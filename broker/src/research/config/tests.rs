//! What the section may say.

use super::*;

const GOOD: &str = r#"
listen = "127.0.0.1:8444"
environment = "test"
catalogue = "catalogue.toml"
issuers = [{ issuer = "sts", audience = "innsyn", jwks_file = "jwks.json" }]
permit_issuers = [{ name = "helsedata.no", public_key = "permits.pem" }]
"#;

fn changed(from: &str, to: &str) -> Result<ResearchGatewayConfig, String> {
    assert!(GOOD.contains(from), "the example has no {from}");
    toml::from_str(&GOOD.replace(from, to)).map_err(|error| error.to_string())
}

fn added(line: &str) -> Result<ResearchGatewayConfig, String> {
    changed("environment", &format!("{line}\nenvironment"))
}

#[test]
fn what_is_left_out_has_a_careful_default() {
    let config: ResearchGatewayConfig = toml::from_str(GOOD).unwrap();

    assert_eq!(&*config.scope, "innsyn:research");
    assert_eq!((config.rules.k(), config.rules.base()), (5, 5));
    assert_eq!(config.default_deadline, Duration::from_secs(30));
    assert_eq!(config.refusal_after, Duration::from_millis(50));
    assert_eq!(config.token_times.lifetime_max_s, 3_600);
    assert_eq!(config.ledger, LedgerConfig::default());
}

#[test]
fn each_mistake_is_named() {
    let table = [
        (added("colour = 1"), "unknown field `colour`"),
        (changed("127.0.0.1", "0.0.0.0"), "behind_tls_proxy"),
        (added("smallest_cell = 1"), "a threshold is from 2 to 100"),
        (
            added("rounding_base = 1"),
            "a rounding base is from 2 to 100",
        ),
        (added("default_deadline_ms = 199"), "must be 200 to 600000"),
        (added("runs_in_flight_max = 0"), "runs_in_flight_max"),
        (added("connections_max = 0"), "connections_max"),
        (added("token_skew_s = 61"), "token_skew_s"),
        (
            added("ledger = { kind = 'memory' }"),
            "unknown variant `memory`",
        ),
        (
            added("ledger = { kind = 'sqlite', file = 'a', url_file = 'b' }"),
            "unknown field `url_file`",
        ),
        (
            added("ledger = { kind = 'postgres', url = 'postgres://b:c@d/e' }"),
            "unknown field `url`",
        ),
        (added("scope = 'two words'"), "one word"),
        (
            changed(
                "{ name = \"helsedata.no\", public_key = \"permits.pem\" }",
                "",
            ),
            "no data permit could be accepted",
        ),
    ];
    for (config, told) in table {
        let error = config.unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_permit_issuers_key_that_is_none_is_named_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut config: ResearchGatewayConfig = toml::from_str(GOOD).unwrap();
    config.resolve_paths(folder.path());
    let path = folder.path().join("permits.pem");

    let error = config.open_permit_issuers().unwrap_err();
    assert!(matches!(&error, PermitIssuerError::Unreadable(at, _) if *at == path));
    std::fs::write(&path, "no key").unwrap();
    let error = config.open_permit_issuers().unwrap_err();
    assert!(matches!(&error, PermitIssuerError::Key(at, _) if *at == path));
}
