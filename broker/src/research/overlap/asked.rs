//! Of whom a query was asked and by what, as its normal form says it.

use innsyn_proto::wire::research::v1 as wire;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use wire::dimension::Dimension as Divided;
use wire::measure::Measure;

use crate::research::desk::Domain;
use crate::research::desk::together::Axis;

#[cfg(test)]
mod tests;

/// Stands before the encoding, so that no other hash is ever taken for a population's.
const POPULATION: &[u8] = b"innsyn overlap audit population\n";
/// Likewise for what a dimension is of.
const VARIABLE: &[u8] = b"innsyn overlap audit variable\n";
/// Likewise for how its categories are made.
const LEVEL: &[u8] = b"innsyn overlap audit level\n";

/// What a query asks, as far as tables are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::research) struct Asked {
    pub(super) population: Population,
    /// The table's dimensions, in the order of its keys.
    pub(super) axes: Vec<Axis>,
}

/// Which persons and which of their rows a query counts, as a hash: equal where queries say it
/// alike. The same persons in other words are another population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Population(pub(super) [u8; 32]);

impl Asked {
    /// What `query` asks, which is in normal form and has a table of these `domains`.
    pub(in crate::research) fn of(query: &wire::Query, domains: &[Domain]) -> Self {
        let dimensions = query.dimensions.iter().filter_map(|one| {
            let (variable, period) = match one.dimension.as_ref()? {
                Divided::Code(code) => (code.variable.as_str(), wire::Period::Unspecified),
                Divided::Bands(bands) => (bands.variable.as_str(), wire::Period::Unspecified),
                Divided::Date(date) => (date.variable.as_str(), wire::Period::Unspecified),
                // It is no variable, and a query has one at most.
                Divided::Period(_) => ("", query.period()),
            };
            Some(axis(query, variable, one, period))
        });
        // One measure at most is a dimension.
        let spread = query.measures.iter().filter_map(|one| {
            let variable = match one.measure.as_ref()? {
                Measure::Histogram(histogram) => histogram.variable.clone(),
                // Of three dates, as no other dimension is.
                Measure::LifeTable(table) => hex::encode(table.encode_to_vec()),
                _ => return None,
            };
            Some(axis(query, &variable, one, wire::Period::Unspecified))
        });
        let axes = dimensions.chain(spread).zip(domains);
        Self {
            population: Population::of(query),
            axes: axes
                .map(|(axis, domain)| Axis {
                    declared: match domain {
                        Domain::Closed(categories) => Some(categories.clone()),
                        Domain::Open => None,
                    },
                    ..axis
                })
                .collect(),
        }
    }
}

/// The dimension that `made` says how to make of a variable. Of one and the same variable of events
/// the first and the last make two dimensions.
fn axis(
    query: &wire::Query,
    variable: &str,
    made: &impl prost::Message,
    period: wire::Period,
) -> Axis {
    let of_variable = wire::Query {
        view: query.view.clone(),
        registers: vec![variable.to_owned()],
        ..wire::Query::default()
    };
    let of_row = wire::Query {
        rows: Some(wire::Rows {
            pick: query.rows.as_ref().map_or(0, |rows| rows.pick),
            ..wire::Rows::default()
        }),
        period: period.into(),
        ..of_variable.clone()
    };
    let hash = |domain: &[u8], of: &wire::Query| {
        let hash = Sha256::new().chain_update(domain);
        hash.chain_update(of.encode_length_delimited_to_vec())
    };
    Axis {
        variable: hash(VARIABLE, &of_variable).finalize().into(),
        level: hash(LEVEL, &of_row)
            .chain_update(made.encode_to_vec())
            .finalize()
            .into(),
        declared: None,
    }
}

impl Population {
    /// That of `query`, which is in normal form.
    fn of(query: &wire::Query) -> Self {
        let rows = query.rows.as_ref().and_then(|rows| rows.r#where.clone());
        let asked = wire::Query {
            population: query.population.clone(),
            rows: rows.map(|condition| wire::Rows {
                r#where: Some(condition),
                ..wire::Rows::default()
            }),
            ..wire::Query::default()
        };
        let hash = Sha256::new().chain_update(POPULATION);
        Self(hash.chain_update(asked.encode_to_vec()).finalize().into())
    }
}
