//! One query that waits, and one decision, as they stand in their files.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use innsyn_policy::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Stands before what is hashed, so that no other hash is ever taken for a name.
const DOMAIN: &[u8] = b"innsyn steward's queue\n";
/// The longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

/// Names a query under a data permit in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldName([u8; 32]);

/// A query that waits, or waited, for the steward: all that they are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldQuery {
    /// The query's name, in hexadecimal.
    pub query_name: String,
    /// The data permit's digest, in hexadecimal.
    pub permit_digest: String,
    /// The data permit's issuer and number.
    pub permit: String,
    /// The project, in the permit's words.
    pub project: String,
    /// The organisation through which is asked.
    pub organisation: String,
    /// What for.
    pub purpose: String,
    /// The number of the rule that asks, from 1.
    pub rule: u32,
    /// What the query uses: `view.variable`, or `view` where it only counts.
    pub variables: Vec<String>,
    /// The query in Norwegian (bokmål).
    pub words_nb: String,
    /// The query in English.
    pub words_en: String,
    /// When it came, seconds since 1970-01-01T00:00:00Z.
    pub came_at: i64,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It may be counted.
    Approved,
    /// It may not.
    Denied,
}

/// What the steward has decided about a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The query's name, in hexadecimal.
    query_name: String,
    /// The data permit's digest, in hexadecimal.
    permit_digest: String,
    /// The data permit's issuer and number.
    permit: String,
    said: Said,
    /// When, seconds since 1970-01-01T00:00:00Z.
    at: i64,
    /// Until when it stands (excluded), likewise.
    until: i64,
    /// The account of who decided.
    by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// The digest of the rules under which it was decided.
    rules: String,
}

/// What a decision is made of, beside the query.
#[derive(Debug, Clone)]
pub struct Decided<'a> {
    /// Yes or no.
    pub said: Said,
    /// When.
    pub at: Timestamp,
    /// How long it stands.
    pub stands_for: Duration,
    /// The account of who decided.
    pub by: String,
    /// Why.
    pub reason: Option<Reason>,
    /// The digest of the rules as they stand.
    pub rules: &'a str,
}

/// Why something was decided, in the steward's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

/// A reason that is not kept. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a reason is 1 to {REASON_CHARACTERS_MAX} characters on one line, without eleven digits in a \
     row: it must name no person"
)]
pub struct ReasonError;

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        let is_reason = (1..=REASON_CHARACTERS_MAX).contains(&text.chars().count())
            && !text.chars().any(char::is_control)
            && text
                .split(|c: char| !c.is_ascii_digit())
                .all(|digits| digits.len() != 11);
        is_reason.then(|| Self(text.to_owned())).ok_or(ReasonError)
    }
}

impl TryFrom<String> for Reason {
    type Error = ReasonError;

    fn try_from(text: String) -> Result<Self, ReasonError> {
        text.parse()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HeldName {
    /// The name of the query called `query` under the data permit with this digest.
    pub fn of(query: &[u8; 32], permit_digest: &[u8; 32]) -> Self {
        let hash = Sha256::new_with_prefix(DOMAIN);
        let hash = hash.chain_update(query).chain_update(permit_digest);
        Self(hash.finalize().into())
    }

    /// As much of it as people need.
    pub fn short(&self) -> String {
        hex::encode(self.0.get(..6).unwrap_or_default())
    }

    fn read(query_name: &str, permit_digest: &str) -> Option<Self> {
        let bytes = |text: &str| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).ok()?;
            Some(bytes)
        };
        Some(Self::of(&bytes(query_name)?, &bytes(permit_digest)?))
    }
}

impl fmt::Display for HeldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl HeldQuery {
    /// What it is called; none if it does not name a query and a permit.
    pub fn name(&self) -> Option<HeldName> {
        HeldName::read(&self.query_name, &self.permit_digest)
    }

    /// When it came.
    pub const fn came_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.came_at)
    }
}

impl Decision {
    /// The decision about `query`.
    pub fn about(query: &HeldQuery, decided: Decided<'_>) -> Self {
        Self {
            query_name: query.query_name.clone(),
            permit_digest: query.permit_digest.clone(),
            permit: query.permit.clone(),
            said: decided.said,
            at: decided.at.as_seconds(),
            until: decided.at.plus(decided.stands_for).as_seconds(),
            by: decided.by,
            reason: decided.reason,
            rules: decided.rules.to_owned(),
        }
    }

    /// Whether the query may be counted.
    pub fn approves(&self) -> bool {
        self.said == Said::Approved
    }

    /// Yes or no.
    pub const fn said(&self) -> Said {
        self.said
    }

    /// When it was made, and until when it stands.
    pub const fn times(&self) -> (Timestamp, Timestamp) {
        (
            Timestamp::from_seconds(self.at),
            Timestamp::from_seconds(self.until),
        )
    }

    /// The account of who decided.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Why.
    pub const fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// The query that it is about.
    pub(super) fn name(&self) -> Option<HeldName> {
        HeldName::read(&self.query_name, &self.permit_digest)
    }

    /// Whether it stands at `now`, under the rules of this digest.
    pub(super) fn stands(&self, rules: &str, now: Timestamp) -> bool {
        self.rules == rules && now < Timestamp::from_seconds(self.until)
    }
}
