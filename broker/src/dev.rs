//! `run --dev`: everything in one process, with a CA made on the spot.
//!
//! For trying things out on one machine. The relay shares its process with a gateway, so it is
//! not blind, and the CA's keys lie beside it; both are said at every start.
//!
//! Beside them lies an agent's folder for the one register of the catalogue, with a certificate,
//! a configuration that `innsyn-agent run` takes as it is, and an empty table to be filled.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::identity::Identity;
use innsyn_proto::tls::Credentials;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

use crate::config::Config;
use crate::enrolment;

/// How long the certificates are valid, in days.
const DAYS: u32 = 90;

const CONFIG: &str = r#"# Made by `innsyn-broker run --dev`: relay and gateway in one process, for trying things out.
threads = 1

[relay]
listen = "127.0.0.1:7443"
certificate = "relay/certificate.pem"
key = "relay/key.pem"
federation_ca = "relay/federation-ca.pem"
gateways = ["dev"]

[citizen_gateway]
listen = "127.0.0.1:8080"
environment = "test"
catalogue = "catalogue.toml"
# The names of the simulator's test issuer; its keys are in the folder `sts` of a demo's world.
issuers = [{ issuer = "https://sts.helsenorge.example", audience = "innsyn", jwks_file = "jwks.json" }]
clients = [{ client_id = "helsenorge.example", organisation = "dev" }]

[research_gateway]
listen = "127.0.0.1:8081"
environment = "test"
catalogue = "catalogue.toml"
issuers = [{ issuer = "https://sts.helsenorge.example", audience = "innsyn", jwks_file = "jwks.json" }]
# `innsyn-broker data-permit issue --key permit-issuer-key.pem` signs permits in this name.
permit_issuers = [{ name = "dev", public_key = "permit-issuer.pem" }]

[federation]
tls = { certificate = "gateway/certificate.pem", key = "gateway/key.pem", federation_ca = "gateway/federation-ca.pem", relay_ca = "gateway/relay-ca.pem" }
relays = [{ address = "127.0.0.1:7443" }]
heads = "heads"
head_key = "gateway/head.key"
"#;

const CATALOGUE: &str = r#"# The registers of the federation. This one is invented; put yours here.
[[register]]
id = "demo"
name = "Demoregisteret (oppdiktet)"
name_en = "Demo Register (invented)"
description = "Et oppdiktet register."
kind = "quality"
legal_basis = "consent"
membership_is_sensitive = false
controller = "Ingen"
contact_email = "demo@example.invalid"
insight = { method = "live_query" }
listing = "live"
"#;

/// The agent's, with the gateway's pin at `{pin}`.
const AGENT: &str = r#"# Made by `innsyn-broker run --dev`: an agent to try; agent.example.toml describes every key.
environment = "test"
status_listen = "127.0.0.1:9180"
tls = { certificate = "certificate.pem", key = "key.pem", federation_ca = "federation-ca.pem", relay_ca = "relay-ca.pem" }
presence = { relays = [{ address = "127.0.0.1:7443" }] }

[register]
id = "demo"
kind = "quality"
legal_basis = "consent"
membership_is_sensitive = false

[[gateway]]
name = "dev"
public_keys = ["{pin}"]
may_ask = ["listings", "uses", "cases", "queries"]

[source]
kind = "folder"
path = "data"

[use_log]
folder = "log"
tag_key = "log-tag.key"
signing_key = "log-signing.key"

[records]
folder = "records"
key = "records.key"
"#;

const MANIFEST: &str = r#"# Which file and which column is what. Only synthetic numbers, since this is a test.
[persons]
files = ["persons.csv"]
columns = { national_id = "fnr", registered_since = "since", status = "status" }
status = { registered = ["active"], deleted = ["deleted"] }
"#;

/// Makes whatever is missing in `folder`, and reads the configuration there.
pub fn prepare(folder: &Path, clock: &dyn Clock) -> anyhow::Result<Config> {
    fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
    let ca = folder.join("ca");
    if !ca.exists() {
        enrolment::init(&ca, clock)?;
    }
    let parties = [
        (
            "relay",
            Identity::Relay("dev".parse()?),
            vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
        ),
        ("gateway", Identity::Gateway("dev".parse()?), Vec::new()),
        (
            "agent",
            Identity::Node(RegisterId::parse("demo")?),
            Vec::new(),
        ),
    ];
    for (name, identity, hosts) in parties {
        let out = folder.join(name);
        if !out.exists() {
            enrolment::issue(&ca, &identity, &hosts, DAYS, &out, clock)?;
        }
    }
    let data = folder.join("agent/data");
    fs::create_dir_all(&data).with_context(|| format!("`{}` cannot be made", data.display()))?;
    let gateway = folder.join("gateway");
    let gateway = Credentials::load(
        &gateway.join(enrolment::CERTIFICATE_FILE),
        &gateway.join(enrolment::KEY_FILE),
    )?;
    let agent = AGENT.replace("{pin}", &gateway.certificate.pin.to_string());
    let keys = nobodys_key()?;
    make_permit_issuer(folder)?;
    let files = [
        ("broker.toml", CONFIG),
        ("catalogue.toml", CATALOGUE),
        ("jwks.json", keys.as_str()),
        ("agent/agent.toml", agent.as_str()),
        ("agent/data/manifest.toml", MANIFEST),
        ("agent/data/persons.csv", "fnr,since,status\n"),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        if !path.exists() {
            fs::write(&path, text)
                .with_context(|| format!("`{}` cannot be written", path.display()))?;
        }
    }
    Ok(Config::load(&folder.join("broker.toml"))?)
}

/// Makes the key pair of an issuer of data permits, unless there is one.
fn make_permit_issuer(folder: &Path) -> anyhow::Result<()> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let secret = folder.join("permit-issuer-key.pem");
    if secret.exists() {
        return Ok(());
    }
    for (path, pem) in [
        (secret, key.serialize_pem()),
        (folder.join("permit-issuer.pem"), key.public_key_pem()),
    ] {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(pem.as_bytes()))
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    Ok(())
}

/// A key set with one public key whose private key is thrown away: a gateway needs one to start,
/// and no token is good until an issuer's keys are put in its place.
fn nobodys_key() -> anyhow::Result<String> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    // An uncompressed point: 4, x, y.
    let point = key.public_key_raw().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    Ok(format!(
        r#"{{"keys": [{{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "nobody", "x": "{x}", "y": "{y}"}}]}}
"#
    ))
}

/// Says at every start what this is not.
pub fn say_what_this_is(folder: &Path) {
    tracing::warn!(
        folder = %folder.display(),
        "development only: relay, gateways and CA share one machine, so the relay is not blind"
    );
    tracing::info!(
        agent = %folder.join("agent/agent.toml").display(),
        "an agent to run is ready; its data/persons.csv takes your people"
    );
    tracing::info!(
        keys = %folder.join("jwks.json").display(),
        "no token is good until its issuer's public keys are here; start again after a change"
    );
}
