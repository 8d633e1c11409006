//! A register whose views stand in PostgreSQL, published as an agent would.

use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::engine::{Answer, EngineError, Included, PersonSet};
use innsyn_agent::research::compute::{Countable as _, Counting};
use innsyn_agent::research::data::Refreshed;
use innsyn_agent::research::{Publisher, ResearchData};
use innsyn_agent::sources::{Silent, SourceConfig, SubjectsStore};
use innsyn_policy::{
    Clock, Identifiability, LegalBasis, ManualClock, Purpose, Register, RegisterId, RegisterKind,
    Timestamp, Use,
};
use innsyn_proto::wire::research::v1::Query;
use innsyn_sim::population::{Population, PopulationSpec};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::NUMBERS;
use super::server::Server;

/// The two roles of research, a schema of the agent's own, people and their settings.
pub(in crate::system) const RESEARCH: &str = "
    CREATE ROLE innsyn_keeper LOGIN; CREATE ROLE innsyn_reader LOGIN;
    CREATE SCHEMA innsyn AUTHORIZATION innsyn_keeper;
    CREATE TABLE people (fnr text, state int DEFAULT 1);
    CREATE TABLE settings (fnr text, kind text, purpose text, t timestamp, until date);
    GRANT SELECT ON people, settings TO innsyn;";

/// What a query may take here, in bytes.
const MEMORY_BYTES: usize = 64 << 20;
const TIMEOUT: Duration = Duration::from_mins(1);

/// The national ids of synthetic people, who are called by their numbers in the tests.
pub(in crate::system) fn ids(persons: u32) -> Vec<String> {
    let population = Population::new(PopulationSpec::new(persons.max(100), 11));
    let population = population.expect("a population");
    let ids = (0..).map_while(|number| population.person(number));
    ids.take(persons as usize)
        .map(|person| person.id.expose_str().to_owned())
        .collect()
}

/// The `[source]` section of a register on `server`, reached at `host` and `port`, that publishes
/// `views`.
pub(in crate::system) fn section(server: &Server, views: &Value) -> Value {
    json!({
        "kind": "postgres",
        "host": server.socket_folder(),
        "port": server.port(),
        "database": "postgres",
        "user": super::ROLE,
        "tls": "disabled",
        "persons": {
            "table": "people",
            "columns": { "national_id": "fnr", "status": "state" },
            "status": { "registered": ["1"], "deleted": ["2"] },
        },
        "settings": {
            "table": "settings",
            "columns": {
                "national_id": "fnr", "kind": "kind", "purpose": "purpose", "from": "t",
                "until": "until",
            },
        },
        "research": {
            "keeper": { "user": "innsyn_keeper" },
            "reader": { "user": "innsyn_reader" },
            "refresh_s": 1,
            "view": views,
        },
    })
}

type SharedClock = Arc<dyn Clock>;

/// The register, as its agent holds it.
pub(in crate::system) struct Published {
    pub(in crate::system) store: Arc<SubjectsStore<SharedClock>>,
    pub(in crate::system) publisher: Arc<Publisher<SharedClock>>,
    _folder: TempDir,
}

impl Published {
    /// Reads the people of the source in `section` and publishes nothing yet.
    pub(in crate::system) async fn open(section: Value) -> Self {
        let config: SourceConfig = serde_json::from_value(section).expect("a valid section");
        let key = config.subject_key(&mut StdRng::seed_from_u64(1));
        let clock: SharedClock = Arc::new(ManualClock::new(now()));
        let store = SubjectsStore::open(
            config.source(),
            key.expect("a key"),
            NUMBERS,
            config.settings_max_age,
            clock,
            Arc::new(Silent),
        );
        let store = store.await.expect("people");
        let register = Register {
            id: RegisterId::parse("kreft").expect("a register id"),
            kind: RegisterKind::Central,
            legal_basis: LegalBasis::MandatoryWithReservation,
            membership_is_sensitive: false,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let publisher = Publisher::open(&config, register, Arc::clone(&store), folder.path());
        Self {
            store,
            publisher: publisher.expect("a folder").expect("views"),
            _folder: folder,
        }
    }

    /// Looks at the views, which are all ready then.
    pub(in crate::system) async fn look(&self) -> Arc<ResearchData> {
        let stop = CancellationToken::new();
        match self.publisher.refresh(&stop).await.expect("a look") {
            Refreshed::Published(outcomes) => {
                for outcome in outcomes {
                    outcome.expect("a view that is ready");
                }
            }
            other => panic!("published, not {other:?}"),
        }
        self.data()
    }

    /// What is published now.
    pub(in crate::system) fn data(&self) -> Arc<ResearchData> {
        self.store.current().research().expect("published")
    }
}

/// When everything happens.
pub(in crate::system) fn now() -> Timestamp {
    Timestamp::from_seconds(1_750_000_000)
}

/// Counts `persons` of `data`.
pub(in crate::system) async fn count(
    data: &Arc<ResearchData>,
    query: &Query,
    persons: PersonSet,
) -> Result<Answer, EngineError> {
    count_until(data, query, persons, CancellationToken::new()).await
}

pub(in crate::system) async fn count_until(
    data: &Arc<ResearchData>,
    query: &Query,
    persons: PersonSet,
    cancel: CancellationToken,
) -> Result<Answer, EngineError> {
    let (data, query) = (Arc::clone(data), query.clone());
    let counting = spawn_blocking(move || {
        data.count(Counting {
            query: &query,
            purpose: Purpose::Research,
            included: &Included::new(persons),
            memory_bytes: MEMORY_BYTES,
            timeout: TIMEOUT,
            cancel: &cancel,
        })
    });
    counting.await.expect("it ends")
}

/// Everybody who may be counted for research now.
pub(in crate::system) fn included(data: &ResearchData) -> PersonSet {
    data.included(
        &Use::of_all(Purpose::Research, Identifiability::Aggregate),
        now(),
    )
    .persons()
    .clone()
}
