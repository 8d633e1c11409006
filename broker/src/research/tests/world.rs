//! A gateway, a relay and agents on loopback, with everything between them real.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener as _;
use futures::TryStreamExt as _;
use innsyn_policy::data_permit::{PermitBasis, PermitKind, QueryKind, Terms};
use innsyn_policy::{
    Clock, DataPermit, ManualClock, NationalId, NumberRules, Organisation, PermitId, Purpose,
    RegisterId, Timestamp, Validity,
};
use innsyn_proto::data_permit::IssuerSigner;
use innsyn_proto::head::HeadSigner;
use innsyn_proto::identity::Identity;
use innsyn_proto::tls::{AgentTls, GatewayTls, TlsFiles};
use innsyn_proto::tunnel::{RelayAddress, TcpDialler, TcpRelayListener};
use innsyn_proto::wire::research::v1 as wire;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Request, Status};
use wire::research_service_client::ResearchServiceClient;

use super::agent::Agent;
use super::queries::views;
use crate::catalog::Catalogue;
use crate::enrolment;
use crate::gateway::config::Limits;
use crate::gateway::reach::ThroughRelays;
use crate::gateway::serve;
use crate::relay::{Relay, RelayConfig};
use crate::research::desk::ReleaseDesk;
use crate::research::ledger::{InMemory, Store};
use crate::research::{ResearchFace, ResearchGatewayConfig, ResearchParts, router};

/// Synthetic people (month + 80).
pub(crate) const KARI: &str = "01817010055";
pub(crate) const OLA: &str = "29820050124";
/// 2026-01-01T00:00:00Z, in seconds.
pub(crate) const NOW: i64 = 1_767_225_600;
pub(crate) const ORGANISATION: &str = "983658776";
const ISSUER: &str = "https://sts.example.invalid";
const PERMIT_ISSUER: &str = "helsedata.example";
/// A wait that only a failing test sits out.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Everything.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) face: Arc<ResearchFace>,
    agents: BTreeMap<String, Arc<Agent>>,
    client: ResearchServiceClient<Channel>,
    pub(crate) channel: Channel,
    token_key: EncodingKey,
    permit_key: IssuerSigner,
    _shutdown: DropGuard,
    _folder: TempDir,
}

impl World {
    /// Registers `nord` and `vest`, whose persons are different ones.
    pub(crate) async fn new() -> Self {
        Self::of(&["nord", "vest"], true).await
    }

    /// Of `registers`, `borte` has no agent.
    pub(crate) async fn of(registers: &[&str], persons_disjoint: bool) -> Self {
        Self::with(registers, persons_disjoint, Arc::new(InMemory::default())).await
    }

    /// The same with another ledger.
    pub(crate) async fn with(
        registers: &[&str],
        persons_disjoint: bool,
        ledger: Arc<dyn Store>,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(NOW + 60)));
        enrolment::init(folder.path(), &*clock).unwrap();
        let shutdown = CancellationToken::new();
        let relay = start_relay(&folder, &clock, &shutdown);
        let mut agents = BTreeMap::new();
        for register in registers.iter().filter(|register| **register != "borte") {
            let agent = start_agent(&folder, &clock, relay, register, persons_disjoint);
            timeout(LONG, agent.parked.notified()).await.unwrap();
            agents.insert((*register).to_owned(), agent);
        }
        let permit_pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let token_pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let token_key = EncodingKey::from_ec_pem(token_pair.serialize_pem().as_bytes()).unwrap();
        let config = config(&folder, &token_key, &permit_pair);
        let files = files(&folder, &*clock, "innsyn://gateway/forsking");
        let gateway_clock: Arc<dyn Clock> = clock.clone();
        let tls = GatewayTls::load(&files, &gateway_clock).unwrap();
        let relay = RelayAddress::new(&relay.to_string(), None).unwrap();
        let parts = ResearchParts {
            catalogue: catalogue(registers),
            reach: Arc::new(ThroughRelays::new(Arc::new(TcpDialler), vec![relay], tls)),
            tokens: config.open_verifier(clock.clone()).await.unwrap(),
            permits: config.open_permit_issuers().unwrap(),
            desk: ReleaseDesk::REAL,
            ledger,
            clock: clock.clone(),
            random: StdRng::seed_from_u64(1),
        };
        let acceptor = serve::tls(config.tls.as_ref().unwrap()).unwrap();
        let face = ResearchFace::new(config, parts);
        let listener = serve::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve::serve(
            listener,
            router(Arc::clone(&face)),
            Some(acceptor),
            Limits::default(),
            shutdown.clone(),
        ));
        let ca = std::fs::read(folder.path().join("web.pem")).unwrap();
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(ca))
            .domain_name("localhost");
        let endpoint = Channel::from_shared(format!("https://{address}")).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
        Self {
            clock,
            face,
            agents,
            client: ResearchServiceClient::new(channel.clone()),
            channel,
            token_key,
            permit_key: IssuerSigner::from_pem(&permit_pair.serialize_pem()).unwrap(),
            _shutdown: shutdown.drop_guard(),
            _folder: folder,
        }
    }

    pub(crate) fn agent(&self, register: &str) -> &Arc<Agent> {
        &self.agents[register]
    }

    pub(crate) fn client(&self) -> ResearchServiceClient<Channel> {
        self.client.clone()
    }

    /// How many queries any register was asked.
    pub(crate) fn asked(&self) -> usize {
        self.agents.values().map(|agent| agent.asked().len()).sum()
    }

    /// A token with these claims.
    pub(crate) fn token_of(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k1".to_owned());
        jsonwebtoken::encode(&header, claims, &self.token_key).unwrap()
    }

    /// Kari's own call with `message`.
    pub(crate) fn call<T>(&self, message: T) -> Request<T> {
        call_with(message, &self.token_of(&claims()))
    }

    /// The permit with these terms, signed.
    pub(crate) fn permit_of(&self, terms: Terms) -> String {
        let permit = DataPermit::new(terms).unwrap();
        self.permit_key.sign(&permit).unwrap()
    }

    pub(crate) fn permit(&self) -> String {
        self.permit_of(self.terms())
    }

    pub(crate) fn terms(&self) -> Terms {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let registers = self.agents.keys();
        Terms {
            id: PermitId::new(PERMIT_ISSUER, "2026-1").unwrap(),
            project: "Oppfunnet".to_owned(),
            kind: PermitKind::Project,
            people: [NationalId::parse(KARI, NumberRules::default()).unwrap()].into(),
            organisation: Organisation::parse(ORGANISATION).unwrap(),
            purpose: Purpose::Research,
            legal_basis: PermitBasis::ResearchOrStatistics,
            legal_reference: "oppfunnet".to_owned(),
            registers: registers.map(|id| RegisterId::parse(id).unwrap()).collect(),
            variables: [
                ("persons".to_owned(), names(&["sex", "born_year", "income"])),
                (
                    "stays".to_owned(),
                    names(&["admitted", "days", "died", "left"]),
                ),
            ]
            .into(),
            born_years: None,
            months: 0..600,
            kinds: QueryKind::ALL.into(),
            smallest_cell: 5,
            rounding_base: 5,
            budget_queries: 20,
            validity: Validity {
                from: Timestamp::from_seconds(NOW),
                until: Timestamp::from_seconds(NOW + 86_400),
            },
        }
    }

    pub(crate) fn asking(&self, query: wire::Query) -> wire::RunRequest {
        wire::RunRequest {
            question: Some(wire::run_request::Question::Query(query)),
            data_permit: self.permit(),
            deadline_ms: 10_000,
            ..wire::RunRequest::default()
        }
    }

    /// Runs to the end: the states told of registers, and the table or why there is none.
    pub(crate) async fn run_of(&self, request: wire::RunRequest) -> (Vec<String>, Ended) {
        let mut told = Vec::new();
        let mut updates = match self.client().run(self.call(request)).await {
            Ok(response) => response.into_inner(),
            Err(status) => return (told, Err(status)),
        };
        loop {
            match updates.try_next().await {
                Ok(Some(wire::RunResponse { message })) => match message.unwrap() {
                    wire::run_response::Message::Started(_) => {}
                    wire::run_response::Message::Progress(progress) => {
                        let state = progress.state().as_str_name();
                        let state = state.trim_start_matches("REGISTER_STATE_");
                        told.push(format!("{} {state}", progress.register_id));
                    }
                    wire::run_response::Message::Table(table) => {
                        assert!(updates.try_next().await.unwrap().is_none());
                        return (told, Ok(table));
                    }
                },
                Ok(None) => panic!("a run ends with a table or an error"),
                Err(status) => return (told, Err(status)),
            }
        }
    }

    pub(crate) async fn run(&self, query: wire::Query) -> Ended {
        self.run_of(self.asking(query)).await.1
    }
}

pub(crate) type Ended = Result<wire::ReleasedTable, Status>;

/// The key that signs the log of use of `register`.
pub(super) fn log_of(register: &str) -> HeadSigner {
    let seed = [u8::try_from(register.len()).unwrap(); 32];
    HeadSigner::from_seed(&format!("innsyn/{register}"), seed).unwrap()
}

/// Good claims of Kari.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "innsyn", "iat": NOW, "nbf": NOW, "exp": NOW + 600, "jti": "1",
        "client_id": "portal", "scp": "other innsyn:research", "pid": KARI,
        "organisation": ORGANISATION, "acr": "idporten-loa-high",
    })
}

pub(crate) fn call_with<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

fn start_relay(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    shutdown: &CancellationToken,
) -> SocketAddr {
    let files = files(folder, &**clock, "innsyn://relay/test");
    let text = format!(
        "listen = '127.0.0.1:0'\ncertificate = '{}'\nkey = '{}'\nfederation_ca = '{}'\n\
         gateways = ['forsking']",
        files.certificate.display(),
        files.key.display(),
        files.federation_ca.display()
    );
    let config: RelayConfig = toml::from_str(&text).unwrap();
    let clock: Arc<dyn Clock> = clock.clone();
    let relay = Relay::new(config, &clock).unwrap();
    let listener = TcpRelayListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(relay.serve(listener, shutdown.clone()));
    address
}

fn start_agent(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    relay: SocketAddr,
    register: &str,
    persons_disjoint: bool,
) -> Arc<Agent> {
    let files = files(folder, &**clock, &format!("innsyn://node/{register}"));
    let agents_clock: Arc<dyn Clock> = clock.clone();
    let tls = AgentTls::load(&files, &agents_clock).unwrap();
    Agent::start(views(register, persons_disjoint), tls, relay)
}

fn files(folder: &TempDir, clock: &dyn Clock, uri: &str) -> TlsFiles {
    let identity = Identity::parse(uri).unwrap();
    let out = folder.path().join(uri.replace([':', '/'], "-"));
    let hosts = match identity {
        Identity::Relay(_) => vec!["127.0.0.1".to_owned()],
        _ => Vec::new(),
    };
    enrolment::issue(folder.path(), &identity, &hosts, 30, &out, clock).unwrap();
    TlsFiles {
        certificate: out.join(enrolment::CERTIFICATE_FILE),
        key: out.join(enrolment::KEY_FILE),
        federation_ca: out.join(enrolment::FEDERATION_CA_FILE),
        relay_ca: out.join(enrolment::RELAY_CA_FILE),
    }
}

/// The gateway's configuration, with the files that it names.
fn config(folder: &TempDir, token_key: &EncodingKey, permits: &KeyPair) -> ResearchGatewayConfig {
    let write = |name: &str, text: &str| {
        let path: PathBuf = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let mut jwk = Jwk::from_encoding_key(token_key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("k1".to_owned());
    let jwks = serde_json::to_string(&JwkSet { keys: vec![jwk] }).unwrap();
    let web = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    toml::from_str(&format!(
        r#"
        listen = "127.0.0.1:0"
        tls = {{ certificate_file = "{}", key_file = "{}" }}
        environment = "test"
        catalogue = "unused"
        issuers = [{{ issuer = "{ISSUER}", audience = "innsyn", jwks_file = "{}" }}]
        permit_issuers = [{{ name = "{PERMIT_ISSUER}", public_key = "{}" }}]
        log_keys = {{ vest = "{}" }}
        runs_in_flight_max = 3
        public_catalogue = {{ address = "https://forsking.example", publisher = "Oppfunnet", contact_email = "a@b" }}
        "#,
        write("web.pem", &web.cert.pem()),
        write("web-key.pem", &web.signing_key.serialize_pem()),
        write("jwks.json", &jwks),
        write("permits.pem", &permits.public_key_pem()),
        log_of("vest").public_text(),
    ))
    .unwrap()
}

fn catalogue(registers: &[&str]) -> Catalogue {
    let text = registers.iter().map(|id| {
        format!(
            r#"
            [[register]]
            id = "{id}"
            name = "Register {id}"
            name_en = "Register {id}"
            description = "Oppfunnet beskrivelse av {id}."
            kind = "quality"
            legal_basis = "mandatory"
            membership_is_sensitive = false
            controller = "Oppfunnet"
            contact_email = "{id}@example.invalid"
            insight = {{ method = "link", link = "https://{id}.example.invalid" }}
            listing = "live"
            "#
        )
    });
    Catalogue::parse(&text.collect::<String>()).unwrap()
}
