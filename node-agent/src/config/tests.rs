//! What an agent configuration may say.

use super::*;

const EXAMPLE: &str = include_str!("../../agent.example.toml");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("agent.toml"))
}

/// The example with `from` replaced.
fn changed(from: &str, to: &str) -> Result<Config, ConfigError> {
    assert!(EXAMPLE.contains(from), "the example has no {from}");
    parse(&EXAMPLE.replacen(from, to, 1))
}

#[test]
fn the_example_is_read_as_it_says() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.register.id.as_str(), "kreft");
    assert_eq!(config.register.kind, RegisterKind::Central);
    assert_eq!(config.register.legal_basis, LegalBasis::Mandatory);
    assert!(config.register.membership_is_sensitive);
    assert_eq!(config.numbers.environment, Environment::Production);
    assert_eq!(config.gateways[0].caps().per_minute, 40_000);
    assert_eq!(config.use_log.linger_max(), Duration::from_millis(2));
    assert!(config.countersigners().is_empty());
    let key = "#head_key";
    let countersigned = changed(key, "head_key").unwrap();
    assert_eq!(countersigned.countersigners().len(), 1);
}

#[test]
fn only_gateways_that_are_named_with_a_key_and_a_cap_are_served() {
    let pin = format!("\"sha256:{}\"", "0".repeat(64));
    let refused = changed(&pin, "");
    assert!(matches!(
        refused,
        Err(ConfigError::Gateways(PinnedGatewaysError::NoPin(_)))
    ));
    let refused = changed(&pin, "\"sha256:00\"");
    assert!(matches!(refused, Err(ConfigError::Syntax(..))));
    for cap in [
        "questions_per_minute_max = 40_000",
        "questions_per_day_max = 6_000_000",
    ] {
        let (key, _) = cap.split_once(" = ").unwrap();
        let refused = changed(cap, &format!("{key} = 0"));
        assert!(matches!(refused, Err(ConfigError::CapZero(_))), "{cap}");
    }
    let again = format!("[[gateway]]\nname = \"helsenorge\"\npublic_keys = [{pin}]\n\n[[gateway]]");
    assert!(matches!(
        changed("[[gateway]]", &again),
        Err(ConfigError::GatewayTwice(_))
    ));
    let mut example: toml::Table = EXAMPLE.parse().unwrap();
    example.remove("gateway").unwrap();
    let nobody = parse(&toml::to_string(&example).unwrap());
    assert!(matches!(
        nobody,
        Err(ConfigError::Gateways(PinnedGatewaysError::Nobody))
    ));
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    let refused = changed("id = \"kreft\"", "id = \"Kreftregisteret\"");
    assert!(matches!(refused, Err(ConfigError::RegisterId)));
    let refused = changed(
        "legal_basis = \"mandatory\"",
        "legal_basis = \"deidentified\"",
    );
    assert!(matches!(refused, Err(ConfigError::Deidentified(_))));
    let refused = changed("127.0.0.1:9465", "0.0.0.0:9465");
    assert!(matches!(refused, Err(ConfigError::StatusNotLoopback(_))));
    assert!(changed("linger_ms_max = 2", "linger_ms_max = 100").is_ok());
    let refused = changed("linger_ms_max = 2", "linger_ms_max = 101");
    assert!(matches!(refused, Err(ConfigError::Linger(101))));
    let refused = changed("[register]", "[register]\ncolour = 1").unwrap_err();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("unknown field `colour`"), "{source}");
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    assert!(matches!(
        Config::load(&path),
        Err(ConfigError::Unreadable(..))
    ));
    std::fs::write(&path, EXAMPLE).unwrap();
    let config = Config::load(&path).unwrap();

    let in_folder = |name| folder.path().join(name);
    assert_eq!(config.tls.certificate, in_folder("certificate.pem"));
    assert_eq!(config.use_log.folder, in_folder("log"));
    assert_eq!(config.use_log.tag_key, in_folder("log-tag.key"));
    assert_eq!(config.use_log.signing_key, in_folder("log-signing.key"));
    let export = crate::sources::Place::Folder(in_folder("export"));
    assert_eq!(config.source.place, export);
}
