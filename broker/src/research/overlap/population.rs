//! Of whom a query was asked, as its normal form says it.

use innsyn_proto::wire::research::v1::{Query, Rows};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// Stands before the encoding, so that no other hash is ever taken for a population's.
const DOMAIN: &[u8] = b"innsyn overlap audit population\n";

/// Which persons and which of their rows a query counts, as a hash: equal where queries say it
/// alike. The same persons in other words are another population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::research) struct Population(pub(super) [u8; 32]);

impl Population {
    /// That of `query`, which is in normal form.
    pub(in crate::research) fn of(query: &Query) -> Self {
        let rows = query.rows.as_ref().and_then(|rows| rows.r#where.clone());
        let asked = Query {
            population: query.population.clone(),
            rows: rows.map(|condition| Rows {
                r#where: Some(condition),
                ..Rows::default()
            }),
            ..Query::default()
        };
        let hash = Sha256::new().chain_update(DOMAIN);
        Self(hash.chain_update(asked.encode_to_vec()).finalize().into())
    }
}
