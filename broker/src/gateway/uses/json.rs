//! What the HTTP face reads and writes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::wire::types::v1 as types;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::on_paper::OnPaper;
use super::super::refusal::Refusal;

/// Whose uses are wanted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::gateway) struct ListUses {
    /// The national id asked about, eleven digits. Must be the one that the token is for.
    #[schema(min_length = 11, max_length = 11, pattern = "^[0-9]{11}$")]
    pub(super) national_id: String,
    /// Only uses since then; all if absent.
    #[schema(format = DateTime)]
    pub(super) since: Option<String>,
    /// How long to wait for registers, in milliseconds.
    #[schema(minimum = 200, maximum = 10000, default = 5000)]
    pub(super) deadline_ms: Option<u32>,
    /// The receipts of an earlier reading, as they were given; at most one of each register.
    #[serde(default)]
    pub(super) receipts: Vec<String>,
    /// Give what registers showed as it came, so that it can be checked again.
    #[serde(default)]
    pub(super) with_proofs: bool,
}

impl ListUses {
    /// Reads the body. What serde says is not passed on: it may quote what was sent.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|error| {
            if error.is_data() {
                Refusal::UsesRequest
            } else {
                Refusal::BodyNotJson
            }
        })
    }
}

/// What every register's log has about the person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Uses<'a> {
    /// Exactly one for each register, in the order of the catalogue.
    registers: Vec<RegisterUses<'a>>,
    /// Whether every register that can be asked answered with a log that was verified.
    complete: bool,
}

/// What one register's log has about the person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct RegisterUses<'a> {
    register_id: &'a str,
    name: &'a str,
    name_en: &'a str,
    /// `VERIFIED`, `NOT_VERIFIED`, `WITHHELD`, `REFUSED`, `NO_ANSWER` or `CANNOT_BE_ASKED`.
    outcome: &'static str,
    /// What was wrong, in words.
    #[serde(skip_serializing_if = "str::is_empty")]
    problem: &'a str,
    /// Newest first.
    uses: Vec<Use<'a>>,
    /// What is held back, as the law demands; absent where nothing is.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back: Option<HeldBack<'a>>,
    /// There is more than is shown here; ask with a later `since`.
    truncated: bool,
    /// Queries for research of which it cannot be told any more whether they counted the person.
    queries_untold: u32,
    /// What was checked; absent where no log was shown.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Verified<'a>>,
    /// To be kept and given at the next reading; it is kept nowhere else.
    #[serde(skip_serializing_if = "str::is_empty")]
    receipt: &'a str,
    /// What the register showed, where it was asked for and a log was shown.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Proof<'a>>,
}

/// What a register showed of its log, and what it was held to. Bytes are in base64.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Proof<'a> {
    /// The id of the reading.
    question_id: String,
    /// Messages `innsyn.node.v1.ListUsesResponse`, in their order, without their padding.
    pages: Vec<String>,
    /// The head that the gateway keeps of the log, a C2SP signed note; absent if there is none.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<Cow<'a, str>>,
    /// The gateway's key as a witness, in the note format.
    gateway_key: &'a str,
    /// Heads that other witnesses have seen.
    others: Vec<SeenHead<'a>>,
}

/// A head that a witness has seen.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct SeenHead<'a> {
    /// The witness's key in the note format.
    witness_key: &'a str,
    /// The head, a C2SP signed note.
    head: Cow<'a, str>,
}

/// What is not told yet.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct HeldBack<'a> {
    /// How many uses.
    uses: u32,
    /// Until when the last of them is held back.
    #[schema(format = DateTime)]
    until: &'a str,
}

/// What was checked of one register's log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Verified<'a> {
    /// How many entries the log had.
    log_entries: u64,
    /// How many of the person's entries were checked to be whole, without a gap.
    chained: u64,
    /// The number of the newest entry about the person.
    newest: u64,
    /// Whether an earlier receipt was given and is continued.
    continues_receipt: bool,
    /// Up to how many entries the log is what witnesses have signed.
    witnessed_entries: u64,
    /// Who has signed heads that this log continues: gateways and other registers' agents.
    witnesses: Vec<Witness<'a>>,
    /// Witnesses that say, without showing a proof, that this is not the log that they know.
    disputed_by: &'a [String],
}

/// Somebody who keeps the heads of a log that is not theirs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Witness<'a> {
    /// The name of its key.
    name: &'a str,
    /// How many entries the last head had that it signed.
    entries: u64,
    /// When it did.
    #[schema(format = DateTime)]
    at: &'a str,
}

/// The same in bokmål and in English.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Words<'a> {
    nb: &'a str,
    en: &'a str,
}

/// One use of the person's data.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct Use<'a> {
    #[schema(format = DateTime)]
    at: &'a str,
    /// `LISTING`, `RESEARCH`, `LOG_READING`, `SETTING_CHANGE`, `DIALOG` or `INSIGHT`.
    kind: &'static str,
    /// `ONESELF`, `YOU` (who asks now on the person's behalf), `REGISTER` (its clerks, from what the
    /// person said on paper) or `OTHER`.
    by: &'static str,
    /// The organisation number, or what stands for one.
    organisation: &'a str,
    purpose: &'static str,
    /// What was done, what for, on what ground, and how it was decided.
    words: UseWords<'a>,
    /// The stable word of the decision.
    decision: &'a str,
    /// The stable word of its ground, where there is one.
    #[serde(skip_serializing_if = "str::is_empty")]
    decision_reason: &'a str,
    /// The data permit, of research.
    #[serde(skip_serializing_if = "str::is_empty")]
    permit: &'a str,
    /// The permit's project.
    #[serde(skip_serializing_if = "str::is_empty")]
    project: &'a str,
    /// How many persons a query counted, of research.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    persons_counted: Option<u64>,
    /// The same at every register that was asked the same question; 32 hexadecimal digits.
    question_id: String,
    /// The entry's position in the log, and its hash.
    position: u64,
    leaf: String,
    /// Its number among the entries about the person; absent of research.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    /// By whom and why, of a setting that was said on paper; absent of all else.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    paper: Option<OnPaper>,
}

/// One use in words.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct UseWords<'a> {
    kind: Words<'a>,
    purpose: Words<'a>,
    basis: Words<'a>,
    decision: Words<'a>,
}

impl<'a> Uses<'a> {
    pub(super) fn new(uses: &'a wire::ListUsesResponse) -> Self {
        Self {
            registers: uses.registers.iter().map(RegisterUses::new).collect(),
            complete: uses.complete,
        }
    }
}

impl<'a> RegisterUses<'a> {
    fn new(uses: &'a wire::RegisterUses) -> Self {
        Self {
            register_id: &uses.register_id,
            name: &uses.name,
            name_en: &uses.name_en,
            outcome: strip(uses.outcome().as_str_name(), "USES_OUTCOME_"),
            problem: &uses.problem,
            uses: uses.uses.iter().map(Use::new).collect(),
            held_back: uses.held_back.as_ref().map(|held| HeldBack {
                uses: held.uses,
                until: &held.until,
            }),
            truncated: uses.truncated,
            queries_untold: uses.queries_untold,
            verified: uses.verified.as_ref().map(|verified| Verified {
                log_entries: verified.log_entries,
                chained: verified.chained,
                newest: verified.newest,
                continues_receipt: verified.continues_receipt,
                witnessed_entries: verified.witnessed_entries,
                witnesses: verified.witnesses.iter().map(Witness::new).collect(),
                disputed_by: &verified.disputed_by,
            }),
            receipt: &uses.receipt,
            proof: uses.proof.as_ref().map(Proof::new),
        }
    }
}

impl<'a> Proof<'a> {
    fn new(proof: &'a wire::UsesProof) -> Self {
        let others = proof.others.iter();
        Self {
            question_id: BASE64_STANDARD.encode(&proof.question_id),
            pages: proof
                .pages
                .iter()
                .map(|page| BASE64_STANDARD.encode(page))
                .collect(),
            kept: proof.kept.as_deref().map(String::from_utf8_lossy),
            gateway_key: &proof.gateway_key,
            others: others
                .map(|seen| SeenHead {
                    witness_key: &seen.witness_key,
                    head: String::from_utf8_lossy(&seen.head),
                })
                .collect(),
        }
    }
}

impl<'a> Witness<'a> {
    fn new(told: &'a wire::Witness) -> Self {
        Self {
            name: &told.name,
            entries: told.entries,
            at: &told.at,
        }
    }
}

impl<'a> Use<'a> {
    fn new(told: &'a wire::Use) -> Self {
        let is_research = told.kind() == wire::UseKind::Research;
        Self {
            at: &told.at,
            kind: kind(told),
            by: by(told),
            organisation: &told.organisation,
            purpose: purpose(told),
            words: UseWords {
                kind: words(told.kind_words.as_ref()),
                purpose: words(told.purpose_words.as_ref()),
                basis: words(told.basis_words.as_ref()),
                decision: words(told.decision_words.as_ref()),
            },
            decision: &told.decision,
            decision_reason: &told.decision_reason,
            permit: &told.permit,
            project: &told.project,
            persons_counted: is_research.then_some(told.persons_counted),
            question_id: hex::encode(&told.question_id),
            position: told.position,
            leaf: hex::encode(&told.leaf),
            number: (!is_research).then_some(told.number),
            paper: told.paper.as_ref().map(OnPaper::of),
        }
    }
}

pub(super) fn kind(told: &wire::Use) -> &'static str {
    strip(told.kind().as_str_name(), "USE_KIND_")
}

pub(super) fn by(told: &wire::Use) -> &'static str {
    strip(told.by().as_str_name(), "USED_BY_")
}

pub(super) fn purpose(told: &wire::Use) -> &'static str {
    let purpose = types::Purpose::try_from(told.purpose).unwrap_or_default();
    strip(purpose.as_str_name(), "PURPOSE_")
}

fn words(words: Option<&wire::Words>) -> Words<'_> {
    Words {
        nb: words.map_or("", |words| &words.nb),
        en: words.map_or("", |words| &words.en),
    }
}

fn strip(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}
