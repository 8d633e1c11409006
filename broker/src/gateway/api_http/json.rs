//! What the HTTP face reads and writes.

use innsyn_proto::convert::outcome_to_wire;
use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::types::v1 as wire;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::catalog::Catalogue;
use crate::gateway::api_grpc::{iso, presence};
use crate::gateway::fanout::Update;
use crate::gateway::refusal::Refusal;
use crate::gateway::words;

/// Whom a listing is about.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct ListRegistrations {
    /// The national id asked about, eleven digits. Must be the one that the token is for.
    #[schema(min_length = 11, max_length = 11, pattern = "^[0-9]{11}$")]
    pub(in crate::gateway) national_id: String,
    /// How long to wait for registers, in milliseconds.
    #[schema(minimum = 200, maximum = 10000, default = 3000)]
    pub(in crate::gateway) deadline_ms: Option<u32>,
    /// Leave `register` out of each registration, for a caller that keeps the catalogue itself.
    #[serde(default)]
    pub(in crate::gateway) omit_catalogue: bool,
}

impl ListRegistrations {
    /// Reads the body. What serde says is not passed on: it may quote what was sent.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        const FIELDS: [&str; 3] = ["nationalId", "deadlineMs", "omitCatalogue"];
        serde_json::from_slice(body).map_err(|error| {
            let fields = serde_json::from_slice::<serde_json::Map<_, _>>(body);
            match fields {
                Ok(fields) if fields.keys().any(|key| !FIELDS.contains(&key.as_str())) => {
                    Refusal::FieldUnknown
                }
                _ if error.is_data() => Refusal::BodyNotUnderstood,
                _ => Refusal::BodyNotJson,
            }
        })
    }
}

/// The answer of every register.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Registrations<'a> {
    /// Exactly one for each register, in the order of the catalogue.
    pub(super) registrations: Vec<Registration<'a>>,
    pub(super) summary: Summary,
}

/// What became of the question at one register.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Registration<'a> {
    register_id: &'a str,
    #[schema(schema_with = outcomes)]
    outcome: &'static str,
    /// Absent where the outcome speaks for itself.
    #[schema(schema_with = reasons)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The day of the first registration, where the register gives it.
    #[schema(format = Date, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    registered_since: Option<String>,
    /// The day of the last change, where the register gives it.
    #[schema(format = Date, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_changed: Option<String>,
    /// The hash of the entry that the question left in the register's log of use, as 64
    /// hexadecimal digits; absent where the register gave no answer.
    #[schema(pattern = "^[0-9a-f]{64}$", nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    use_log_leaf: Option<String>,
    /// The register's entry in the catalogue; absent if `omitCatalogue` was set.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<Register<'a>>,
}

impl<'a> Registration<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, update: &Update, omit_catalogue: bool) -> Self {
        let (outcome, reason) = outcome_to_wire(&update.outcome);
        let presence = presence(&update.outcome);
        let entry = catalogue.entries().get(update.register);
        Self {
            register_id: entry.map_or("", |entry| &entry.wire.id),
            outcome: words::outcome(outcome),
            reason: words::reason(reason),
            registered_since: presence.since.map(iso),
            last_changed: presence.last_changed.map(iso),
            use_log_leaf: update.use_log_leaf.map(hex::encode),
            register: entry
                .filter(|_| !omit_catalogue)
                .map(|entry| (&entry.wire).into()),
        }
    }
}

/// The account of the whole listing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Summary {
    /// Registers in the catalogue; equals the sum of the counts.
    registers: u32,
    /// Registers that were asked, or should have been.
    asked: u32,
    /// Registers that answered: registered, not registered, deleted or withheld.
    answered: u32,
    /// Whether every register that can be asked answered.
    complete: bool,
    /// How many registers had each outcome; outcomes that none had are left out.
    counts: Vec<OutcomeCount>,
    /// From the request's arrival to this summary, in milliseconds.
    elapsed_ms: u32,
}

/// How many registers had one outcome.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct OutcomeCount {
    #[schema(schema_with = outcomes)]
    outcome: &'static str,
    registers: u32,
}

impl From<citizen::Summary> for Summary {
    fn from(summary: citizen::Summary) -> Self {
        Self {
            registers: summary.registers,
            asked: summary.asked,
            answered: summary.answered,
            complete: summary.complete,
            counts: summary
                .counts
                .iter()
                .map(|count| OutcomeCount {
                    outcome: words::outcome(count.outcome()),
                    registers: count.registers,
                })
                .collect(),
            elapsed_ms: summary.elapsed_ms,
        }
    }
}

/// The catalogue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Registers<'a> {
    pub(super) registers: Vec<Register<'a>>,
}

/// A register as the catalogue describes it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Register<'a> {
    /// Its short name in the federation, for example `kreft`.
    id: &'a str,
    /// Its name in Norwegian.
    name: &'a str,
    /// Its name in English.
    name_en: &'a str,
    /// What it is for, in Norwegian.
    #[schema(max_length = 612)]
    description: &'a str,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    #[schema(schema_with = legal_bases)]
    legal_basis: &'static str,
    /// Whether being in it is itself a health fact.
    membership_is_sensitive: bool,
    /// The data controller.
    controller: &'a str,
    /// Where to write.
    contact_email: &'a str,
    /// How to get to see what it holds.
    #[schema(schema_with = insight_methods)]
    insight_method: &'static str,
    /// Where, if `insightMethod` is `LINK`; absent otherwise.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    insight_link: Option<&'a str>,
}

impl<'a> From<&'a wire::Register> for Register<'a> {
    fn from(register: &'a wire::Register) -> Self {
        Self {
            id: &register.id,
            name: &register.name,
            name_en: &register.name_en,
            description: &register.description,
            kind: words::kind(register.kind()),
            legal_basis: words::legal_basis(register.legal_basis()),
            membership_is_sensitive: register.membership_is_sensitive,
            controller: &register.controller,
            contact_email: &register.contact_email,
            insight_method: words::insight_method(register.insight_method()),
            insight_link: Some(register.insight_link.as_str()).filter(|link| !link.is_empty()),
        }
    }
}

fn outcomes() -> Object {
    one_of(words::every(words::outcome))
}

fn reasons() -> Object {
    one_of(words::every(|reason| {
        words::reason(reason).unwrap_or_default()
    }))
}

fn kinds() -> Object {
    one_of(words::every(words::kind))
}

fn legal_bases() -> Object {
    one_of(words::every(words::legal_basis))
}

fn insight_methods() -> Object {
    one_of(words::every(words::insight_method))
}

fn one_of(words: Vec<&'static str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .build()
}
