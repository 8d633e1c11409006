//! Researchers' tokens.
//!
//! ASSUMED, every name of the claims: who signs researchers in, and what such a token says, is
//! not settled. They are those that the research gateway assumes.

use innsyn_policy::Timestamp;
use serde_json::{Map, Value, json};

use super::{Names, TOKEN_LIFETIME_S};
use crate::population::Person;

/// The scope that a research gateway asks for.
pub const RESEARCH_SCOPE: &str = "innsyn:research";
/// The client through which researchers sign in.
pub const RESEARCH_CLIENT: &str = "forskning.example";

/// Who does research, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Researcher<'a> {
    /// The person who is logged in.
    pub person: &'a Person,
    /// The organisation that is responsible, by its number.
    pub organisation: &'a str,
}

impl Researcher<'_> {
    /// The claims of a token; `id` makes it one of its own.
    pub(super) fn claims(
        &self,
        names: &Names,
        now: Timestamp,
        id: &[u8; 16],
    ) -> Map<String, Value> {
        let now = now.as_seconds();
        let claims = [
            ("iss", json!(names.issuer)),
            ("aud", json!(names.audience)),
            ("iat", json!(now)),
            ("nbf", json!(now)),
            ("exp", json!(now + TOKEN_LIFETIME_S)),
            ("jti", json!(hex::encode(id))),
            ("client_id", json!(RESEARCH_CLIENT)),
            ("scp", json!(RESEARCH_SCOPE)),
            ("acr", json!("idporten-loa-high")),
            ("pid", json!(self.person.id.expose_str())),
            ("organisation", json!(self.organisation)),
        ];
        claims
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
