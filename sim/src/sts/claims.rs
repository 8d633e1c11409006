//! The claims of a good token, by the names that the gateway assumes.

use innsyn_policy::Timestamp;
use serde_json::{Map, Value, json};

use super::{Grant, Mandate, Names, Right, TOKEN_LIFETIME_S};

/// The claims; `id` makes the token one of its own.
pub(super) fn of(
    names: &Names,
    grant: &Grant<'_>,
    now: Timestamp,
    id: &[u8; 16],
) -> Map<String, Value> {
    let now = now.as_seconds();
    let mut claims = Map::new();
    let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    claim("iss", json!(names.issuer));
    claim("aud", json!(names.audience));
    claim("iat", json!(now));
    claim("nbf", json!(now));
    claim("exp", json!(now + TOKEN_LIFETIME_S));
    claim("jti", json!(hex::encode(id)));
    claim("client_id", json!(names.client_id));
    claim("scp", json!(names.scope));
    claim("acr", json!("idporten-loa-high"));
    claim("sub_pid", json!(grant.subject.id.expose_str()));
    claim("act_pid", json!(grant.asker.id.expose_str()));
    match grant.right {
        Right::Own => None,
        Right::Parent => claim(
            "rep",
            json!({ "kind": "parent", "birth_date": grant.subject.born.to_string() }),
        ),
        Right::Guardian(mandate) => claim("rep", representation("guardian", mandate)),
        Right::PowerOfAttorney(mandate) => claim("rep", representation("poa", mandate)),
    };
    claims
}

fn representation(kind: &str, mandate: &Mandate) -> Value {
    json!({
        "kind": kind,
        "areas": mandate.areas,
        "valid_from": mandate.from.as_seconds(),
        "valid_until": mandate.until.as_seconds(),
    })
}
