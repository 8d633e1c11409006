//! An agent's settings, of which PVK writes two definitions, and whoever makes Helsenorge's tokens.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use innsyn_policy::{
    DefinitionId, LegalBasis, ManualClock, Register, RegisterId, RegisterKind, Timestamp,
};
use innsyn_proto::mandate::MandateIssuers;
use innsyn_proto::setting::definitions::SettingDefinitions;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::standing::Standing;
use super::super::taking::Taking;
use super::super::token::{KeysAt, StsVerifier};
use super::super::wire::Reader;
use crate::records::Records;
use crate::settings::keeper::{Keeper, KeeperParts};
use crate::settings::representing::Representing;
use crate::settings::{Currency, Elsewhere, KeptSettings, forwarding, kept, proofs};
use crate::subjects::SubjectKey;
use crate::test_ids::NUMBERS;
use crate::uselog::{LogKeys, SimDisk, UseLog, UseLogConfig};

/// PVK writes the first two; the third is the register's own.
pub(super) const RESEARCH: &str = "00000000-0000-0000-0000-000000000001";
pub(super) const CONSENT: &str = "00000000-0000-0000-0000-000000000002";
pub(super) const OWN: &str = "00000000-0000-0000-0000-000000000003";

const DEFINITIONS: &str = r#"
[[definition]]
id = "00000000-0000-0000-0000-000000000001"
part = "HDIR"
kind = "reservation"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 4
name = "Reservasjon"
name_en = "Opt-out"

[[definition]]
id = "00000000-0000-0000-0000-000000000002"
part = "NTNU"
register = "hunt"
kind = "consent"
purposes = ["quality_improvement"]
legal_ground = "oppdiktet"
text_version = 1
name = "Samtykke"
name_en = "Consent"
may_end = true

[[definition]]
id = "00000000-0000-0000-0000-000000000003"
part = "NTNU"
register = "hunt"
kind = "block"
purposes = ["administration"]
legal_ground = "oppdiktet"
text_version = 1
name = "Sperring"
name_en = "Block"
"#;

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(super) const ISSUER: &str = "https://sts.helsenorge.example";
pub(super) const AUDIENCE: &str = "hunt";
pub(super) const SCOPE: &str = "personvern";
pub(super) const KEY_ID: &str = "sts-1";

/// The issuer's key; making one takes a while.
static KEY: LazyLock<EncodingKey> = LazyLock::new(rsa_key);

pub(super) fn rsa_key() -> EncodingKey {
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap()
}

pub(super) fn key() -> &'static EncodingKey {
    &KEY
}

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) disk: SimDisk,
    pub(super) clock: Arc<ManualClock>,
    pub(super) keeper: Arc<Keeper>,
    pub(super) standing: Arc<Standing>,
    pub(super) log: Arc<UseLog>,
}

pub(super) fn definition(text: &str) -> DefinitionId {
    DefinitionId::parse(text).unwrap()
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut random = StdRng::seed_from_u64(3);
        let (at, key) = (
            folder.path().join("records"),
            folder.path().join("records.key"),
        );
        let schemas = [kept::SCHEMA, forwarding::SCHEMA, proofs::SCHEMA];
        let records = Records::open(&at, &key, &schemas, &mut random)
            .await
            .unwrap();
        let written = [RESEARCH, CONSENT].map(definition);
        let kept = KeptSettings::with_elsewhere(
            LegalBasis::Consent,
            Arc::new(SettingDefinitions::parse(DEFINITIONS).unwrap()),
            Arc::new(SubjectKey::generate(&mut random, None)),
            Currency::new(Duration::ZERO, []),
            Elsewhere::new(Duration::from_mins(1), written),
        );
        let register = Register {
            id: RegisterId::parse("hunt").unwrap(),
            kind: RegisterKind::Survey,
            legal_basis: LegalBasis::Consent,
            membership_is_sensitive: false,
        };
        kept.represented_by(Representing {
            register: register.clone(),
            issuers: MandateIssuers::from_iter([]),
            revoked: None,
        });
        let disk = SimDisk::new(1);
        let keys = LogKeys::from_seed(&register.id, [7; 32]).unwrap();
        let log = UseLog::open(UseLogConfig::default(), keys, disk.clone(), random).unwrap();
        let log = Arc::new(log);
        let clock = Arc::new(ManualClock::new(NOW));
        let standing = Standing::new(Arc::clone(&kept), records.clone(), written);
        let keeper = Arc::new(Keeper::new(KeeperParts {
            register,
            rules: NUMBERS.rules,
            kept,
            records,
            log: Arc::clone(&log),
            clock: clock.clone(),
            gateways: [].into(),
        }));
        Self {
            folder,
            disk,
            clock,
            keeper,
            standing,
            log,
        }
    }

    pub(super) fn reader(&self) -> Reader {
        Reader {
            kept: Arc::clone(self.keeper.kept()),
            numbers: NUMBERS,
        }
    }

    pub(super) fn taking(&self) -> Taking {
        Taking {
            keeper: Arc::clone(&self.keeper),
        }
    }

    /// A verifier that has the issuer's public key as a file.
    pub(super) async fn verifier(&self) -> StsVerifier {
        let mut jwk = Jwk::from_encoding_key(key(), Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(KEY_ID.to_owned());
        let file = self.folder.path().join("jwks.json");
        let set = serde_json::to_vec(&JwkSet { keys: vec![jwk] }).unwrap();
        std::fs::write(&file, set).unwrap();
        StsVerifier::open(
            ISSUER.to_owned(),
            AUDIENCE.to_owned(),
            Some(SCOPE.to_owned()),
            KeysAt::File(file),
            self.clock.clone(),
        )
        .await
        .unwrap()
    }
}

/// The header of a good system token.
pub(super) fn header() -> Header {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(KEY_ID.to_owned());
    header.extras.insert("typ_2", "system_ws_sync");
    header
}

/// The claims of a good system token.
pub(super) fn claims() -> Value {
    let now = NOW.as_seconds();
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "scp": format!("annet {SCOPE}"),
    })
}

pub(super) fn good_token() -> String {
    jsonwebtoken::encode(&header(), &claims(), key()).unwrap()
}
