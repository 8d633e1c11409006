//! Permits that are good, and all the ways in which they are not.

mod good;
mod refused;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innsyn_policy::data_permit::{PermitBasis, PermitKind, QueryKind, Terms};
use innsyn_policy::{
    DataPermit, NationalId, NumberRules, Organisation, PermitId, Purpose, RegisterId, Timestamp,
    Validity,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use serde_json::{Value, json};

use super::{IssuerKey, IssuerSigner, ReadDataPermitError, TrustedIssuers};

/// An invented person.
const KARI: &str = "01817010055";
const ISSUER: &str = "helsedata.no";

/// An issuer with a key of its own.
struct Issuer {
    secret_pem: String,
    public_pem: String,
}

impl Issuer {
    fn with_key_of(kind: &'static rcgen::SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(kind).unwrap();
        Self {
            secret_pem: key.serialize_pem(),
            public_pem: key.public_key_pem(),
        }
    }

    fn new() -> Self {
        Self::with_key_of(&PKCS_ED25519)
    }

    fn signer(&self) -> IssuerSigner {
        IssuerSigner::from_pem(&self.secret_pem).unwrap()
    }

    fn sign(&self, permit: &DataPermit) -> String {
        self.signer().sign(permit).unwrap()
    }

    /// Signs any claims under any header, as an issuer with a fault would.
    fn sign_raw(&self, header: &Header, claims: &Value) -> String {
        let key = EncodingKey::from_ed_pem(self.secret_pem.as_bytes()).unwrap();
        jsonwebtoken::encode(header, claims, &key).unwrap()
    }

    fn key(&self) -> IssuerKey {
        IssuerKey::from_pem(&self.public_pem).unwrap()
    }

    /// A list with this issuer alone, under the name that permits give.
    fn trusted(&self) -> TrustedIssuers {
        [(ISSUER.to_owned(), self.key())].into_iter().collect()
    }
}

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

const DAY: Duration = Duration::from_hours(24);

fn terms() -> Terms {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Terms {
        id: PermitId::new(ISSUER, "2026-017").unwrap(),
        project: "Survival after colorectal cancer".to_owned(),
        kind: PermitKind::Project,
        people: [NationalId::parse(KARI, NumberRules::default()).unwrap()].into(),
        organisation: Organisation::parse("983658725").unwrap(),
        purpose: Purpose::Administration,
        legal_basis: PermitBasis::ResearchOrStatistics,
        legal_reference: "helseregisterloven § 19 e".to_owned(),
        registers: ["kreft", "npr"]
            .map(|id| RegisterId::parse(id).unwrap())
            .into(),
        variables: [
            ("diagnoses".to_owned(), names(&["code", "treating_unit"])),
            ("persons".to_owned(), names(&[])),
        ]
        .into(),
        born_years: Some(1940..1990),
        months: 540..660,
        kinds: [QueryKind::Count, QueryKind::LifeTable].into(),
        smallest_cell: 5,
        rounding_base: 3,
        budget_queries: 20,
        validity: Validity {
            from: now().minus(DAY),
            until: now().plus(DAY),
        },
    }
}

fn permit() -> DataPermit {
    DataPermit::new(terms()).unwrap()
}

/// Header, claims and signature of a permit.
fn parts(text: &str) -> [String; 3] {
    let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn claims(text: &str) -> Value {
    let [_, claims, _] = parts(text);
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn base64(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The header of a good permit.
fn header() -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some("innsyn-data-permit+jwt".to_owned());
    header
}
