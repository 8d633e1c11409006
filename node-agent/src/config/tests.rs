//! What an agent configuration may say.

use std::fmt::Write as _;
use std::path::Path;

use super::{Config, ConfigError};
use crate::sources::Place;

const EXAMPLE: &str = include_str!("../../agent.example.toml");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("agent.toml"))
}

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
}
