//! What an agent configuration may say.

<<<<<<< HEAD
use super::*;
=======
use std::fmt::Write as _;
use std::path::Path;

use super::{Config, ConfigError};
use crate::sources::Place;
>>>>>>> face

const EXAMPLE: &str = include_str!("../../agent.example.toml");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("agent.toml"))
}

<<<<<<< HEAD
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
=======
/// The example with what is commented out as `# key = …` put in force, where it is a default.
fn with_defaults(example: &str) -> String {
    let mut text = String::new();
    let mut other_choice = false;
    for line in example.lines() {
        // From here on to the log of use stands the other kind of source.
        other_choice |= line.starts_with("# ... or");
        other_choice &= !line.starts_with("# The log of use");
        let key = line.strip_prefix("# ").filter(|line| is_setting(line));
        let line = match key {
            Some(key) if !other_choice && !key.contains("...") => key,
            _ => line,
        };
        writeln!(text, "{line}").unwrap();
    }
    text
}

fn is_setting(line: &str) -> bool {
    let key = line.split(" = ").next().unwrap_or_default();
    line.contains(" = ")
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
}

#[test]
fn the_example_is_a_configuration() {
    let config = parse(EXAMPLE).expect("the example");
    assert_eq!(config.register.id.as_str(), "kreft");
    assert!(matches!(config.source.place, Place::Folder(_)));
}

#[test]
fn the_defaults_that_the_example_tells_are_the_defaults() {
    let text = with_defaults(EXAMPLE).replace("pseudonym_key_file", "# pseudonym_key_file");
    assert_ne!(text, EXAMPLE);
    let (told, real) = (
        parse(&text).expect("with defaults"),
        parse(EXAMPLE).unwrap(),
    );
    assert_eq!(format!("{told:?}"), format!("{real:?}"));
}

#[test]
fn the_examples_database_is_a_source() {
    let (start, rest) = EXAMPLE.split_once("[source]\n").unwrap();
    let (_, database) = rest.split_once("# [source]\n").unwrap();
    let (database, end) = database.split_once("\n\n").unwrap();
    let lines: Vec<_> = database
        .lines()
        .map(|line| line.trim_start_matches("# ").trim_start_matches('#'))
        .collect();
    let text = format!("{start}[source]\n{}\n\n{end}", lines.join("\n"));
    let config = parse(&text).expect("the example with a database");
    assert!(matches!(config.source.place, Place::Postgres(_)));
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let cases = [
        ("id = \"kreft\"", "id = \"Kreft\"", "register.id"),
        ("\"mandatory\"", "\"deidentified\"", "needs no agent"),
        ("127.0.0.1:9180", "0.0.0.0:9180", "not loopback"),
        (
            "# linger_ms_max = 2",
            "linger_ms_max = 101",
            "linger_ms_max",
        ),
        (
            "# questions_per_day_max = 6000000",
            "questions_per_day_max = 0",
            "helsenorge",
        ),
        ("# spares = 2", "spares = 0", "spares"),
        ("# poll_s = 5", "pol_s = 5", "pol_s"),
        ("relay-1.example.no:7443", "relay-1.example.no", "host:port"),
        ("sha256:0000", "sha256:000", "64 hexadecimal digits"),
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
>>>>>>> face
}
