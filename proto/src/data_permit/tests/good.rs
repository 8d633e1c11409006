//! What is signed is what is read.

use super::super::{PermitDescription, words_unverified};
use super::*;

#[test]
fn what_is_signed_is_read_again_whichever_key_signs() {
    let every_purpose_and_basis = [
        (Purpose::Administration, PermitBasis::Consent),
        (Purpose::QualityImprovement, PermitBasis::CareManagement),
        (Purpose::QualityImprovement, PermitBasis::PublicHealth),
        (Purpose::Research, PermitBasis::ResearchOrStatistics),
    ];
    for issuer in [Issuer::new(), Issuer::with_key_of(&PKCS_ECDSA_P256_SHA256)] {
        for (purpose, legal_basis) in every_purpose_and_basis {
            for limited in [true, false] {
                let own_unit = PermitKind::OwnUnit {
                    variable: "treating_unit".to_owned(),
                    code: "4207".to_owned(),
                };
                let terms = Terms {
                    purpose,
                    legal_basis,
                    kind: if limited {
                        own_unit
                    } else {
                        PermitKind::Project
                    },
                    born_years: limited.then_some(1940..1990),
                    kinds: QueryKind::ALL.into(),
                    ..terms()
                };
                let permit = DataPermit::new(terms).unwrap();
                let text = issuer.sign(&permit);
                let read = issuer.trusted().read(&text, now()).unwrap();
                assert_eq!(read.permit(), &permit);
                assert_eq!(read.as_str(), text);
            }
        }
    }
}

#[test]
fn a_permit_is_read_from_its_first_second_until_its_last() {
    let issuer = Issuer::new();
    let text = issuer.sign(&permit());
    let Validity { from, until } = terms().validity;
    let moment = Duration::from_micros(1);
    for (at, outcome) in [
        (from.minus(moment), Err(ReadDataPermitError::NotYetValid)),
        (from, Ok(())),
        (until.minus(moment), Ok(())),
        (until, Err(ReadDataPermitError::Expired)),
    ] {
        let read = issuer.trusted().read(&text, at);
        assert_eq!(read.map(|_| ()), outcome);
    }
}

#[test]
fn an_issuer_that_changes_its_key_is_trusted_by_both() {
    let (old, new) = (Issuer::new(), Issuer::with_key_of(&PKCS_ECDSA_P256_SHA256));
    let both: TrustedIssuers = [&old, &new]
        .map(|issuer| (ISSUER.to_owned(), issuer.key()))
        .into_iter()
        .collect();
    for issuer in [old, new] {
        assert!(both.read(&issuer.sign(&permit()), now()).is_ok());
    }
}

#[test]
fn the_digest_names_what_was_signed_and_not_the_signature() {
    // ES256 gives another signature every time.
    let issuer = Issuer::with_key_of(&PKCS_ECDSA_P256_SHA256);
    let read = |text: &str| issuer.trusted().read(text, now()).unwrap();
    let (one, other) = (issuer.sign(&permit()), issuer.sign(&permit()));
    assert_ne!(one, other);
    assert_eq!(read(&one).digest(), read(&other).digest());

    let wider = Terms {
        budget_queries: 21,
        ..terms()
    };
    let wider = issuer.sign(&DataPermit::new(wider).unwrap());
    assert_ne!(read(&one).digest(), read(&wider).digest());
}

/// The key pair of RFC 8410, section 10, as `openssl genpkey` writes one: without its public half.
#[test]
fn keys_of_other_programs_are_read() {
    let issuer = Issuer {
        secret_pem: "-----BEGIN PRIVATE KEY-----\n\
                     MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                     -----END PRIVATE KEY-----\n"
            .to_owned(),
        public_pem: "-----BEGIN PUBLIC KEY-----\n\
                     MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                     -----END PUBLIC KEY-----\n"
            .to_owned(),
    };
    let text = issuer.sign(&permit());
    assert!(issuer.trusted().read(&text, now()).is_ok());
}

#[test]
fn the_claims_are_as_documented() {
    let text = Issuer::new().sign(&permit());
    let expected = json!({
        "iss": ISSUER,
        "jti": "2026-017",
        "nbf": 1_799_913_600,
        "exp": 1_800_086_400,
        "permit": {
            "project": "Survival after colorectal cancer",
            "people": [KARI],
            "organisation": "983658725",
            "purpose": "administration",
            "legal_basis": "research_or_statistics",
            "legal_reference": "helseregisterloven § 19 e",
            "registers": ["kreft", "npr"],
            "variables": { "diagnoses": ["code", "treating_unit"], "persons": [] },
            "born": { "from": 1940, "to": 1989 },
            "data": { "from": "2015-01", "to": "2024-12" },
            "kinds": ["count", "life_table"],
            "smallest_cell": 5,
            "rounding_base": 3,
            "budget_queries": 20,
        },
    });
    assert_eq!(claims(&text), expected);
}

#[test]
fn a_description_becomes_the_permit_that_its_claims_would() {
    let text = Issuer::new().sign(&permit());
    let granted = claims(&text)["permit"].take();
    let description: PermitDescription = serde_json::from_value(granted).unwrap();
    assert!(!format!("{description:?}").contains(KARI));
    let described = description.permit(terms().id, terms().validity);
    assert_eq!(described, Ok(permit()));
}

#[test]
fn a_permit_can_be_told_in_words_by_whoever_has_no_key() {
    let text = Issuer::new().sign(&permit());
    assert_eq!(words_unverified(&text), Ok(permit().words()));
}
