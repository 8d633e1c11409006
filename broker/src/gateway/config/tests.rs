//! What the section may say.

use super::*;

const GOOD: &str = r#"
listen = "127.0.0.1:8443"
environment = "test"
catalogue = "catalogue.toml"
issuers = [{ issuer = "sts", audience = "innsyn", jwks_file = "jwks.json" }]
clients = [{ client_id = "helsenorge", organisation = "983658776" }]
"#;

fn changed(from: &str, to: &str) -> Result<CitizenGatewayConfig, String> {
    assert!(GOOD.contains(from), "the example has no {from}");
    toml::from_str(&GOOD.replace(from, to)).map_err(|error| error.to_string())
}

fn added(line: &str) -> Result<CitizenGatewayConfig, String> {
    toml::from_str(&format!("{GOOD}\n{line}")).map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_has_a_careful_default() {
    let config: CitizenGatewayConfig = toml::from_str(GOOD).unwrap();

    assert_eq!(config.environment, Environment::Test);
    assert!(config.number_rules.accept_2032);
    assert_eq!(config.default_deadline, Duration::from_secs(3));
    assert_eq!(config.refusal_after, Duration::from_millis(50));
    assert_eq!(&*config.scope, "innsyn:registrations");
    assert!(
        !added("accept_2032 = false")
            .unwrap()
            .number_rules
            .accept_2032
    );
}

#[test]
fn clear_text_leaves_the_machine_only_behind_a_proxy_that_is_named() {
    let error = changed("127.0.0.1:8443", "0.0.0.0:8443").unwrap_err();
    assert!(error.contains("behind_tls_proxy"), "{error}");

    let behind_proxy = "\"0.0.0.0:8443\"\nbehind_tls_proxy = true";
    assert!(changed("\"127.0.0.1:8443\"", behind_proxy).is_ok());
    let with_tls = "\"[::]:8443\"\ntls = { certificate_file = \"c\", key_file = \"k\" }";
    assert!(changed("\"127.0.0.1:8443\"", with_tls).is_ok());
    assert!(changed("127.0.0.1", "[::1]").is_ok());
}

#[test]
fn keys_come_from_one_place_that_nobody_on_the_way_can_change() {
    let at = |keys: &str| changed("jwks_file = \"jwks.json\"", keys);

    assert!(at("jwks_url = \"https://sts.example.invalid/jwks\"").is_ok());
    assert!(at("jwks_url = \"http://127.0.0.1:1/jwks\"").is_ok());
    assert!(at("jwks_url = \"http://[::1]:1/jwks\"").is_ok());
    for refused in [
        "jwks_url = \"http://sts.example.invalid/jwks\"",
        "jwks_url = \"http://127.0.0.1.example.invalid/jwks\"",
        "jwks_url = \"file:///jwks\"",
    ] {
        assert!(
            at(refused).unwrap_err().contains("must be https"),
            "{refused}"
        );
    }
    for refused in ["", "jwks_file = \"f\", jwks_url = \"https://x\""] {
        assert!(
            at(refused).unwrap_err().contains("exactly one of"),
            "{refused}"
        );
    }
}

#[test]
fn each_mistake_is_named() {
    let table = [
        (added("deadline = 1"), "unknown field `deadline`"),
        (added("default_deadline_ms = 100"), "must be 200 to 10000"),
        (
            added("token_skew_s = 3600"),
            "`token_skew_s` must be 0 to 60",
        ),
        (added("token_skew_s = -1"), "`token_skew_s` must be 0 to 60"),
        (
            added("token_lifetime_max_s = 0"),
            "`token_lifetime_max_s` must be",
        ),
        (added("refusal_after_ms = 0"), "`refusal_after_ms` must be"),
        (added("scope = \"a b\""), "one word"),
        (added("limits = { connections_max = 0 }"), "connections_max"),
        (
            added("limits = { header_bytes_max = 1 }"),
            "header_bytes_max",
        ),
        (added("limits = { conections_max = 1 }"), "unknown field"),
        (
            changed("\"test\"", "\"staging\""),
            "unknown variant `staging`",
        ),
        (
            changed("983658776", "01817010055"),
            "`organisation` is not one",
        ),
        (
            changed(
                "clients = [",
                "clients = [{ client_id = \"helsenorge\", organisation = \"1\" },",
            ),
            "stands twice in `clients`",
        ),
        (
            changed(
                "issuers = [",
                "issuers = [{ issuer = \"sts\", audience = \"x\", jwks_file = \"y\" },",
            ),
            "stands twice in `issuers`",
        ),
    ];

    for (result, words) in table {
        let error = result.map(|_| ()).unwrap_err();
        assert!(error.contains(words), "`{words}` is not in\n{error}");
    }
}
