//! What is refused, and that no refusal quotes a person.

use super::super::{IssuerKeyError, PERMIT_BYTES_MAX, SignDataPermitError, words_unverified};
use super::*;

use ReadDataPermitError as E;

/// Why `text` is refused by whoever trusts `issuer`.
fn refusal(issuer: &Issuer, text: &str) -> E {
    let error = issuer.trusted().read(text, now()).unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains(KARI), "{told}");
    error
}

#[test]
fn a_permit_of_an_issuer_that_is_not_in_the_list_is_refused() {
    let issuer = Issuer::new();
    let other = Terms {
        id: PermitId::new("fhi.no", "2026-017").unwrap(),
        ..terms()
    };
    let text = issuer.sign(&DataPermit::new(other).unwrap());
    assert_eq!(refusal(&issuer, &text), E::Issuer);

    let nobody = TrustedIssuers::default();
    let read = nobody.read(&issuer.sign(&permit()), now());
    assert_eq!(read, Err(E::Issuer));
}

#[test]
fn a_permit_signed_with_another_key_is_refused() {
    let issuer = Issuer::new();
    for other in [Issuer::new(), Issuer::with_key_of(&PKCS_ECDSA_P256_SHA256)] {
        assert_eq!(refusal(&issuer, &other.sign(&permit())), E::Signature);
        // Nor is one that another trusted issuer signed in this one's name.
        let both: TrustedIssuers = [
            (ISSUER.to_owned(), issuer.key()),
            ("fhi.no".to_owned(), other.key()),
        ]
        .into_iter()
        .collect();
        let read = both.read(&other.sign(&permit()), now());
        assert_eq!(read, Err(E::Signature));
    }
}

#[test]
fn an_altered_permit_is_refused() {
    let issuer = Issuer::new();
    let text = issuer.sign(&permit());
    let [header, _, signature] = parts(&text);
    let mut claims = claims(&text);
    claims["permit"]["smallest_cell"] = json!(3);
    let altered = format!("{header}.{}.{signature}", base64(&claims));
    assert_eq!(refusal(&issuer, &altered), E::Signature);
}

#[test]
fn every_byte_of_a_permit_counts() {
    let issuer = Issuer::new();
    let text = issuer.sign(&permit());
    let trusted = issuer.trusted();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).unwrap();
        assert!(trusted.read(&altered, now()).is_err(), "byte {at}");
        assert!(trusted.read(&text[..at], now()).is_err(), "cut at {at}");
    }
    assert!(trusted.read(&text, now()).is_ok());
}

#[test]
fn a_jws_of_another_type_is_refused() {
    let issuer = Issuer::new();
    let claims = claims(&issuer.sign(&permit()));
    for typ in [None, Some("JWT"), Some("at+jwt"), Some("data-permit")] {
        let header = Header {
            typ: typ.map(str::to_owned),
            ..header()
        };
        let text = issuer.sign_raw(&header, &claims);
        assert_eq!(refusal(&issuer, &text), E::Type, "{typ:?}");
        assert_eq!(words_unverified(&text), Err(E::Type));
    }
    assert!(
        issuer
            .trusted()
            .read(&issuer.sign_raw(&header(), &claims), now())
            .is_ok()
    );
}

#[test]
fn a_header_that_asks_for_more_is_refused() {
    let issuer = Issuer::new();
    let claims = claims(&issuer.sign(&permit()));
    let header = Header {
        crit: Some(vec!["b64".to_owned()]),
        ..header()
    };
    let text = issuer.sign_raw(&header, &claims);
    assert_eq!(refusal(&issuer, &text), E::Critical);
}

#[test]
fn a_permit_cannot_choose_how_it_is_verified() {
    let issuer = Issuer::new();
    let claims = claims(&issuer.sign(&permit()));
    // The public key as if it were a shared secret, and no signature at all.
    let secret = EncodingKey::from_secret(issuer.public_pem.as_bytes());
    let header = Header {
        alg: Algorithm::HS256,
        ..header()
    };
    let text = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
    assert_eq!(refusal(&issuer, &text), E::Signature);

    let none = base64(&json!({ "alg": "none", "typ": "innsyn-data-permit+jwt" }));
    let text = format!("{none}.{}.", base64(&claims));
    assert_eq!(refusal(&issuer, &text), E::Malformed);
}

#[test]
fn claims_that_are_not_known_are_refused() {
    let issuer = Issuer::new();
    let claims = claims(&issuer.sign(&permit()));
    for at in ["", "/permit", "/permit/born", "/permit/data"] {
        let mut more = claims.clone();
        more.pointer_mut(at).unwrap()[KARI] = json!(true);
        let text = issuer.sign_raw(&header(), &more);
        assert_eq!(refusal(&issuer, &text), E::Claims, "{at}");
        assert_eq!(words_unverified(&text), Err(E::Claims));
    }
}

#[test]
fn claims_that_are_missing_or_of_another_type_are_refused() {
    let issuer = Issuer::new();
    let good = claims(&issuer.sign(&permit()));
    for object in ["", "/permit"] {
        let names = good.pointer(object).unwrap().as_object().unwrap();
        // A permit without a limit of birth years is another permit, and a good one.
        for name in names.keys().filter(|name| *name != "born") {
            let mut less = good.clone();
            let members = less.pointer_mut(object).unwrap();
            members.as_object_mut().unwrap().remove(name);
            let error = refusal(&issuer, &issuer.sign_raw(&header(), &less));
            // Without an issuer nobody knows whose key to take.
            let expected = if name == "iss" {
                E::Malformed
            } else {
                E::Claims
            };
            assert_eq!(error, expected, "{name}");

            let mut other = good.clone();
            other.pointer_mut(object).unwrap()[name] = json!(null);
            let error = refusal(&issuer, &issuer.sign_raw(&header(), &other));
            assert_eq!(error, expected, "{name}");
        }
    }
}

#[test]
fn what_is_granted_must_be_a_permit() {
    let issuer = Issuer::new();
    let good = claims(&issuer.sign(&permit()));
    for (name, value, field) in [
        ("people", json!([]), "people"),
        ("people", json!(["01817010056"]), "people"),
        ("people", json!([KARI, "Kari"]), "people"),
        ("organisation", json!(KARI), "organisation"),
        ("purpose", json!("treatment"), "purpose"),
        ("purpose", json!(KARI), "purpose"),
        ("purpose", json!("quality_improvement"), "legal_basis"),
        ("legal_basis", json!(KARI), "legal_basis"),
        ("legal_reference", json!(KARI), "legal_reference"),
        ("project", json!(KARI), "project"),
        ("registers", json!(["Kreft"]), "registers"),
        ("variables", json!({ KARI: [] }), "variables"),
        ("born", json!({ "from": 1990, "to": 1940 }), "born"),
        ("data", json!({ "from": "2015", "to": "2024" }), "data"),
        ("data", json!({ "from": "2015-1", "to": "2024-12" }), "data"),
        (
            "data",
            json!({ "from": "2015-13", "to": "2024-12" }),
            "data",
        ),
        ("kinds", json!(["count", "rows"]), "kinds"),
        ("smallest_cell", json!(1), "smallest_cell"),
        ("rounding_base", json!(0), "rounding_base"),
        ("budget_queries", json!(0), "budget_queries"),
    ] {
        let mut claims = good.clone();
        claims["permit"][name] = value;
        let E::Terms(error) = refusal(&issuer, &issuer.sign_raw(&header(), &claims)) else {
            panic!("`{name}` was not found incoherent");
        };
        assert_eq!(error.field, field);
        assert!(!error.to_string().contains(KARI));
    }
}

#[test]
fn a_permit_has_a_largest_size() {
    let issuer = Issuer::new();
    let of = |variables: usize| {
        let names = (0..variables).map(|i| format!("{:a<60}{i}", "v")).collect();
        let terms = Terms {
            variables: [("view".to_owned(), names)].into(),
            ..terms()
        };
        DataPermit::new(terms).unwrap()
    };
    assert!(issuer.signer().sign(&of(700)).is_ok());
    let error = issuer.signer().sign(&of(800)).unwrap_err();
    assert_eq!(error, SignDataPermitError::TooLong);

    let long = "a".repeat(PERMIT_BYTES_MAX + 1);
    assert_eq!(refusal(&issuer, &long), E::TooLong);
    assert_eq!(words_unverified(&long), Err(E::TooLong));
}

#[test]
fn only_keys_of_the_two_kinds_are_read_and_each_as_what_it_is() {
    let ed25519 = Issuer::new();
    let other = Issuer::with_key_of(&PKCS_ECDSA_P384_SHA384);
    let certificate = {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.self_signed(&key).unwrap().pem()
    };
    for pem in [
        "",
        "key",
        &ed25519.secret_pem,
        &other.public_pem,
        &certificate,
    ] {
        let error = IssuerKey::from_pem(pem).unwrap_err();
        assert_eq!(error, IssuerKeyError::Public);
    }
    for pem in ["", "key", &ed25519.public_pem, &certificate] {
        let error = IssuerSigner::from_pem(pem).unwrap_err();
        assert_eq!(error, IssuerKeyError::Secret);
    }
    let error = other.signer().sign(&permit()).unwrap_err();
    assert_eq!(error, SignDataPermitError::Key);
    let shown = format!("{:?} {:?}", ed25519.signer(), ed25519.key());
    assert_eq!(shown, "IssuerSigner(EdDSA, ***) IssuerKey(EdDSA)");
}

#[test]
fn a_permit_that_was_read_does_not_show_its_people() {
    let issuer = Issuer::new();
    let text = issuer.sign(&permit());
    let read = issuer.trusted().read(&text, now()).unwrap();
    assert_eq!(
        format!("{read:?}"),
        "SignedDataPermit(helsedata.no/2026-017)"
    );
}
