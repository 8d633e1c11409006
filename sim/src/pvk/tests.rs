//! The stand-ins refuse what the real ones must: tokens and proofs, case by case.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::helseid::{KnownClient, ServedHelseId, TokenFault};
use crate::processes::http;

const GUID: &str = "7e1d7a52-71a0-4e0b-9a3c-000000000071";

/// What is changed of a proof.
type Change = Box<dyn Fn(&mut Header, &mut Value)>;

/// Whoever holds a key.
struct Holder {
    key: EncodingKey,
    jwk: Jwk,
}

fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

impl Holder {
    fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        Self { key, jwk }
    }

    fn thumbprint(&self) -> String {
        self.jwk.thumbprint(ThumbprintHash::SHA256).unwrap()
    }

    /// A proof for a page of `pvk` with `token`, changed by `change`.
    fn proof(
        &self,
        pvk: &PvkStandIn,
        token: &str,
        change: impl FnOnce(&mut Header, &mut Value),
    ) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.jwk.clone());
        let mut claims = json!({
            "jti": unique(),
            "htm": "GET",
            "htu": format!("{}{PAGE}", pvk.url()),
            "iat": SystemClock.now().as_seconds(),
            "ath": BASE64.encode(Sha256::digest(token)),
        });
        change(&mut header, &mut claims);
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

const PAGE: &str = "/personvern/Personverninnstillinger/HentInnbyggereAktivePiForDefinisjon/v2";

async fn stand_ins() -> (ServedHelseId, ServedPvk) {
    let client = KnownClient::new("agent", AUDIENCE, &[READ]).unwrap();
    let helseid = HelseIdStandIn::start(client, None).await.unwrap();
    let definition = Definition {
        guid: GUID.to_owned(),
        name: "Reservasjon".to_owned(),
        part: "HDIR".to_owned(),
        kind: "reservasjon".to_owned(),
    };
    let pvk = PvkStandIn::start(Arc::clone(&helseid.helseid), vec![definition], None);
    let pvk = pvk.await.unwrap();
    (helseid, pvk)
}

/// Asks for a page with these headers; the status.
async fn page(pvk: &PvkStandIn, authorization: Option<String>, proofs: &[String]) -> u16 {
    let url = format!(
        "{}{PAGE}?definisjonGuid={GUID}&partKode=HDIR&pagingReference=0",
        pvk.url()
    );
    let mut request = http().unwrap().get(url);
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    for proof in proofs {
        request = request.header("DPoP", proof);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_token_that_is_not_good_for_this_is_refused() {
    let (helseid, pvk) = stand_ins().await;
    let (helseid, pvk) = (&helseid.helseid, &pvk.pvk);
    let holder = Holder::new();
    let with = async |token: &str| {
        let proof = holder.proof(pvk, token, |_, _| ());
        page(pvk, Some(format!("DPoP {token}")), &[proof]).await
    };
    let good = helseid.token(&holder.thumbprint(), None).unwrap();
    assert_eq!(with(&good).await, 200);
    for fault in TokenFault::ALL {
        let token = helseid.token(&holder.thumbprint(), Some(fault)).unwrap();
        let expected = if fault == TokenFault::NoScope {
            403
        } else {
            401
        };
        assert_eq!(with(&token).await, expected, "{fault:?}");
    }
    let stolen = helseid.token(&Holder::new().thumbprint(), None).unwrap();
    assert_eq!(with(&stolen).await, 401, "bound to another key");
}

#[tokio::test]
async fn a_proof_that_is_not_for_this_call_is_refused() {
    let (helseid, pvk) = stand_ins().await;
    let (helseid, pvk) = (&helseid.helseid, &pvk.pvk);
    let holder = Holder::new();
    let token = helseid.token(&holder.thumbprint(), None).unwrap();
    let dpop = || Some(format!("DPoP {token}"));
    let now = SystemClock.now().as_seconds();
    let claim = |name: &'static str, value: Value| -> Change {
        Box::new(move |_, claims| claims[name] = value.clone())
    };
    let bad: Vec<(&str, Change)> = vec![
        ("method", claim("htm", json!("POST"))),
        ("address", claim("htu", json!("https://pvk.example/"))),
        ("past", claim("iat", json!(now - 60))),
        ("future", claim("iat", json!(now + 60))),
        ("token", claim("ath", json!("other"))),
        ("no token", claim("ath", Value::Null)),
        ("no id", claim("jti", Value::Null)),
        (
            "type",
            Box::new(|header, _| header.typ = Some("JWT".to_owned())),
        ),
        ("no key", Box::new(|header, _| header.jwk = None)),
        (
            "another key",
            Box::new(|header, _| header.jwk = Some(Holder::new().jwk)),
        ),
    ];
    for (name, change) in bad {
        let proof = holder.proof(pvk, &token, change);
        assert_eq!(page(pvk, dpop(), &[proof]).await, 401, "{name}");
    }
    let proof = holder.proof(pvk, &token, |_, _| ());
    let other = holder.proof(pvk, &token, |_, _| ());
    assert_eq!(page(pvk, dpop(), &[]).await, 401, "no proof");
    assert_eq!(
        page(pvk, dpop(), &[proof.clone(), other]).await,
        401,
        "two proofs"
    );
    assert_eq!(
        page(pvk, None, std::slice::from_ref(&proof)).await,
        401,
        "no token"
    );
    let bearer = Some(format!("Bearer {token}"));
    assert_eq!(
        page(pvk, bearer, std::slice::from_ref(&proof)).await,
        401,
        "Bearer"
    );
    assert_eq!(page(pvk, dpop(), std::slice::from_ref(&proof)).await, 200);
    assert_eq!(page(pvk, dpop(), &[proof]).await, 401, "replayed");
}

#[tokio::test]
async fn a_setting_is_counted_from_one_and_only_when_it_changes() {
    let (_helseid, pvk) = stand_ins().await;
    let pvk = &pvk.pvk;
    let fnr = "01817010055";
    assert_eq!(pvk.says(fnr, GUID, false), 0, "nothing to take back");
    assert_eq!(pvk.says(fnr, GUID, true), 1);
    assert_eq!(pvk.says(fnr, GUID, true), 1);
    assert_eq!(pvk.says(fnr, GUID, false), 2);
    assert!(!pvk.stands(fnr, GUID).unwrap().active);
}
