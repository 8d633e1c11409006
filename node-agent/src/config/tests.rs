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
    assert_eq!(config.countersigners().len(), 1);
    assert_eq!(config.gateways_of_settings().len(), 1);
    let section = config.settings.as_ref().unwrap();
    assert_eq!(section.max_age(), Duration::from_mins(10));
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
fn a_gateway_asks_for_what_its_section_names_and_for_listings_otherwise() {
    let of = |config: &Config, asks| config.gateways_that_ask(asks).count();
    let line = "may_ask = [\"listings\", \"uses\", \"settings\", \"cases\", \"insight\"]";
    for text in [line, ""] {
        let config = changed(line, text).unwrap();
        assert_eq!(
            (of(&config, Asks::Listings), of(&config, Asks::Queries)),
            (1, 0)
        );
    }
    let config = changed(line, "may_ask = [\"queries\"]").unwrap();
    assert_eq!(
        (of(&config, Asks::Listings), of(&config, Asks::Queries)),
        (0, 1)
    );
    let refused = changed(line, "may_ask = []");
    assert!(matches!(refused, Err(ConfigError::MayAskNothing(_))));
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
    let text = EXAMPLE.replacen("#[research]", "[research]", 1);
    let text = text.replacen("#folder", "folder", 1);
    let text = text.replacen("#trusted_issuers", "trusted_issuers", 1);
    std::fs::write(&path, text).unwrap();
    let research = Config::load(&path).unwrap().research.unwrap();
    assert_eq!(research.folder, in_folder("research"));
    assert_eq!(
        research.trusted_issuers[0].public_key,
        in_folder("helsedata.pem")
    );
    let export = crate::sources::Place::Folder(in_folder("export"));
    assert_eq!(config.source.place, export);
}

/// The example with its `[research]` switched on, and `from` replaced in it.
fn with_research(from: &str, to: &str) -> Result<Config, ConfigError> {
    let (before, research) = EXAMPLE.split_once("#[research]").unwrap();
    let on = |line: &str| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') => key.to_owned(),
        _ => line.to_owned(),
    };
    let research: Vec<String> = research.lines().map(on).collect();
    let research = research.join("\n");
    assert!(research.contains(from), "the example has no {from}");
    parse(&format!(
        "{before}[research]\n{}",
        research.replacen(from, to, 1)
    ))
}

#[test]
fn nothing_is_counted_for_researchers_unless_that_is_switched_on() {
    assert!(parse(EXAMPLE).unwrap().research.is_none());
    let research = with_research("", "").unwrap().research.unwrap();
    let limits = research.limits();
    assert_eq!(limits.memory_bytes, 256 << 20);
    assert_eq!(limits.timeout, Duration::from_mins(1));
    assert_eq!(limits.at_once, 2);
    assert_eq!(research.caps().per_minute, 60);
    assert_eq!(research.caps().per_day, 2_000);
    assert!(matches!(
        research.trusted_issuers(),
        Err(ResearchConfigError::KeyUnreadable { .. })
    ));
}

#[test]
fn the_examples_defaults_of_research_are_the_defaults() {
    let says = with_research("", "").unwrap().research.unwrap();
    let short = "[research]\nfolder = \"research\"\ntrusted_issuers = \
                 [{ name = \"helsedata.no\", public_key = \"helsedata.pem\" }]\n";
    let is = parse(&format!("{EXAMPLE}\n{short}")).unwrap();
    let is = is.research.unwrap();
    assert_eq!(format!("{is:?}"), format!("{says:?}"));
}

#[test]
fn numbers_of_research_that_cannot_be_meant_are_refused() {
    for (from, to, said) in [
        (
            "memory_mib = 512",
            "memory_mib = 63",
            "`research.memory_mib` is 63, and must be 64 to",
        ),
        (
            "timeout_s = 60",
            "timeout_s = 601",
            "`research.timeout_s` is 601, and must be 1 to 600",
        ),
        (
            "queries_at_once = 2",
            "queries_at_once = 0",
            "`research.queries_at_once` is 0, and must be 1 to 64",
        ),
        (
            "queries_per_day_max = 2_000",
            "queries_per_day_max = 0",
            "`research.queries_per_day_max` is 0",
        ),
        (
            "[{ name = \"helsedata.no\", public_key = \"helsedata.pem\" }]",
            "[]",
            "`research.trusted_issuers` is empty",
        ),
    ] {
        let error = with_research(from, to).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
    assert!(with_research("memory_mib = 512", "memory_mib = 64").is_ok());
}

#[test]
fn settings_need_a_section_and_a_key_that_signs_them() {
    let refused = changed("\nhead_key = ", "\n#head_key = ");
    assert!(matches!(
        refused,
        Err(ConfigError::Settings(SettingsConfigError::NoKey(_)))
    ));
    let (section, keys) = ("[settings]\n", "definitions = \"definitions.toml\"\n");
    let without = EXAMPLE
        .replace(section, "")
        .replace(keys, "")
        .replace("max_age_s = 600\n", "");
    assert!(matches!(
        parse(&without),
        Err(ConfigError::Settings(SettingsConfigError::NoSection(_)))
    ));
    assert!(parse(&without.replace("\"settings\", ", "")).is_ok());
    for age in ["9", "86401"] {
        let refused = changed("max_age_s = 600\n", &format!("max_age_s = {age}\n"));
        assert!(matches!(
            refused,
            Err(ConfigError::Settings(SettingsConfigError::Age(_)))
        ));
    }
}
