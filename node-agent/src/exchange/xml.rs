//! XML that somebody else wrote, read whole and bounded; and XML that we write.
//!
//! What holds:
//!
//! - **No entity but the five that XML itself has, and characters by number**: a document type
//!   is refused, so nothing is fetched and nothing grows.
//! - **Depth, elements, attributes and text are bounded**, and names are compared with their
//!   namespace.

use std::io;

use quick_xml::NsReader;
use quick_xml::Writer;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::name::ResolveResult;

/// The deepest that elements may stand in each other.
const DEPTH_MAX: usize = 32;
/// The most elements.
const ELEMENTS_MAX: usize = 4_096;
/// The most attributes of one element.
const ATTRIBUTES_MAX: usize = 32;

/// Why a text is not read as XML. Quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum XmlError {
    #[error("the content is not well-formed XML in UTF-8")]
    Malformed,
    #[error("the content has a document type, a processing instruction or an entity of its own")]
    Forbidden,
    #[error("the content is deeper or has more elements or attributes than any message")]
    TooLarge,
}

/// An element with all that is in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) namespace: String,
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// The text directly in it, all of it together.
    text: String,
    pub(super) children: Vec<Element>,
}

/// Reads a document whole.
pub(super) fn read(text: &[u8]) -> Result<Element, XmlError> {
    let text = str::from_utf8(text).map_err(|_| XmlError::Malformed)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let (resolved, event) = reader
            .read_resolved_event()
            .map_err(|_| XmlError::Malformed)?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if elements > ELEMENTS_MAX || open.len() >= DEPTH_MAX {
                    return Err(XmlError::TooLarge);
                }
                if root.is_some() {
                    return Err(XmlError::Malformed);
                }
                open.push(begin(&resolved, &start)?);
            }
            Event::End(_) => {
                let done = open.pop().ok_or(XmlError::Malformed)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(text) => say(&mut open, &text.xml10_content())?,
            Event::CData(text) => say(&mut open, &text.xml10_content())?,
            Event::GeneralRef(name) => {
                let character = resolve(&name)?;
                open.last_mut()
                    .ok_or(XmlError::Malformed)?
                    .text
                    .push(character);
            }
            Event::Decl(declaration) => check_encoding(&declaration)?,
            Event::Comment(_) => {}
            Event::DocType(_) | Event::PI(_) => return Err(XmlError::Forbidden),
            Event::Eof => break,
            Event::Empty(_) => return Err(XmlError::Malformed),
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err(XmlError::Malformed),
    }
}

fn begin(resolved: &ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let namespace = match resolved {
        ResolveResult::Bound(namespace) => namespace.into_inner().to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return Err(XmlError::Malformed),
    };
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| XmlError::Malformed)?;
        if attributes.len() >= ATTRIBUTES_MAX {
            return Err(XmlError::TooLarge);
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| XmlError::Forbidden)?;
        let name = attribute.key.into_inner();
        attributes.push((name.to_owned(), value.into_owned()));
    }
    Ok(Element {
        namespace,
        name: start.local_name().into_inner().to_owned(),
        attributes,
        ..Element::default()
    })
}

/// Text outside the root may only be white.
fn say(open: &mut [Element], text: &str) -> Result<(), XmlError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(XmlError::Malformed),
    }
    Ok(())
}

fn resolve(name: &BytesRef<'_>) -> Result<char, XmlError> {
    if let Some(character) = name.resolve_char_ref().map_err(|_| XmlError::Malformed)? {
        return Ok(character);
    }
    match &*name.xml10_content() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(XmlError::Forbidden),
    }
}

fn check_encoding(declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(_) => Err(XmlError::Malformed),
    }
}

impl Element {
    /// The text in it, without white space around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// An attribute without a prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.trim())
    }

    /// The children of this name, in the same namespace.
    pub(super) fn all<'a, 'n: 'a>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a Self> + use<'a, 'n> {
        self.children
            .iter()
            .filter(move |child| child.name == name && child.namespace == self.namespace)
    }

    /// The one child of this name; `Err` if there are more, so that nobody can put a second one
    /// beside that which is looked at.
    pub(super) fn one(&self, name: &str) -> Result<Option<&Self>, TwiceError> {
        let is_it = |child: &&Self| child.name == name && child.namespace == self.namespace;
        let mut all = self.children.iter().filter(is_it);
        match (all.next(), all.next()) {
            (found, None) => Ok(found),
            _ => Err(TwiceError),
        }
    }

    /// Every element below this one, deepest last.
    pub(super) fn below(&self) -> Vec<&Self> {
        let mut found: Vec<&Self> = self.children.iter().collect();
        let mut next = 0;
        while let Some(element) = found.get(next) {
            found.extend(element.children.iter());
            next += 1;
        }
        found
    }
}

/// An element comes twice where one is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TwiceError;

/// Writes a document.
pub(super) struct Document(Writer<Vec<u8>>);

impl Document {
    /// The bytes of a document with a root in `namespace`, filled by `fill`.
    pub(super) fn write(
        root: &str,
        namespace: &str,
        fill: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<Vec<u8>> {
        let mut document = Self(Writer::new(Vec::new()));
        let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
        document.0.write_event(Event::Decl(declaration))?;
        document.within(root, &[("xmlns", namespace)], fill)?;
        Ok(document.0.into_inner())
    }

    /// An element with attributes and what `fill` puts into it.
    pub(super) fn within(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        fill: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Start(start))?;
        fill(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// An element with attributes and nothing in it.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Empty(start))
    }

    /// An element with a text. Characters that XML cannot hold become the replacement character.
    pub(super) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.within(name, &[], |document| document.plain(text))
    }

    /// A text in the element that is open.
    pub(super) fn plain(&mut self, text: &str) -> io::Result<()> {
        let text: String = text.chars().map(allowed).collect();
        self.0.write_event(Event::Text(BytesText::new(&text)))
    }
}

fn allowed(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
            character
        }
        _ => '\u{fffd}',
    }
}
