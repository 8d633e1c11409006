//! That good tokens are good, and bad ones bad in the way they claim.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

use clap::ValueEnum as _;
use jsonwebtoken::{DecodingKey, Validation};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::*;
use crate::population::{Population, PopulationSpec};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

struct World {
    folder: tempfile::TempDir,
    issuer: TestIssuer,
    population: Population,
}

/// Making an RSA key takes a while, so there is one.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    World {
        issuer: TestIssuer::create(folder.path(), Names::default(), false).unwrap(),
        population: Population::new(PopulationSpec::new(100, 1)).unwrap(),
        folder,
    }
});

impl World {
    fn with_grant<T>(
        &self,
        subject: u32,
        asker: u32,
        right: &Right,
        f: impl FnOnce(&Grant<'_>) -> T,
    ) -> T {
        let [subject, asker] = [subject, asker].map(|n| self.population.person(n).unwrap());
        f(&Grant {
            subject: &subject,
            asker: &asker,
            right,
        })
    }

    fn verified(&self, token: &str) -> Result<Value, jsonwebtoken::errors::Error> {
        let keys: JwkSet =
            serde_json::from_str(&fs::read_to_string(self.folder.path().join(JWKS_FILE)).unwrap())
                .unwrap();
        let kid = jsonwebtoken::decode_header(token)?.kid.unwrap_or_default();
        let key = keys
            .find(&kid)
            .ok_or(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat)?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[&self.issuer.names.audience]);
        validation.set_issuer(&[&self.issuer.names.issuer]);
        validation.validate_exp = false;
        Ok(jsonwebtoken::decode(token, &DecodingKey::from_jwk(key)?, &validation)?.claims)
    }
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

#[test]
fn a_good_token_verifies_with_the_published_key() {
    let token = WORLD.with_grant(2, 0, &Right::Parent, |grant| {
        WORLD.issuer.token(grant, NOW, &mut rng()).unwrap()
    });

    let claims = WORLD.verified(&token).unwrap();

    let child = WORLD.population.person(2).unwrap();
    assert_eq!(claims["sub_pid"], child.id.expose_str());
    assert_eq!(claims["rep"]["birth_date"], child.born.to_string());
    assert_eq!(claims["exp"], NOW.as_seconds() + TOKEN_LIFETIME_S);
    assert_eq!(claims["acr"], "idporten-loa-high");
}

#[test]
fn an_issuer_is_opened_with_the_same_key() {
    let opened = TestIssuer::open(WORLD.folder.path()).unwrap();

    assert_eq!(opened.names(), WORLD.issuer.names());
    let token = WORLD.with_grant(0, 0, &Right::Own, |grant| {
        opened.token(grant, NOW, &mut rng()).unwrap()
    });
    assert!(WORLD.verified(&token).is_ok());
}

#[test]
fn the_private_key_is_for_its_owner_only() {
    let mode = fs::metadata(WORLD.folder.path().join(KEY_FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_key_is_named_by_its_thumbprint() {
    let keys: JwkSet = serde_json::from_str(&WORLD.issuer.jwks().unwrap()).unwrap();
    let key = &keys.keys[0];
    let thumbprint = key.thumbprint(ThumbprintHash::SHA256).unwrap();
    assert_eq!(key.common.key_id.as_deref(), Some(thumbprint.as_str()));
}

#[test]
fn a_power_of_attorney_carries_its_areas_and_times() {
    let right = Right::PowerOfAttorney(Mandate {
        areas: vec!["insight/kind/quality".to_owned()],
        from: Timestamp::from_seconds(10),
        until: Timestamp::from_seconds(20),
    });
    let token = WORLD.with_grant(7, 0, &right, |grant| {
        WORLD.issuer.token(grant, NOW, &mut rng()).unwrap()
    });

    let claims = WORLD.verified(&token).unwrap();

    assert_eq!(claims["rep"]["kind"], "poa");
    assert_eq!(claims["rep"]["areas"][0], "insight/kind/quality");
    assert_eq!(claims["rep"]["valid_until"], 20);
}

#[test]
fn every_fault_makes_a_token_that_differs_and_only_the_lawful_ones_verify() {
    for &fault in Fault::value_variants() {
        let (good, bad) = WORLD.with_grant(0, 0, &Right::Own, |grant| {
            let good = WORLD.issuer.token(grant, NOW, &mut rng()).unwrap();
            (
                good,
                WORLD
                    .issuer
                    .faulty_token(fault, grant, NOW, &mut rng())
                    .unwrap(),
            )
        });

        assert_ne!(good, bad, "{fault:?}");
        let signature_and_names_hold = WORLD.verified(&bad).is_ok();
        // Times and types are not what this check looks at.
        let only_times_or_type = matches!(
            fault,
            Fault::Expired
                | Fault::NotYetValid
                | Fault::LivesTooLong
                | Fault::TwoAudiences
                | Fault::WrongType
        );
        let expected = fault.http_status() == 403 || only_times_or_type;
        assert_eq!(signature_and_names_hold, expected, "{fault:?}");
    }
}

#[test]
fn a_name_that_may_be_a_real_issuer_s_is_refused() {
    let named = |issuer: &str| Names {
        issuer: issuer.to_owned(),
        ..Names::default()
    };
    for real in [
        "https://helsenorge.no",
        "https://idporten.no/x",
        "https://10.0.0.1",
        "helsenorge",
    ] {
        assert!(!named(real).is_invented(), "{real}");
    }
    for invented in [
        "http://127.0.0.1:8080",
        "https://[::1]/sts",
        "https://localhost",
        "https://a.test",
    ] {
        assert!(named(invented).is_invented(), "{invented}");
    }
    let folder = tempfile::tempdir().unwrap();
    let refused = TestIssuer::create(folder.path(), named("https://helsenorge.no"), false);
    assert!(matches!(refused, Err(StsError::MayBeReal(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_researchers_token_says_who_asks_and_for_whom_and_nothing_of_anybody_else() {
    let person = WORLD.population.person(1).unwrap();
    let researcher = Researcher {
        person: &person,
        organisation: "310000001",
    };
    let mut random = ChaCha8Rng::seed_from_u64(1);

    let token = WORLD.issuer.researcher_token(&researcher, NOW, &mut random);

    let claims = WORLD.verified(&token.unwrap()).unwrap();
    let names: Vec<&str> = claims
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut assumed = [
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "scp",
        "pid",
        "organisation",
        "acr",
    ];
    assumed.sort_unstable();
    assert_eq!(names, assumed);
    assert_eq!(claims["scp"], "innsyn:research");
    assert_eq!(claims["pid"], person.id.expose_str());
    assert_eq!(claims["organisation"], "310000001");
    assert_eq!(claims["acr"], "idporten-loa-high");
    assert_eq!(
        claims["exp"].as_i64().unwrap(),
        NOW.as_seconds() + TOKEN_LIFETIME_S
    );
}
