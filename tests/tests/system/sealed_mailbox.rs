//! What the operator of a relay can tell from its mailbox, its disk, its memory and its keys while
//! changes of settings wait there: that there were so many, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use innsyn_agent::records::RecordsKey;
use innsyn_policy::{DefinitionId, NationalId, NumberRules, RegisterId};
use innsyn_proto::sealing::{ItemKind, OpeningKey};
use innsyn_sim::caller::Saying;
use innsyn_sim::scan::{Scanner, Secret};
use innsyn_sim::world::{DEFINITIONS_FILE, OPT_OUT, World, WorldSpec};
use rustix::process::Signal;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{PgPool, SqlitePool};

use super::blindness::{dump, open_files};
use super::fleet::{Fleet, Prepared, until};
use super::postgres::server::Server;

const REGISTERS: [&str; 6] = ["hunt", "kreft", "lmr", "mfr", "npr", "sysvak"];
/// What is said in every world: for all registers, for HUNT alone, for NPR alone.
const DEFINITIONS: [&str; 3] = [
    OPT_OUT,
    "7e1d7a52-71a0-4e0b-9a3c-000000000002",
    "7e1d7a52-71a0-4e0b-9a3c-000000000003",
];
/// How often each of them is.
const TIMES: usize = 7;

/// One item as it waits: for whom, its name, what is sealed.
type Waiting = (String, Vec<u8>, Vec<u8>);

const ALL: &str = "SELECT register, name, sealed FROM innsyn_mailbox ORDER BY number";

/// Where the relay has its mailbox.
enum Store {
    Sqlite,
    Postgres(Server),
}

impl Store {
    async fn postgres() -> Self {
        let server = Server::start();
        server.run("CREATE DATABASE mailbox OWNER innsyn").await;
        Self::Postgres(server)
    }

    fn url(server: &Server) -> String {
        let folder = server.socket_folder().display().to_string();
        let folder = folder.replace('/', "%2F");
        format!("postgres://innsyn@{folder}:{}/mailbox", server.port())
    }

    /// Has the relay of `world` use it.
    fn configure(&self, world: &World) {
        let Self::Postgres(server) = self else {
            return;
        };
        let config = world.relay_config();
        let text = fs::read_to_string(&config).unwrap();
        let theirs = text.replace(
            r#"{ kind = "sqlite", file = "mailbox.sqlite" }"#,
            r#"{ kind = "postgres", url_file = "mailbox.url" }"#,
        );
        assert_ne!(text, theirs);
        fs::write(&config, theirs).unwrap();
        let url = config.with_file_name("mailbox.url");
        fs::write(url, Self::url(server)).unwrap();
    }

    /// Everything that waits.
    async fn waiting(&self, world: &World) -> Vec<Waiting> {
        match self {
            Self::Sqlite => {
                let file = world.folder.join("relay/mailbox.sqlite");
                let options = SqliteConnectOptions::new().filename(file).read_only(true);
                let pool = SqlitePool::connect_with(options).await.unwrap();
                sqlx::query_as(ALL).fetch_all(&pool).await.unwrap()
            }
            Self::Postgres(server) => {
                let pool = PgPool::connect(&Self::url(server)).await.unwrap();
                sqlx::query_as(ALL).fetch_all(&pool).await.unwrap()
            }
        }
    }

    /// Panics if `scanner` sees anything on the disk.
    fn holds_nothing(&self, scanner: &Scanner) {
        if let Self::Postgres(server) = self {
            let searched = scanner.folder(server.socket_folder()).unwrap();
            assert!(searched.files > 100, "{searched:?}");
            assert_eq!(searched.marked, []);
        }
    }
}

/// The key by which the agent of `register` opens what is sealed to it.
fn opening(world: &World, register: &str) -> OpeningKey {
    let folder = world.agent_folder(register);
    let (key, records) = (folder.join("records.key"), folder.join("records"));
    let key = RecordsKey::open(
        &key,
        &records,
        false,
        &mut rand::make_rng::<rand::rngs::StdRng>(),
    );
    OpeningKey::from_seed(&key.unwrap().mailbox_seed())
}

/// Gives the definitions of `world` names that nobody had before: the simulator, which the relay
/// is here, has the usual ones in its program.
fn named_anew(world: &World) -> [DefinitionId; 3] {
    let file = world.folder.join(DEFINITIONS_FILE);
    let mut text = fs::read_to_string(&file).unwrap();
    let names = DEFINITIONS.map(|usual| {
        let name = DefinitionId::from_bytes(rand::random());
        assert!(text.contains(usual));
        text = text.replace(usual, &name.to_string());
        name
    });
    fs::write(file, text).unwrap();
    names
}

/// Has each definition said of by several people while no agent can collect.
async fn say_everything(fleet: &Fleet, definitions: [DefinitionId; 3], scanner: &mut Scanner) {
    let caller = fleet.caller().await;
    let citizens = fleet.citizens(5);
    for citizen in &citizens {
        let id = NationalId::parse(citizen.national_id(), NumberRules::default());
        scanner.add_national_id(&id.unwrap());
    }
    for definition in &definitions {
        scanner.add_saying(definition.bytes());
    }
    let sayings = definitions.iter().cycle().take(DEFINITIONS.len() * TIMES);
    for (at, definition) in sayings.enumerate() {
        let id: [u8; 16] = rand::random();
        scanner.add_saying(&id);
        let saying = Saying {
            definition: &definition.to_string(),
            active: at % 2 == 0,
            id,
            proof: None,
        };
        let question = citizens[at % citizens.len()].question(&fleet.world, None);
        caller.change_setting(&question, saying).await.unwrap();
    }
}

async fn tells_nothing(store: Store) {
    let spec = WorldSpec {
        settings: true,
        log_filter: "trace".to_owned(),
        ..WorldSpec::new(300, 61)
    };
    let prepared = Prepared::choosing(&spec, |id, _| REGISTERS.contains(&id));
    store.configure(&prepared.world);
    let definitions = named_anew(&prepared.world);
    let fleet = prepared.start().await;
    let caller = fleet.caller().await;
    let someone = fleet.citizens(1)[0].question(&fleet.world, None);
    until("every agent is current", async || {
        let listed = caller.settings(&someone).await.unwrap();
        listed.registers.iter().filter(|at| at.is_current).count() == REGISTERS.len()
    })
    .await;

    for register in REGISTERS {
        fleet.signal(register, Signal::STOP);
    }
    let mut scanner = Scanner::default();
    say_everything(&fleet, definitions, &mut scanner).await;
    let changes = DEFINITIONS.len() * TIMES;
    let world = &fleet.world;
    until("all of it waits", async || {
        store.waiting(world).await.len() == changes * REGISTERS.len()
    })
    .await;

    // Every change is one item for every register, in one order, of one size.
    let waiting = store.waiting(world).await;
    let order: Vec<&str> = waiting.iter().map(|(register, ..)| &**register).collect();
    for change in order.chunks(REGISTERS.len()) {
        assert_eq!(change, &order[..REGISTERS.len()]);
    }
    let mut counts = BTreeMap::<&str, usize>::new();
    for (register, name, sealed) in &waiting {
        assert_eq!(
            (name.len(), sealed.len()),
            (16, ItemKind::Setting.sealed_bytes())
        );
        *counts.entry(register).or_default() += 1;
    }
    assert_eq!(counts, REGISTERS.map(|register| (register, changes)).into());
    let names: BTreeSet<_> = waiting.iter().map(|(_, name, _)| name).collect();
    let keys: BTreeSet<_> = waiting.iter().map(|(.., sealed)| &sealed[..32]).collect();
    assert_eq!((names.len(), keys.len()), (waiting.len(), waiting.len()));
    let bytes = waiting
        .iter()
        .flat_map(|(_, name, sealed)| [&name[..], sealed].concat());
    assert_eq!(scanner.bytes(&bytes.collect::<Vec<_>>()), []);

    // Neither on the relay's disk nor in its memory is there anything of what was said …
    let folder = tempfile::tempdir().unwrap();
    let relay = fleet.relay();
    relay.signal(Signal::STOP).unwrap();
    let dumped = dump(relay, &folder.path().join("relay")).await;
    let relay_folder = world.folder.join("relay");
    for file in open_files(relay) {
        assert!(
            file.starts_with(&relay_folder),
            "{} is open",
            file.display()
        );
    }
    let on_disk = scanner.folder(&relay_folder).unwrap();
    relay.signal(Signal::CONT).unwrap();
    assert_eq!(scanner.file(&dumped).unwrap().1, []);
    assert_eq!(on_disk.marked, []);
    store.holds_nothing(&scanner);

    // … while it stands in what the one agent opens that it is sealed to, and in nothing that
    // another does. The same scanner sees it there.
    let openings = REGISTERS.map(|register| (register, opening(world, register)));
    let mut told = BTreeMap::<&str, usize>::new();
    for (register, _, sealed) in &waiting {
        let addressee = RegisterId::parse(register).unwrap();
        for (other, key) in &openings {
            let opened = key.open(&addressee, sealed).ok();
            assert_eq!(opened.is_some(), register == other, "{register} by {other}");
            let sightings = scanner.bytes(opened.unwrap_or_default().as_bytes());
            let tells = |secret| sightings.iter().any(|seen| seen.secret == secret);
            assert_eq!(tells(Secret::NationalId), tells(Secret::Saying));
            *told.entry(other).or_default() += usize::from(tells(Secret::NationalId));
        }
    }
    let of = |register| match register {
        "hunt" | "npr" => (register, 2 * TIMES),
        _ => (register, TIMES),
    };
    assert_eq!(told, REGISTERS.map(of).into());

    for register in REGISTERS {
        fleet.signal(register, Signal::CONT);
    }
    until("everything is taken", async || {
        store.waiting(world).await.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_3_neither_a_mailbox_in_a_file_nor_the_relays_memory_tells_person_definition_or_addressee()
 {
    Box::pin(tells_nothing(Store::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_3_neither_a_mailbox_in_postgresql_nor_the_relays_memory_tells_person_definition_or_addressee()
 {
    Box::pin(tells_nothing(Store::postgres().await)).await;
}
