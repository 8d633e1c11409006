//! Uses as a bundle of FHIR R4 `AuditEvent` (<https://hl7.org/fhir/R4/auditevent.html>).
//!
//! One event for each use of the registers whose logs were verified. The person is named by their
//! national id, for the bundle is their own; who asked is told as far as the log tells. The entry's
//! position and hash stand in the event's details, so that it can be held against the register.

use innsyn_policy::NationalId;
use innsyn_proto::wire::citizen::v1 as wire;
use serde_json::{Value, json};

use super::json::{by, kind};

/// Of national ids (*fødselsnummer*), as Volven numbers it.
const NATIONAL_ID: &str = "urn:oid:2.16.578.1.12.4.1.4.1";
/// Of organisation numbers in the *Enhetsregister*.
const ORGANISATION: &str = "urn:oid:2.16.578.1.12.4.1.4.101";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const OBJECT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
/// Of the kinds of use, and of registers.
const KIND: &str = "urn:innsyn:use-kind";
const REGISTER: &str = "urn:innsyn:register";

/// The bundle of all uses of `subject`.
pub(super) fn bundle(uses: &wire::ListUsesResponse, subject: &NationalId) -> Vec<u8> {
    let entries: Vec<Value> = uses
        .registers
        .iter()
        .flat_map(|register| register.uses.iter().map(move |told| (register, told)))
        .map(|(register, told)| {
            json!({
                "fullUrl": format!("urn:uuid:{}", uuid(&told.leaf)),
                "resource": event(register, told, subject),
            })
        })
        .collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "collection" });
    // FHIR knows no empty list.
    if let (Some(bundle), false) = (bundle.as_object_mut(), entries.is_empty()) {
        bundle.insert("entry".to_owned(), Value::Array(entries));
    }
    serde_json::to_vec(&bundle).unwrap_or_default()
}

fn event(register: &wire::RegisterUses, told: &wire::Use, subject: &NationalId) -> Value {
    let text = |words: &Option<wire::Words>| {
        words
            .as_ref()
            .map_or_else(String::new, |words| words.nb.clone())
    };
    let is_answered = told.decision == "ANSWERED";
    let mut details = vec![
        detail("position", &told.position.to_string()),
        detail("leaf", &hex::encode(&told.leaf)),
        detail("question", &hex::encode(&told.question_id)),
        detail("basis", &text(&told.basis_words)),
        detail("decision", &told.decision),
    ];
    for (name, value) in [
        ("reason", &told.decision_reason),
        ("permit", &told.permit),
        ("project", &told.project),
    ] {
        if !value.is_empty() {
            details.push(detail(name, value));
        }
    }
    if let Some(paper) = &told.paper {
        for (name, value) in [
            ("enteredBy", &paper.entered_by),
            ("confirmedBy", &paper.confirmed_by),
            ("paperDated", &paper.dated),
            ("paperArchive", &paper.archive),
            ("paperReason", &paper.reason),
        ] {
            details.push(detail(name, value));
        }
    }
    json!({
        "resourceType": "AuditEvent",
        "id": uuid(&told.leaf),
        "type": { "system": LIFECYCLE, "code": lifecycle(told), "display": text(&told.kind_words) },
        "subtype": [{ "system": KIND, "code": kind(told), "display": text(&told.kind_words) }],
        "action": if told.kind() == wire::UseKind::SettingChange { "U" } else { "R" },
        "recorded": told.at,
        "outcome": if is_answered { "0" } else { "4" },
        "outcomeDesc": text(&told.decision_words),
        "purposeOfEvent": [{
            "coding": [{ "system": REASON, "code": reason(told) }],
            "text": text(&told.purpose_words),
        }],
        "agent": [
            agent(told, subject),
            {
                "who": { "type": "Organization", "identifier": {
                    "system": ORGANISATION, "value": told.organisation,
                } },
                "requestor": false,
            },
        ],
        "source": {
            "site": register.name,
            "observer": { "type": "Organization", "display": register.name, "identifier": {
                "system": REGISTER, "value": register.register_id,
            } },
        },
        "entity": [{
            "what": { "type": "Patient", "identifier": {
                "system": NATIONAL_ID, "value": subject.expose_str(),
            } },
            "type": { "system": OBJECT_TYPE, "code": "1", "display": "Person" },
            "detail": details,
        }],
    })
}

/// Who asked, as far as it is told.
fn agent(told: &wire::Use, subject: &NationalId) -> Value {
    let who = match told.by() {
        wire::UsedBy::Oneself => json!({ "type": "Patient", "identifier": {
            "system": NATIONAL_ID, "value": subject.expose_str(),
        } }),
        wire::UsedBy::You => json!({ "type": "RelatedPerson", "display": by(told) }),
        wire::UsedBy::Register | wire::UsedBy::Other | wire::UsedBy::Unspecified => {
            json!({ "display": by(told) })
        }
    };
    json!({ "who": who, "requestor": true })
}

fn detail(name: &str, value: &str) -> Value {
    json!({ "type": name, "valueString": value })
}

fn lifecycle(told: &wire::Use) -> &'static str {
    match told.kind() {
        wire::UseKind::SettingChange => "amend",
        wire::UseKind::Dialog => "transmit",
        _ => "access",
    }
}

fn reason(told: &wire::Use) -> &'static str {
    match super::json::purpose(told) {
        "OWN_INSIGHT" => "PATRQT",
        "TREATMENT" => "TREAT",
        "QUALITY_IMPROVEMENT" => "HQUALIMP",
        "RESEARCH" => "HRESCH",
        _ => "HSYSADMIN",
    }
}

/// A UUID (version 8, RFC 9562) made of an entry's hash: the same for the same entry.
fn uuid(leaf: &[u8]) -> String {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(leaf) {
        *to = *from;
    }
    let bits = (u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62)) | (8 << 76) | (2 << 62);
    let hex = hex::encode(bits.to_be_bytes());
    let part = |range| hex.get(range).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32)
    )
}
