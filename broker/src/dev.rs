//! `run --dev`: everything in one process, with a CA made on the spot.
//!
//! For trying things out on one machine. The relay shares its process with a gateway, so it is
//! not blind, and the CA's keys lie beside it; both are said at every start.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use innsyn_policy::Clock;
use innsyn_proto::identity::Identity;

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
issuers = [{ issuer = "https://sts.example", audience = "innsyn", jwks_file = "jwks.json" }]
clients = [{ client_id = "dev", organisation = "dev" }]

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
    ];
    for (name, identity, hosts) in parties {
        let out = folder.join(name);
        if !out.exists() {
            enrolment::issue(&ca, &identity, &hosts, DAYS, &out, clock)?;
        }
    }
    let files = [
        ("broker.toml", CONFIG),
        ("catalogue.toml", CATALOGUE),
        ("jwks.json", "{\"keys\": []}\n"),
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

/// Says at every start what this is not.
pub fn say_what_this_is(folder: &Path) {
    tracing::warn!(
        folder = %folder.display(),
        "development only: relay, gateway and CA share one machine, so the relay is not blind"
    );
    tracing::info!(
        "put your token issuer's keys in jwks.json and your registers in catalogue.toml, then start again"
    );
}
