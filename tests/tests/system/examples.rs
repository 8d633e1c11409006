//! The example configurations: they hold as they are, they hold with everything on that is off,
//! and there is no key that they do not name.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;

use toml::{Table, Value};

const BROKER: &str = include_str!("../../../broker/broker.example.toml");
const AGENT: &str = include_str!("../../../node-agent/agent.example.toml");
/// Where the agent's example comes to the second of its two kinds of source, and past it.
const SECOND_SOURCE: &str = "# Or a PostgreSQL";
const AFTER_SOURCES: &str = "# Every use is logged";
/// Tables that are not read with the rest: keys that are names of registers, and views, each of
/// which is read where it is made ready and can only fail by itself.
const FREE: [&str; 3] = [
    "research_gateway.log_keys",
    "source.research.view",
    "source.research.view.variable",
];

/// Reads a configuration; gives the whole chain of what is wrong with it.
type Read = fn(&str) -> Result<(), String>;

fn broker(text: &str) -> Result<(), String> {
    let config = innsyn_broker::config::Config::parse(text, Path::new("example"));
    config.map(drop).map_err(|error| chain(&error))
}

fn agent(text: &str) -> Result<(), String> {
    let config = innsyn_agent::config::Config::parse(text, Path::new("example"));
    config.map(drop).map_err(|error| chain(&error))
}

fn chain(error: &dyn Error) -> String {
    let source = error.source().map(chain).unwrap_or_default();
    format!("{error}: {source}")
}

/// The text with every key on that is off: `#key`, as against `# prose`.
fn all_on(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(off) if !off.starts_with(' ') => off,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The agent's example with all keys on, once for each kind of source.
fn agent_all_on() -> [String; 2] {
    let (with_folder, rest) = AGENT.split_once(SECOND_SOURCE).unwrap();
    let (before, _) = with_folder.split_once("[source]").unwrap();
    let (database, after) = rest.split_once(AFTER_SOURCES).unwrap();
    let [database, after] = [database, after].map(|text| format!("# {text}"));
    [
        all_on(&format!("{with_folder}{after}")),
        all_on(&format!("{before}{database}{after}")),
    ]
}

/// The keys of every table in `value`, by the table's path; tables in one array count as one.
fn keys(value: &Value, path: &[&str], found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Table(table) => {
            let here = found.entry(path.join(".")).or_default();
            here.extend(table.keys().cloned());
            for (key, value) in table {
                keys(value, &[path, &[key]].concat(), found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, path, found)),
        _ => {}
    }
}

/// Every key that the table at `path` may have, from what is said about one that it may not.
fn possible_keys(read: Read, example: &Table, path: &str) -> BTreeSet<String> {
    let mut changed = Value::Table(example.clone());
    let mut place = &mut changed;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        place = &mut place[step];
        if place.is_array() {
            place = &mut place[0];
        }
    }
    let unknown = Value::Boolean(true);
    place
        .as_table_mut()
        .unwrap()
        .insert("no_such_key".to_owned(), unknown);
    let said = read(&toml::to_string(&changed).unwrap());
    let said = said.expect_err(path);
    let (_, expected) = said
        .split_once("unknown field `no_such_key`, expected ")
        .unwrap_or_else(|| panic!("`{path}` takes any key: {said}"));
    let words = expected.lines().next().unwrap().split('`');
    words.skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn names_every_key(read: Read, text: &str) {
    assert_eq!(read(text), Ok(()));
    let example: Table = text.parse().unwrap();
    let mut named = BTreeMap::new();
    keys(&Value::Table(example.clone()), &[], &mut named);
    // Says which other keys there are, and so is not among them.
    for path in ["source", "relay.mailbox", "research_gateway.ledger"] {
        named.entry(path.to_owned()).and_modify(|keys| {
            keys.remove("kind");
        });
    }
    for path in FREE {
        named.remove(path);
    }
    for (path, named) in named {
        assert_eq!(named, possible_keys(read, &example, &path), "in `{path}`");
    }
}

#[test]
fn the_brokers_example_holds_and_names_every_key() {
    assert_eq!(broker(BROKER), Ok(()));
    names_every_key(broker, &all_on(BROKER));
}

#[test]
fn the_agents_example_holds_and_names_every_key() {
    assert_eq!(agent(AGENT), Ok(()));
    for text in agent_all_on() {
        names_every_key(agent, &text);
    }
}
