//! A federation on one machine: the invented country's files, certificates, and a configuration
//! for each part.
//!
//! Everything lies in one folder, so that a world can be looked at, started again and thrown
//! away:
//!
//! ```text
//!   country/   catalogue, people, each register's data     sts/      the test issuer's keys
//!   ca/        the federation's and the relays' CA          relay/    configuration, certificate
//!   gateway/   configuration, certificate, heads            agents/   one folder for each register
//!   issuer/    the invented authority's keys, which sign data permits
//!   research/  the research gateway's configuration and certificate, if registers have views
//! ```

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::ProgressBar;
use innsyn_agent::research::steward;
use innsyn_broker::enrolment;
use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::head::HeadSigner;
use innsyn_proto::identity::Identity;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::country::Country;
use crate::permit::PermitIssuer;
use crate::population::PopulationSpec;
use crate::registers::folder::Content;
use crate::registers::{Listing, Register, folder};
use crate::sts::{Names, TestIssuer};
use configuration::Served;
use ports::Ports;

mod asking;
mod configuration;
mod ports;

/// The gateway's name in the invented federation.
pub const GATEWAY: &str = "helsenorge";
/// The research gateway's name there.
pub const RESEARCH_GATEWAY: &str = "helsedata";
/// Every register's standing rules: whatever a permit allows.
const STEWARD_RULES: &str = "[[rule]]\ndecision = \"allow\"\n";
/// How long the certificates of a world are valid, in days.
const CERTIFICATE_DAYS: u32 = 30;
const WORLD_FILE: &str = "world.toml";
const ISSUER_FOLDER: &str = "issuer";
/// Whom the gateway can write to.
const ADDRESSES_FILE: &str = "addresses.csv";
/// What people can say yes or no to, as gateways and agents read it.
pub const DEFINITIONS_FILE: &str = "definitions.toml";
/// The opt-out of secondary use: a national reservation.
pub const OPT_OUT: &str = "7e1d7a52-71a0-4e0b-9a3c-000000000071";
const DEFINITIONS: &str = r#"# What people can say yes or no to. These are invented.
[[definition]]
id = "7e1d7a52-71a0-4e0b-9a3c-000000000071"
part = "HDIR"
kind = "reservation"
purposes = ["quality_improvement", "research", "administration"]
legal_ground = "Regulation (EU) 2025/327, article 71"
text_version = 1
name = "Reservasjon mot at helsedata brukes til annet enn helsehjelp"
name_en = "Opt-out of secondary use of health data"

[[definition]]
id = "7e1d7a52-71a0-4e0b-9a3c-000000000002"
part = "NTNU"
register = "hunt"
kind = "consent"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 1
name = "Samtykke til forskning ved HUNT"
name_en = "Consent to research at HUNT"
may_end = true

[[definition]]
id = "7e1d7a52-71a0-4e0b-9a3c-000000000003"
part = "FHI"
register = "npr"
kind = "block"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 1
name = "Sperring i Norsk pasientregister"
name_en = "Block at the Norwegian Patient Registry"
"#;

/// What a world is made from.
#[derive(Debug, Clone)]
pub struct WorldSpec {
    /// Its people.
    pub population: PopulationSpec,
    /// Registers beside the 83 Norwegian ones, at most 15.
    pub invented_registers: usize,
    /// Whether the registers get views for research.
    pub content: Content,
    /// Leave out all registers but the first so many that have an agent; all if absent.
    pub live_only: Option<usize>,
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    /// Whether callers reach the gateway over TLS.
    pub gateway_tls: bool,
    /// Threads of the gateway.
    pub gateway_threads: usize,
    /// Where the logs of use are, if not in the agents' folders.
    pub logs: Option<PathBuf>,
    /// What the gateway may ask each agent per minute.
    pub questions_per_minute_max: u32,
    /// What the gateway may ask each agent per day.
    pub questions_per_day_max: u32,
    /// Whether citizens may say what their data are used for. Agents count for researchers only
    /// while the citizen gateway is heard then.
    pub settings: bool,
    /// Whether the gateway tells somebody in many registers by e-mail of new messages, by way of a
    /// server that whoever starts the world has listen at [`World::mail_server`].
    pub notification: bool,
    /// What every part logs.
    pub log_filter: String,
}

impl WorldSpec {
    /// `persons` people, the 83 registers without views, and the gateway on a port that is free.
    pub fn new(persons: u32, seed: u64) -> Self {
        Self {
            population: PopulationSpec::new(persons, seed),
            invented_registers: 0,
            content: Content::Registrations,
            live_only: None,
            gateway: ([127, 0, 0, 1], 0).into(),
            gateway_tls: false,
            gateway_threads: 1,
            logs: None,
            questions_per_minute_max: 40_000,
            questions_per_day_max: 6_000_000,
            settings: false,
            notification: false,
            log_filter: "info".to_owned(),
        }
    }
}

/// `world.toml`: what is where.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Addresses {
    gateway: SocketAddr,
    gateway_tls: bool,
    /// Absent where registers have no views.
    research_gateway: Option<SocketAddr>,
    relay: SocketAddr,
    relay_status: SocketAddr,
    /// Absent where nobody is told of messages.
    mail_server: Option<SocketAddr>,
    /// Each agent's id and where its status is.
    agents: Vec<(String, SocketAddr)>,
}

/// A federation's folder.
#[derive(Debug)]
pub struct World {
    /// Where everything is.
    pub folder: PathBuf,
    /// Its people and registers.
    pub country: Country,
    /// Who makes its citizens' and its researcher's tokens.
    pub sts: TestIssuer,
    /// Who gives its researcher a data permit.
    pub permits: PermitIssuer,
    addresses: Addresses,
}

impl World {
    /// Makes a world in `folder`, which is emptied first if it holds one. `progress` is moved
    /// once per person.
    pub fn build(
        folder: &Path,
        spec: &WorldSpec,
        clock: &dyn Clock,
        progress: &ProgressBar,
    ) -> anyhow::Result<Self> {
        let country = Country::invent(spec.population, spec.invented_registers)?;
        Self::build_over(folder, spec, country, clock, |country, folder| {
            country.write_with(folder, spec.content, progress)?;
            Ok(())
        })
    }

    /// Makes a world over the registers of `country`, whose data `write` puts into the folder that
    /// it is given.
    pub(crate) fn build_over(
        folder: &Path,
        spec: &WorldSpec,
        country: Country,
        clock: &dyn Clock,
        write: impl FnOnce(&Country, &Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        if folder.join(WORLD_FILE).exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)
            .with_context(|| format!("`{}` cannot be made", folder.display()))?;
        write(&country, &folder.join("country"))?;
        let sts = TestIssuer::create(&folder.join("sts"), Names::default(), false)?;
        let addresses = free_addresses(spec, &country)?;
        let world = Self {
            folder: folder.to_owned(),
            country,
            sts,
            permits: PermitIssuer::create(&folder.join(ISSUER_FOLDER))?,
            addresses,
        };
        world.enrol_and_configure(spec, clock)?;
        fs::write(folder.join(WORLD_FILE), toml::to_string(&world.addresses)?)?;
        Ok(world)
    }

    /// The world that was made in `folder`.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(WORLD_FILE);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("there is no world in `{}`", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            country: Country::open(&folder.join("country"))?,
            sts: TestIssuer::open(&folder.join("sts"))?,
            permits: PermitIssuer::open(&folder.join(ISSUER_FOLDER))?,
            addresses: toml::from_str(&text)?,
        })
    }

    /// Where callers reach the gateway.
    pub fn gateway(&self) -> SocketAddr {
        self.addresses.gateway
    }

    /// The gateway's address as a URL.
    pub fn gateway_url(&self) -> String {
        let scheme = if self.addresses.gateway_tls {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.addresses.gateway)
    }

    /// The file with the CA of the gateway's web certificate, if it has one.
    pub fn gateway_ca(&self) -> Option<PathBuf> {
        self.addresses
            .gateway_tls
            .then(|| self.ca().join(enrolment::RELAY_CA_FILE))
    }

    /// Where researchers reach their gateway, in clear; `None` where registers have no views.
    pub fn research_gateway(&self) -> Option<SocketAddr> {
        self.addresses.research_gateway
    }

    /// Where the relay's health and metrics are.
    pub fn relay_status(&self) -> SocketAddr {
        self.addresses.relay_status
    }

    /// Where the gateway looks for an e-mail server, in clear; `None` where it tells nobody.
    pub fn mail_server(&self) -> Option<SocketAddr> {
        self.addresses.mail_server
    }

    /// Where an agent's health and metrics are.
    pub fn agent_status(&self, register: &str) -> Option<SocketAddr> {
        let mut agents = self.addresses.agents.iter();
        agents
            .find(|(id, _)| id == register)
            .map(|(_, status)| *status)
    }

    /// The registers that have an agent.
    pub fn live(&self) -> impl Iterator<Item = &Register> {
        self.country
            .registers
            .iter()
            .filter(|register| register.listing == Listing::Live)
            .take(self.addresses.agents.len())
    }

    /// The relay's configuration file.
    pub fn relay_config(&self) -> PathBuf {
        self.folder.join("relay/broker.toml")
    }

    /// The gateway's configuration file.
    pub fn gateway_config(&self) -> PathBuf {
        self.folder.join("gateway/broker.toml")
    }

    /// The research gateway's configuration file.
    pub fn research_gateway_config(&self) -> PathBuf {
        self.folder.join("research/broker.toml")
    }

    /// The folder of an agent.
    pub fn agent_folder(&self, register: &str) -> PathBuf {
        self.folder.join("agents").join(register)
    }

    /// An agent's configuration file.
    pub fn agent_config(&self, register: &str) -> PathBuf {
        self.agent_folder(register).join("agent.toml")
    }

    /// The CA's folder.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca")
    }

    fn enrol_and_configure(&self, spec: &WorldSpec, clock: &dyn Clock) -> anyhow::Result<()> {
        let ca = self.ca();
        enrolment::init(&ca, clock)?;
        let loopback = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let issue = |identity: &Identity, hosts: &[String], out: &Path| {
            enrolment::issue(&ca, identity, hosts, CERTIFICATE_DAYS, out, clock)
        };
        issue(
            &Identity::Relay("relay-1".parse()?),
            &loopback,
            &self.folder.join("relay"),
        )?;
        let gateway_folder = self.folder.join("gateway");
        let gateway = issue(&Identity::Gateway(GATEWAY.parse()?), &[], &gateway_folder)?;
        if spec.gateway_tls {
            let web = Identity::Relay("web".parse()?);
            issue(&web, &loopback, &gateway_folder.join("web"))?;
        }
        let mut random: StdRng = rand::make_rng();
        let mut seed = [0; 32];
        random.fill_bytes(&mut seed);
        let head_name = Identity::Gateway(GATEWAY.parse()?).to_string();
        let head_secret = HeadSigner::secret_from_seed(&head_name, seed)?;
        let head_key = HeadSigner::parse(&head_secret)?.public_text().to_owned();
        fs::write(gateway_folder.join("head.key"), head_secret)?;

        if spec.live_only.is_some() {
            fs::write(
                gateway_folder.join(folder::CATALOGUE_FILE),
                self.live_catalogue()?,
            )?;
        }
        fs::write(self.folder.join(DEFINITIONS_FILE), DEFINITIONS)?;
        fs::write(self.relay_config(), self.relay_toml(spec))?;
        fs::write(self.gateway_config(), self.gateway_toml(spec))?;
        if spec.notification {
            fs::write(
                gateway_folder.join(ADDRESSES_FILE),
                self.addresses_csv(clock)?,
            )?;
        }
        let research_folder = self.folder.join("research");
        let research = issue(
            &Identity::Gateway(RESEARCH_GATEWAY.parse()?),
            &[],
            &research_folder,
        )?;
        if let Some(listen) = self.addresses.research_gateway {
            let toml = self.research_gateway_toml(spec, listen);
            fs::write(self.research_gateway_config(), toml)?;
        }
        let served = Served {
            citizen_pin: gateway.pin.to_string(),
            citizen_head_key: head_key,
            research_pin: research.pin.to_string(),
        };
        for (register, (_, status)) in self.live().zip(&self.addresses.agents) {
            let id = register.id();
            let out = self.agent_folder(id.as_str());
            issue(&Identity::Node(id.clone()), &[], &out)?;
            let toml = self.agent_toml(spec, register, *status, &served);
            fs::write(self.agent_config(id.as_str()), toml)?;
            if spec.content == Content::Views {
                let research = out.join("research");
                fs::create_dir_all(&research)?;
                fs::write(research.join(steward::FILE), STEWARD_RULES)?;
            }
        }
        Ok(())
    }
}

/// Where every part is to listen.
fn free_addresses(spec: &WorldSpec, country: &Country) -> anyhow::Result<Addresses> {
    let mut ports = Ports::new();
    let mut free = || ports.free();
    let gateway = if spec.gateway.port() == 0 {
        free()?
    } else {
        spec.gateway
    };
    let live = country
        .registers
        .iter()
        .filter(|register| register.listing == Listing::Live)
        .take(spec.live_only.unwrap_or(usize::MAX));
    Ok(Addresses {
        gateway,
        gateway_tls: spec.gateway_tls,
        research_gateway: match spec.content {
            Content::Registrations => None,
            Content::Views => Some(free()?),
        },
        relay: free()?,
        relay_status: free()?,
        mail_server: spec.notification.then(&mut free).transpose()?,
        agents: live
            .map(|register| Ok((register.id().to_string(), free()?)))
            .collect::<anyhow::Result<_>>()?,
    })
}

/// The ids of registers, for those who pick some.
pub fn ids<'a>(registers: impl Iterator<Item = &'a Register>) -> Vec<RegisterId> {
    registers.map(|register| register.id().clone()).collect()
}
