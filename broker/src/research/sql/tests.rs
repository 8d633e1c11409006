//! Statements over the catalogue that stands in `proto/query.md`.

mod attacks;
mod forms;
mod round_trip;
mod shown;
mod writer;

use std::sync::LazyLock;

use innsyn_proto::query::{CheckedQuery, check};
use innsyn_proto::wire::DESCRIPTORS;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::*;

const DOCUMENT: &str = include_str!("../../../../proto/query.md");

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

static CATALOGUE: LazyLock<Vec<View>> = LazyLock::new(|| {
    let (_, section) = DOCUMENT.split_once("## The catalogue").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let views: Vec<View> = blocks(section, "textproto")
        .map(|text| read("View", text))
        .collect();
    assert_eq!(views.len(), 3);
    let vest = views.iter().map(|view| View {
        register_id: "vest".to_owned(),
        ..view.clone()
    });
    views.iter().cloned().chain(vest).collect()
});

/// Reads message `kind` of the research package.
fn read<M: prost::Message + Default>(kind: &str, text: &str) -> M {
    let kind = POOL
        .get_message_by_name(&format!("innsyn.research.v1.{kind}"))
        .unwrap();
    DynamicMessage::parse_text_format(kind, text)
        .unwrap_or_else(|error| panic!("{error}: {text}"))
        .transcode_to()
        .unwrap()
}

/// The fenced blocks of a kind.
fn blocks<'a>(section: &'a str, kind: &'a str) -> impl Iterator<Item = &'a str> {
    section
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(move |block| block.strip_prefix(kind)?.strip_prefix('\n'))
}

fn lowered(sql: &str) -> Lowered {
    lower(sql, &CATALOGUE).unwrap_or_else(|error| panic!("{error}\n{sql}"))
}

fn checked(query: &Query) -> CheckedQuery {
    check(query, &CATALOGUE).unwrap_or_else(|error| panic!("{error}\n{query:?}"))
}

/// Where and why `sql` is refused: `line:column` and the words.
fn refused(sql: &str) -> (String, String) {
    match lower(sql, &CATALOGUE) {
        Ok(lowered) => panic!("accepted: {sql}\n{lowered:?}"),
        Err(SqlError { place, fault }) => (
            place.map_or_else(String::new, |at| format!("{}:{}", at.line, at.column)),
            fault.to_string(),
        ),
    }
}

/// Each row: the statement, the place, and part of what is said.
fn are_refused(rows: &[(impl AsRef<str>, &str, &str)]) {
    let wrong: Vec<_> = rows
        .iter()
        .map(|(sql, place, said)| (sql.as_ref(), *place, *said, refused(sql.as_ref())))
        .filter(|(_, place, said, (is_at, is_said))| is_at != place || !is_said.contains(said))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
