//! Queries in protobuf's text format, over the catalogue that stands in `proto/query.md`.

mod accepted;
mod facts;
mod normal;
mod refused;
mod vectors;
mod words;

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage};

use super::*;
use crate::wire::DESCRIPTORS;

const DOCUMENT: &str = include_str!("../../query.md");

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

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

/// The views of the document, at `nord` and at `vest`.
fn catalogue() -> Vec<View> {
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
}

/// The fenced blocks of a kind.
fn blocks<'a>(section: &'a str, kind: &'a str) -> impl Iterator<Item = &'a str> {
    section
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(move |block| block.strip_prefix(kind)?.strip_prefix('\n'))
}

/// Persons counted in a view, with something more.
fn counting(view: &str, more: &str) -> Query {
    read(
        "Query",
        &format!("view: '{view}' measures {{ persons {{}} }} {more}"),
    )
}

fn checked(query: &Query) -> CheckedQuery {
    check(query, &catalogue()).unwrap()
}

fn register(name: &str) -> RegisterId {
    RegisterId::parse(name).unwrap()
}
