//! The simulator starts broker and agents as itself: as those it has the same command lines, and
//! says the same about a configuration that cannot be used.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::{CommandFactory, Parser};
use tempfile::TempDir;

use super::federation::program;

/// What the simulator prints when it is called as `part` with `args`, and whether it succeeded.
fn run(part: &str, args: &[&str]) -> (bool, String) {
    let output = Command::new(program())
        .arg(part)
        .args(args)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// All ways through a command's subcommands, the command itself first.
fn paths(command: &clap::Command) -> Vec<Vec<String>> {
    let mut paths = vec![Vec::new()];
    for subcommand in command.get_subcommands() {
        let name = subcommand.get_name();
        for mut path in self::paths(subcommand) {
            path.insert(0, name.to_owned());
            paths.push(path);
        }
    }
    paths
}

/// Holds the simulator's `part` to the help of the program that `Args` is for, and gives back how
/// many texts were the same.
fn has_the_same_help<Args: CommandFactory>(part: &str) -> usize {
    let name = Args::command().get_name().to_owned();
    let paths = paths(&Args::command());
    for path in &paths {
        let mut own = Args::command();
        let own = own.try_get_matches_from_mut(
            [name.as_str()]
                .into_iter()
                .chain(path.iter().map(String::as_str))
                .chain(["--help"]),
        );
        let own = own.unwrap_err().to_string();
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("--help");
        let (succeeded, simulated) = run(part, &args);
        assert!(succeeded, "{part} {path:?}");
        assert_eq!(
            simulated.replace(&format!("innsyn-world {part}"), &name),
            own,
            "{path:?}"
        );
    }
    paths.len()
}

#[test]
fn broker_and_agent_have_the_same_help_under_both_names() {
    assert_eq!(
        has_the_same_help::<innsyn_broker::program::Args>("broker"),
        10
    );
    assert_eq!(
        has_the_same_help::<innsyn_agent::program::Args>("agent"),
        29
    );
}

/// Configurations that cannot be used: not there, not TOML, an unknown key, nothing in it, and
/// one that is sound but for a value.
fn broken(folder: &Path, sound: &str, value: &str, other: &str) -> Vec<String> {
    assert!(sound.contains(value));
    let written = [
        ("no.toml", "this is no TOML"),
        ("key.toml", &format!("colour = 'blue'\n{sound}")),
        ("empty.toml", ""),
        ("value.toml", &sound.replace(value, other)),
    ];
    let missing = folder.join("missing.toml").to_string_lossy().into_owned();
    let paths = written.map(|(name, text)| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name).to_string_lossy().into_owned()
    });
    [vec![missing], paths.to_vec()].concat()
}

/// What a `main` that failed with `error` prints.
fn printed(error: &anyhow::Error) -> String {
    format!("Error: {error:?}\n")
}

/// Both without their own logs, which have the time in them, and without backtraces.
fn errors_alike(simulated: &str, own: &str) {
    let from_error = |text: &str| {
        let begin = text
            .find("Error: ")
            .unwrap_or_else(|| panic!("no error in {text}"));
        let end = text.find("\n\nStack backtrace").unwrap_or(text.len());
        text[begin..end].trim_end().to_owned()
    };
    assert_eq!(from_error(simulated), from_error(own));
}

#[test]
fn broker_and_agent_say_the_same_about_a_broken_configuration_under_both_names() {
    let folder = TempDir::new().unwrap();
    let sound = include_str!("../../../broker/broker.example.toml");
    for config in broken(folder.path(), sound, "threads = 1", "threads = 0") {
        let args = ["run", "--config", &config];
        let own = innsyn_broker::program::Args::parse_from(["innsyn-broker"].iter().chain(&args));
        let own = innsyn_broker::program::main(own, axum::Router::new()).unwrap_err();
        let (succeeded, simulated) = run("broker", &args);
        assert!(!succeeded);
        errors_alike(&simulated, &printed(&own));
    }
    let sound = include_str!("../../../node-agent/agent.example.toml");
    for config in broken(
        folder.path(),
        sound,
        "linger_ms_max = 2",
        "linger_ms_max = 101",
    ) {
        let args = ["run", "--config", &config];
        let own = innsyn_agent::program::Args::parse_from(["innsyn-agent"].iter().chain(&args));
        let own = innsyn_agent::program::main(own).unwrap_err();
        let (succeeded, simulated) = run("agent", &args);
        assert!(!succeeded);
        errors_alike(&simulated, &printed(&own));
    }
}
