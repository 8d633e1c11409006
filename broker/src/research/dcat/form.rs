//! The two ways to write the graph, and which one a caller wants.

use std::io;

use http::{HeaderMap, header};
use oxjsonld::JsonLdSerializer;
use oxrdf::{Graph, GraphNameRef, TripleRef};
use oxttl::TurtleSerializer;

use super::vocabulary::PREFIXES;

/// A way to write a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Turtle,
    JsonLd,
}

/// How exactly a range names a form, and how much it is wanted, in thousandths.
type Liking = (u8, u16);

impl Form {
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Turtle => "text/turtle",
            Self::JsonLd => "application/ld+json",
        }
    }

    /// What the headers of a request ask for: Turtle if both will do, `None` if neither will.
    pub(super) fn wanted(headers: &HeaderMap) -> Option<Self> {
        let accept = headers.get_all(header::ACCEPT);
        let mut accept = accept
            .iter()
            .filter_map(|value| value.to_str().ok())
            .peekable();
        if accept.peek().is_none() {
            return Some(Self::Turtle);
        }
        let ranges: Vec<&str> = accept.flat_map(|value| value.split(',')).collect();
        let wanted = |form: Self| {
            let named = ranges.iter().filter_map(|range| form.liking(range));
            // The range that names it most exactly decides.
            let (_, wanted) = named.max()?;
            (wanted > 0).then_some(wanted)
        };
        match (wanted(Self::Turtle), wanted(Self::JsonLd)) {
            (None, None) => None,
            (turtle, json) if turtle >= json => Some(Self::Turtle),
            _ => Some(Self::JsonLd),
        }
    }

    /// What the range of an `accept` header says of this form, if it names it.
    fn liking(self, range: &str) -> Option<Liking> {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let (kind, _) = self.media_type().split_once('/')?;
        let exact = match media_type.as_str() {
            "*/*" => 0,
            other if other.strip_suffix("/*") == Some(kind) => 1,
            other if other == self.media_type() => 2,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        let quality = quality.map_or(Some(1.0), |quality| quality.parse().ok())?;
        Some((exact, thousandths(quality)))
    }

    /// The same graph is always the same bytes.
    pub(super) fn write(self, graph: &Graph) -> io::Result<Vec<u8>> {
        let mut triples: Vec<TripleRef<'_>> = graph.iter().collect();
        triples.sort_by_cached_key(ToString::to_string);
        match self {
            Self::Turtle => {
                let mut serializer = TurtleSerializer::new();
                for (prefix, iri) in PREFIXES {
                    serializer = serializer
                        .with_prefix(prefix, iri)
                        .map_err(io::Error::other)?;
                }
                let mut out = serializer.for_writer(Vec::new());
                for triple in triples {
                    out.serialize_triple(triple)?;
                }
                out.finish()
            }
            Self::JsonLd => {
                let mut serializer = JsonLdSerializer::new();
                for (prefix, iri) in PREFIXES {
                    serializer = serializer
                        .with_prefix(prefix, iri)
                        .map_err(io::Error::other)?;
                }
                let mut out = serializer.for_writer(Vec::new());
                for triple in triples {
                    out.serialize_quad(triple.in_graph(GraphNameRef::DefaultGraph))?;
                }
                out.finish()
            }
        }
    }
}

/// A quality of 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is clamped to what fits"
)]
fn thousandths(quality: f32) -> u16 {
    (quality.clamp(0.0, 1.0) * 1_000.0) as u16
}
