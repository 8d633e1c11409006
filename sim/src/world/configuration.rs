//! What stands in the configuration file of each part of a world.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use innsyn_policy::{Clock, LegalBasis, RegisterKind};

use super::{ADDRESSES_FILE, DEFINITIONS_FILE, GATEWAY, RESEARCH_GATEWAY, World, WorldSpec};
use crate::country::Story;
use crate::permit;
use crate::registers::folder::Content;
use crate::registers::{Register, folder};
use crate::sts::RESEARCH_SCOPE;

/// Gateways that an agent serves, as their certificates and keys are known when the world is made.
pub(super) struct Served {
    /// The pin of the citizen gateway.
    pub(super) citizen_pin: String,
    /// The key with which it countersigns heads.
    pub(super) citizen_head_key: String,
    /// The pin of the research gateway.
    pub(super) research_pin: String,
}

impl World {
    pub(super) fn relay_toml(&self, spec: &WorldSpec) -> String {
        format!(
            r#"threads = 1
telemetry = {{ filter = "{filter}" }}

[relay]
listen = "{listen}"
status_listen = "{status}"
certificate = "certificate.pem"
key = "key.pem"
federation_ca = "federation-ca.pem"
gateways = ["{GATEWAY}", "{RESEARCH_GATEWAY}"]
mailbox = {{ kind = "sqlite", file = "mailbox.sqlite" }}
"#,
            filter = spec.log_filter,
            listen = self.addresses.relay,
            status = self.addresses.relay_status,
        )
    }

    pub(super) fn gateway_toml(&self, spec: &WorldSpec) -> String {
        let names = self.sts.names();
        let tls = if spec.gateway_tls {
            "tls = { certificate_file = \"web/certificate.pem\", key_file = \"web/key.pem\" }\n"
        } else {
            ""
        };
        format!(
            r#"threads = {threads}
telemetry = {{ filter = "{filter}" }}

[citizen_gateway]
listen = "{listen}"
{tls}environment = "test"
catalogue = "{catalogue}"
issuers = [{{ issuer = "{issuer}", audience = "{audience}", jwks_file = "../sts/jwks.json" }}]
scope = "{scope}"
clients = [{{ client_id = "{client}", organisation = "helsenorge" }}]
{settings}
[federation]
tls = {{ certificate = "certificate.pem", key = "key.pem", federation_ca = "federation-ca.pem", relay_ca = "relay-ca.pem" }}
relays = [{{ address = "{relay}" }}]
heads = "heads"
head_key = "head.key"
{notification}"#,
            notification = self.notification_section(),
            settings = if spec.settings {
                format!(
                    "settings = {{ definitions = \"../{DEFINITIONS_FILE}\", outbox = \"settings.sqlite\" }}\n"
                )
            } else {
                String::new()
            },
            threads = spec.gateway_threads,
            filter = spec.log_filter,
            listen = self.addresses.gateway,
            catalogue = Self::catalogue(spec),
            issuer = names.issuer,
            audience = names.audience,
            scope = names.scope,
            client = names.client_id,
            relay = self.addresses.relay,
        )
    }

    /// How people are told of new messages, if they are.
    fn notification_section(&self) -> String {
        let Some(server) = self.addresses.mail_server else {
            return String::new();
        };
        format!(
            r#"
[notification]
smtp = {{ host = "{host}", port = {port}, security = "none" }}
from = "Helsenorge <ikke-svar@example.invalid>"
address_book = "{ADDRESSES_FILE}"
memory = "notified"
"#,
            host = server.ip(),
            port = server.port(),
        )
    }

    /// The address of somebody in many registers.
    pub(super) fn addresses_csv(&self, clock: &dyn Clock) -> anyhow::Result<String> {
        let today = clock.now().date_in_norway().context("no calendar")?;
        let found = self.country.find(Story::InManyRegisters, today);
        let person = found.and_then(|found| self.country.person(found.subject));
        let person = person.context("nobody is in many registers")?;
        let (id, number) = (person.id, person.number);
        Ok(format!(
            "{},person-{number}@example.invalid\n",
            id.expose_str()
        ))
    }

    pub(super) fn research_gateway_toml(&self, spec: &WorldSpec, listen: SocketAddr) -> String {
        let names = self.sts.names();
        let catalogue = match spec.live_only {
            None => Self::catalogue(spec),
            Some(_) => format!("../gateway/{}", folder::CATALOGUE_FILE),
        };
        format!(
            r#"telemetry = {{ filter = "{filter}" }}

[research_gateway]
listen = "{listen}"
environment = "test"
catalogue = "{catalogue}"
issuers = [{{ issuer = "{issuer}", audience = "{audience}", jwks_file = "../sts/jwks.json" }}]
scope = "{RESEARCH_SCOPE}"
permit_issuers = [{{ name = "{permits}", public_key = "../issuer/{key}" }}]
public_catalogue = {{ address = "http://{listen}", publisher = "En oppdiktet datatjeneste", contact_email = "data@example.invalid" }}

[federation]
tls = {{ certificate = "certificate.pem", key = "key.pem", federation_ca = "federation-ca.pem", relay_ca = "relay-ca.pem" }}
relays = [{{ address = "{relay}" }}]
heads = "heads"
head_key = "head.key"
"#,
            filter = spec.log_filter,
            issuer = names.issuer,
            audience = names.audience,
            permits = self.permits.name(),
            key = permit::PUBLIC_KEY_FILE,
            relay = self.addresses.relay,
        )
    }

    /// The catalogue's file, as the gateway's folder sees it.
    fn catalogue(spec: &WorldSpec) -> String {
        match spec.live_only {
            None => format!("../country/{}", folder::CATALOGUE_FILE),
            Some(_) => folder::CATALOGUE_FILE.to_owned(),
        }
    }

    /// The catalogue with nothing but the registers that have an agent here.
    pub(super) fn live_catalogue(&self) -> anyhow::Result<String> {
        let live: Vec<&str> = self.live().map(|register| register.id().as_str()).collect();
        let mut catalogue: toml::Table = self.country.registers.catalogue_toml()?.parse()?;
        if let Some(toml::Value::Array(registers)) = catalogue.get_mut("register") {
            registers.retain(|register| {
                let id = register.get("id").and_then(toml::Value::as_str);
                id.is_some_and(|id| live.contains(&id))
            });
        }
        Ok(toml::to_string(&catalogue)?)
    }

    pub(super) fn agent_toml(
        &self,
        spec: &WorldSpec,
        register: &Register,
        status: SocketAddr,
        served: &Served,
    ) -> String {
        let id = register.id();
        let data = folder::of_register(Path::new("../../country"), id.as_str());
        let log = match &spec.logs {
            Some(logs) => logs.join(id.as_str()),
            None => PathBuf::from("log"),
        };
        let mut source = format!("kind = \"folder\"\npath = \"{}\"", data.display());
        if register.is_pseudonymous() {
            let key = data.join(folder::PSEUDONYM_KEY_FILE);
            let _infallible = write!(source, "\npseudonym_key_file = \"{}\"", key.display());
        }
        let research = match spec.content {
            Content::Registrations => String::new(),
            Content::Views if register.views().next().is_none() => {
                research_gateway_section(&served.research_pin)
            }
            Content::Views => self.research_sections(&served.research_pin),
        };
        format!(
            r#"environment = "test"
status_listen = "{status}"
telemetry = {{ filter = "{filter}" }}
tls = {{ certificate = "certificate.pem", key = "key.pem", federation_ca = "federation-ca.pem", relay_ca = "relay-ca.pem" }}
presence = {{ relays = [{{ address = "{relay}" }}] }}

[register]
id = "{id}"
kind = "{kind}"
legal_basis = "{basis}"
membership_is_sensitive = {sensitive}

[[gateway]]
name = "{GATEWAY}"
public_keys = ["{pin}"]
head_key = "{head_key}"
may_ask = [{may_ask}]
questions_per_minute_max = {per_minute}
questions_per_day_max = {per_day}

[source]
{source}

[use_log]
folder = "{log}"
tag_key = "log-tag.key"
signing_key = "log-signing.key"

[records]
folder = "records"
key = "records.key"
{settings}{insight}{research}"#,
            insight = register
                .shown_live()
                .map_or_else(String::new, insight_section),
            may_ask = if spec.settings {
                "\"listings\", \"uses\", \"cases\", \"insight\", \"settings\""
            } else {
                "\"listings\", \"uses\", \"cases\", \"insight\""
            },
            settings = if spec.settings {
                format!("\n[settings]\ndefinitions = \"../../{DEFINITIONS_FILE}\"\n")
            } else {
                String::new()
            },
            pin = served.citizen_pin,
            head_key = served.citizen_head_key,
            filter = spec.log_filter,
            relay = self.addresses.relay,
            kind = kind_name(register.policy.kind),
            basis = basis_name(register.policy.legal_basis),
            sensitive = register.policy.membership_is_sensitive,
            per_minute = spec.questions_per_minute_max,
            per_day = spec.questions_per_day_max,
            log = log.display(),
        )
    }

    /// What an agent that counts for researchers has beside the rest.
    fn research_sections(&self, pin: &str) -> String {
        let gateway = research_gateway_section(pin);
        format!(
            r#"{gateway}
[research]
folder = "research"
trusted_issuers = [{{ name = "{issuer}", public_key = "../../issuer/{key}" }}]
queries_per_minute_max = 10_000
queries_per_day_max = 1_000_000
"#,
            issuer = self.permits.name(),
            key = permit::PUBLIC_KEY_FILE,
        )
    }
}

/// What people are shown of a register whose insight is live: when they came into it.
fn insight_section(file: &str) -> String {
    let column = |name: &str, [label, label_en]: [&str; 2], [about, about_en]: [&str; 2]| {
        format!(
            r#"
[[insight.table.column]]
name = "{name}"
label = "{label}"
label_en = "{label_en}"
about = "{about}"
about_en = "{about_en}"
"#
        )
    };
    let columns = [
        column(
            "registrert",
            ["Registrert", "Registered"],
            [
                "Dagen du kom inn i registeret.",
                "The day on which you came into the register.",
            ],
        ),
        column(
            "endret",
            ["Sist endret", "Last changed"],
            [
                "Dagen opplysningene om deg ble endret sist.",
                "The day on which what is said of you was last changed.",
            ],
        ),
        column(
            "status",
            ["Status", "Status"],
            [
                "Om du står i registeret (aktiv) eller er slettet fra det.",
                "Whether you are in the register (aktiv) or were deleted from it (slettet).",
            ],
        ),
    ];
    format!(
        r#"
[insight]
[[insight.table]]
title = "Registreringen av deg"
title_en = "Your registration"
about = "Når du kom inn i registeret, og om du fortsatt står der."
about_en = "When you came into the register, and whether you still are in it."
files = ["{file}"]
id_column = "fnr"
{}"#,
        columns.concat()
    )
}

/// A research gateway that is served, if only to hear that nothing is published.
fn research_gateway_section(pin: &str) -> String {
    format!(
        r#"
[[gateway]]
name = "{RESEARCH_GATEWAY}"
public_keys = ["{pin}"]
may_ask = ["queries"]
"#
    )
}

const fn kind_name(kind: RegisterKind) -> &'static str {
    match kind {
        RegisterKind::Central => "central",
        RegisterKind::Quality => "quality",
        RegisterKind::Survey => "survey",
        RegisterKind::Biobank => "biobank",
    }
}

const fn basis_name(basis: LegalBasis) -> &'static str {
    match basis {
        LegalBasis::Mandatory => "mandatory",
        LegalBasis::MandatoryWithReservation => "mandatory_with_reservation",
        LegalBasis::Reservation => "reservation",
        LegalBasis::Consent => "consent",
        LegalBasis::Pseudonymous => "pseudonymous",
        LegalBasis::Deidentified => "deidentified",
    }
}
