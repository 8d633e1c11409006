//! What registers call.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use innsyn_policy::{Clock as _, Timestamp};
use innsyn_proto::clock::SystemClock;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AUDIENCE, Instance, PvkStandIn, READ, WRITE};
use crate::helseid::{ProofFault, ProofFor};

/// The folder of the calls.
const FOLDER: &str = "/personvern/Personverninnstillinger";
/// Clocks may be apart by so much, in seconds.
const SKEW_S: i64 = 5;

type Pvk = Arc<PvkStandIn>;

pub(super) fn router(pvk: Pvk) -> Router {
    let call = |name: &str| format!("{FOLDER}/{name}/v2");
    Router::new()
        .route(&call("SjekkInnbyggersPiStatus"), post(status))
        .route(&call("HentInnbyggersPiForPart"), post(of_part))
        .route(&call("HentInnbyggereAktivePiForDefinisjon"), get(page))
        .route(&call("SettInnbyggersPersonvernInnstilling"), post(write))
        .layer(middleware::from_fn_with_state(Arc::clone(&pvk), guard))
        .with_state(pvk)
}

/// Whoever calls has a token of HelseID that is for us, good for this, and bound to the key that
/// has signed the proof.
async fn guard(State(pvk): State<Pvk>, request: Request, next: Next) -> Response {
    let troubles = pvk.held().troubles.clone();
    if troubles.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let scope = if request.uri().path().contains("/Sett") {
        WRITE
    } else {
        READ
    };
    match admitted(&pvk, &request, scope, troubles.nonce.as_deref()) {
        Ok(()) => next.run(request).await,
        Err(error) => {
            let status = if error == "insufficient_scope" {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::UNAUTHORIZED
            };
            let mut answer = status.into_response();
            if let Ok(challenge) = HeaderValue::from_str(&format!("DPoP error=\"{error}\"")) {
                let headers = answer.headers_mut();
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            let nonce = troubles.nonce.as_deref().map(HeaderValue::from_str);
            if let Some(Ok(nonce)) = nonce {
                let name = HeaderName::from_static("dpop-nonce");
                answer.headers_mut().insert(name, nonce);
            }
            answer
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    nbf: i64,
    scope: Vec<String>,
    cnf: Confirmed,
}

#[derive(Deserialize)]
struct Confirmed {
    jkt: Option<String>,
}

fn admitted(
    pvk: &PvkStandIn,
    request: &Request,
    scope: &str,
    nonce: Option<&str>,
) -> Result<(), &'static str> {
    const BAD: &str = "invalid_token";
    let token = dpop_token(request.headers()).ok_or(BAD)?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, &pvk.helseid_key, &validation);
    let claims = claims.map_err(|_| BAD)?.claims;
    let now = SystemClock.now();
    let seconds = now.as_seconds();
    let is_good = claims.iss == pvk.helseid.issuer()
        && claims.aud == AUDIENCE
        && seconds - SKEW_S < claims.exp
        && claims.nbf <= seconds + SKEW_S;
    if !is_good {
        return Err(BAD);
    }
    let wanted = ProofFor {
        method: request.method().as_str(),
        url: &format!("{}{}", pvk.url, request.uri().path()),
        token: Some(token),
        nonce,
    };
    let proof = pvk.proofs.check(request.headers(), &wanted, now);
    let thumbprint = proof.map_err(|fault| match fault {
        ProofFault::Nonce => "use_dpop_nonce",
        _ => "invalid_dpop_proof",
    })?;
    if claims.cnf.jkt != Some(thumbprint) {
        return Err(BAD);
    }
    if !claims.scope.iter().any(|it| it == scope) {
        return Err("insufficient_scope");
    }
    Ok(())
}

fn dpop_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme == "DPoP" && values.next().is_none()).then_some(token)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfPerson {
    innbygger_fnr: String,
    definisjon_guid: String,
    part_kode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfPart {
    innbygger_fnr: String,
    part_kode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageOf {
    definisjon_guid: String,
    part_kode: String,
    paging_reference: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    innbygger_fnr: String,
    definisjon_guid: String,
    part_kode: String,
    type_pi: String,
    aktiv: bool,
    tidspunkt: Option<String>,
    gyldig_til: Option<String>,
}

async fn status(State(pvk): State<Pvk>, body: Bytes) -> Response {
    pvk.called("SjekkInnbyggersPiStatus");
    let Some(asked) = read::<OfPerson>(&body) else {
        return refused("EPVK-100001");
    };
    if !pvk.has(&asked.definisjon_guid, &asked.part_kode) {
        return refused("EPVK-101500");
    }
    if pvk.held().nobody.contains(&asked.innbygger_fnr) {
        return refused("EPVK-101518");
    }
    let stands = pvk.stands(&asked.innbygger_fnr, &asked.definisjon_guid);
    let Some(stands) = stands else {
        return Json(json!({ "aktiv": false })).into_response();
    };
    Json(told(&stands, &[])).into_response()
}

async fn of_part(State(pvk): State<Pvk>, body: Bytes) -> Response {
    pvk.called("HentInnbyggersPiForPart");
    let Some(asked) = read::<OfPart>(&body) else {
        return refused("EPVK-100001");
    };
    let held = pvk.held();
    let all = held.instances.iter().filter_map(|((guid, fnr), instance)| {
        let defined = held.definitions.iter().find(|it| it.guid == *guid)?;
        let is_asked = defined.part == asked.part_kode && *fnr == asked.innbygger_fnr;
        (is_asked && instance.active).then(|| told(instance, &[("definisjonGuid", guid)]))
    });
    Json(json!({ "personvernInnstillinger": all.collect::<Vec<_>>() })).into_response()
}

async fn page(State(pvk): State<Pvk>, Query(asked): Query<PageOf>) -> Response {
    pvk.called("HentInnbyggereAktivePiForDefinisjon");
    if !pvk.has(&asked.definisjon_guid, &asked.part_kode) {
        return refused("EPVK-101500");
    }
    let mut held = pvk.held();
    held.pages += 1;
    if held.troubles.pages_max.is_some_and(|max| held.pages > max) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let active = held
        .instances
        .iter()
        .filter(|((guid, _), instance)| *guid == asked.definisjon_guid && instance.active);
    let active: Vec<_> = active.collect();
    let begin = asked.paging_reference.min(active.len());
    let end = active.len().min(begin + held.page_persons);
    let persons = active.get(begin..end).unwrap_or_default();
    let persons = persons
        .iter()
        .map(|((_, fnr), instance)| told(instance, &[("innbyggerFnr", fnr)]));
    Json(json!({
        "definisjonGuid": asked.definisjon_guid,
        "partKode": asked.part_kode,
        "pagingReference": if end < active.len() { end } else { 0 },
        "personvernInnstillinger": persons.collect::<Vec<_>>(),
    }))
    .into_response()
}

async fn write(State(pvk): State<Pvk>, body: Bytes) -> Response {
    pvk.called("SettInnbyggersPersonvernInnstilling");
    let Some(written) = read::<Written>(&body) else {
        return refused("EPVK-100001");
    };
    let defined = {
        let held = pvk.held();
        let mut definitions = held.definitions.iter();
        definitions
            .find(|it| it.guid == written.definisjon_guid)
            .cloned()
    };
    let is_of = |it: &super::Definition| it.part == written.part_kode && it.kind == written.type_pi;
    if !defined.as_ref().is_some_and(is_of) {
        return refused("EPVK-101500");
    }
    if pvk.held().nobody.contains(&written.innbygger_fnr) {
        return refused("EPVK-101518");
    }
    let time = |text: &Option<String>| text.as_deref().map(parse).transpose();
    let (Ok(at), Ok(until)) = (time(&written.tidspunkt), time(&written.gyldig_til)) else {
        return refused("EPVK-100002");
    };
    let at = at.unwrap_or_else(|| SystemClock.now());
    let fnr = &written.innbygger_fnr;
    let (_, is_changed) = pvk.set(fnr, &written.definisjon_guid, written.aktiv, until, at);
    let mut held = pvk.held();
    if is_changed {
        held.writes.push((fnr.clone(), written.aktiv));
    }
    if held.troubles.answers_lost > 0 {
        held.troubles.answers_lost -= 1;
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    }
    let changed = if is_changed { "endret" } else { "ikkeEndret" };
    Json(json!({ "returKode": "ok", "instansEndret": changed })).into_response()
}

impl PvkStandIn {
    fn called(&self, name: &'static str) {
        *self.held().calls.entry(name).or_default() += 1;
    }

    fn has(&self, guid: &str, part: &str) -> bool {
        let held = self.held();
        let mut definitions = held.definitions.iter();
        definitions.any(|it| it.guid == guid && it.part == part)
    }
}

fn told(instance: &Instance, of: &[(&str, &String)]) -> Value {
    let own = [
        ("aktiv", json!(instance.active)),
        ("sekvensnummer", json!(instance.sequence)),
        ("opprettetTidspunkt", json!(text(instance.made_at))),
        ("sistEndretTidspunkt", json!(text(instance.changed_at))),
        ("gyldigTil", json!(instance.until.map(text))),
    ];
    let of = of.iter().map(|(name, value)| (*name, json!(value)));
    let all = own.into_iter().chain(of);
    Value::Object(all.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A time as it is told.
pub(super) fn text(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros());
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

fn parse(text: &str) -> Result<Timestamp, jiff::Error> {
    let at: jiff::Timestamp = text.parse()?;
    Ok(Timestamp::from_micros(at.as_microsecond()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

fn refused(code: &str) -> Response {
    let body = json!({ "code": code, "message": "oppdiktet", "errorCategory": "input" });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
