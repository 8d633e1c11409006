//! A mandate is read as its issuer signed it, and nobody else's is.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "helsenorge.example";

fn person(digits: &str) -> NationalId {
    NationalId::parse(digits, RULES).unwrap()
}

fn mandate() -> Mandate {
    Mandate {
        kind: MandateKind::PowerOfAttorney,
        giver: person("01817010055"),
        holder: person("01891877885"),
        areas: [Area::AllInsight, Area::Settings].into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(1_000),
            until: Timestamp::from_seconds(2_000),
        },
        is_revoked: false,
    }
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).unwrap()
}

fn trusts(key: &KeyPair) -> MandateIssuers {
    let public = MandateKey::from_pem(&key.public_key_pem()).unwrap();
    [(ISSUER.to_owned(), public)].into_iter().collect()
}

fn signer(issuer: &str, key: &KeyPair) -> MandateSigner {
    MandateSigner::from_pem(issuer, &key.serialize_pem()).unwrap()
}

fn none() -> RevokedMandates {
    RevokedMandates::default()
}

#[test]
fn a_mandate_is_read_as_it_was_signed() {
    let key = key();
    let signed = signer(ISSUER, &key).sign("7", &mandate()).unwrap();
    assert_eq!(trusts(&key).read(&signed, &none()), Ok(mandate()));
    assert!(signed.expose().len() < MANDATE_BYTES_MAX);
    assert_eq!(format!("{signed:?}"), "SignedMandate(***)");
}

#[test]
fn one_that_was_taken_back_is_read_as_that() {
    let key = key();
    let signed = signer(ISSUER, &key).sign("7", &mandate()).unwrap();
    let list = "# taken back\n\nhelsenorge.example 7\nother.example 8\n";
    let revoked = RevokedMandates::parse(list).unwrap();
    assert!(trusts(&key).read(&signed, &revoked).unwrap().is_revoked);
    let others = RevokedMandates::parse("other.example 7\nhelsenorge.example 8").unwrap();
    assert!(!trusts(&key).read(&signed, &others).unwrap().is_revoked);
    for (list, line) in [("x", 1), ("a 1\nb 2 3", 2)] {
        assert_eq!(RevokedMandates::parse(list), Err(RevokedLineError(line)));
    }
}

#[test]
fn the_wrong_signer_and_the_unknown_issuer_are_refused() {
    let (key, other) = (key(), self::key());
    let issuers = trusts(&key);
    let read = |signed: &SignedMandate| issuers.read(signed, &none()).unwrap_err();

    let wrong = signer(ISSUER, &other).sign("7", &mandate()).unwrap();
    assert_eq!(read(&wrong), ReadMandateError::Signature);
    let unknown = signer("nobody.example", &key)
        .sign("7", &mandate())
        .unwrap();
    assert_eq!(read(&unknown), ReadMandateError::Issuer);
    // Two keys while they are changed.
    let both = [&other, &key].map(|key| {
        let public = MandateKey::from_pem(&key.public_key_pem()).unwrap();
        (ISSUER.to_owned(), public)
    });
    let both: MandateIssuers = both.into_iter().collect();
    assert_eq!(both.read(&wrong, &none()), Ok(mandate()));
}

/// The parts of a signed mandate, `change`d in its header or its claims.
fn altered(signed: &SignedMandate, part: usize, change: impl Fn(&mut Value)) -> SignedMandate {
    let mut parts: Vec<String> = signed.expose().split('.').map(str::to_owned).collect();
    let json = BASE64.decode(&parts[part]).unwrap();
    let mut json: Value = serde_json::from_slice(&json).unwrap();
    change(&mut json);
    parts[part] = BASE64.encode(json.to_string());
    SignedMandate::parse(&parts.join(".")).unwrap()
}

#[test]
fn what_was_altered_is_refused() {
    let key = key();
    let signed = signer(ISSUER, &key).sign("7", &mandate()).unwrap();
    let issuers = trusts(&key);
    let more = altered(&signed, 1, |it| it["areas"] = json!(["insight", "dialogs"]));
    let longer = altered(&signed, 1, |it| it["exp"] = json!(9_000));
    for altered in [more, longer] {
        let read = issuers.read(&altered, &none());
        assert_eq!(read, Err(ReadMandateError::Signature));
    }
    let none_alg = altered(&signed, 0, |it| it["alg"] = json!("none"));
    assert!(issuers.read(&none_alg, &none()).is_err());
    for (name, value) in [("typ", json!("JWT")), ("crit", json!(["b64"]))] {
        let other = altered(&signed, 0, |it| it[name] = value.clone());
        assert_eq!(issuers.read(&other, &none()), Err(ReadMandateError::Type));
    }
}

#[test]
fn what_is_not_understood_is_refused_and_an_unknown_area_covers_nothing() {
    let key = key();
    let issuers = trusts(&key);
    let good = json!({
        "iss": ISSUER, "jti": "7", "kind": "poa", "giver": "01817010055",
        "holder": "01891877885", "areas": ["insight", "everything"], "nbf": 1_000, "exp": 2_000,
    });
    let sign = |claims: &Value| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        let secret = EncodingKey::from_ed_pem(key.serialize_pem().as_bytes()).unwrap();
        SignedMandate::parse(&jsonwebtoken::encode(&header, claims, &secret).unwrap()).unwrap()
    };
    let read = issuers.read(&sign(&good), &none()).unwrap();
    assert!(read.areas.iter().eq([&Area::AllInsight]));
    for (name, value) in [
        ("limit", json!("one act")),
        ("kind", json!("king")),
        ("giver", json!("01817010056")),
        ("exp", Value::Null),
        ("jti", json!("")),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        let read = issuers.read(&sign(&claims), &none());
        assert_eq!(read, Err(ReadMandateError::Claims), "{name}");
    }
}

#[test]
fn keys_of_three_kinds_are_read_and_nothing_else() {
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let p256 = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    for (key, algorithm) in [
        (&rsa, Algorithm::RS256),
        (&p256, Algorithm::ES256),
        (&key(), Algorithm::EdDSA),
    ] {
        let read = MandateKey::from_pem(&key.public_key_pem()).unwrap();
        assert_eq!(read.algorithm, algorithm);
        assert!(
            MandateKey::from_pem(&key.serialize_pem()).is_err(),
            "secret"
        );
    }
    // Signed with RSA, as Helsenorge's tokens are.
    let mut header = Header::new(Algorithm::RS256);
    header.typ = Some(TYPE.to_owned());
    let secret = EncodingKey::from_rsa_pem(rsa.serialize_pem().as_bytes()).unwrap();
    let claims = json!({
        "iss": ISSUER, "jti": "7", "kind": "guardian", "giver": "01817010055",
        "holder": "01891877885", "areas": ["insight"], "nbf": 1_000, "exp": 2_000,
    });
    let text = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
    let read = trusts(&rsa).read(&SignedMandate::parse(&text).unwrap(), &none());
    assert_eq!(read.unwrap().kind, MandateKind::Guardian);
}

#[test]
fn a_text_that_is_no_jws_goes_no_further() {
    let long = format!("a.b.{}", "c".repeat(MANDATE_BYTES_MAX));
    for text in [
        "",
        "a.b",
        "a..c",
        "a.b.c.d",
        "a.b.c\nproof: d",
        "a b.c.d",
        &long,
    ] {
        assert_eq!(
            SignedMandate::parse(text),
            Err(ReadMandateError::Malformed),
            "{text}"
        );
    }
}
