//! A relay whose operator has the mailbox in hand, and withholds, reorders, replays and injects.
//!
//! The relay is a production one; its operator works on the file of its mailbox while it runs, by
//! triggers and by statements. Each register suffers another thing.

use std::fs;
use std::time::Duration;

use innsyn_policy::{Clock as _, PermitId, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::head::HeadSigner;
use innsyn_proto::receipt::{RefusalGround, RefusalReceipt, SettingsAge};
use innsyn_proto::sealing::{ItemKind, SealingKey};
use innsyn_proto::setting::Item;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::caller::{Caller, Question, Saying};
use innsyn_sim::permit::ISSUER;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::{OPT_OUT, World, WorldSpec};
use rand::rngs::StdRng;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::time::{Instant, sleep};
use wire::run_request::Question as Asked;

use super::asked_agents::AskedAgents;
use super::fleet::{Fleet, LONG, Prepared, until};
use super::research::{persons_by_sex, spec};

/// Its items are withheld.
const WITHHELD: &str = "npr";
/// Its items come late, and in another order.
const REORDERED: &str = "kreft";
/// Its items come again, under other names.
const REPLAYED: &str = "mfr";
/// It is given what nobody sent it.
const INJECTED: &str = "sysvak";
const REGISTERS: [&str; 4] = [WITHHELD, REORDERED, REPLAYED, INJECTED];
/// How old settings may be at these agents; the least that can be configured.
const AGE_MAX: Duration = Duration::from_secs(10);

/// Whoever has the relay's disk.
struct Operator(SqlitePool);

impl Operator {
    async fn at(world: &World) -> Self {
        let file = world.folder.join("relay/mailbox.sqlite");
        let options = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(Duration::from_secs(20));
        let pool = SqlitePool::connect_with(options).await.unwrap();
        Self(pool)
    }

    async fn does(&self, statements: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()))
            .execute(&self.0)
            .await
            .unwrap();
    }

    /// From now on whatever is deposited for `register` goes into a table of the operator's.
    async fn holds(&self, register: &str) {
        self.does(&format!(
            "CREATE TABLE held_{register} (number INTEGER, name BLOB, sealed BLOB); \
             CREATE TRIGGER hold_{register} AFTER INSERT ON innsyn_mailbox \
             WHEN NEW.register = '{register}' BEGIN \
             INSERT INTO held_{register} VALUES (NEW.number, NEW.name, NEW.sealed); \
             DELETE FROM innsyn_mailbox WHERE number = NEW.number; END"
        ))
        .await;
    }

    /// From now on whatever the agent of `register` has collected is kept.
    async fn keeps(&self, register: &str) {
        self.does(&format!(
            "CREATE TABLE kept_{register} (name BLOB, sealed BLOB); \
             CREATE TRIGGER keep_{register} AFTER DELETE ON innsyn_mailbox \
             WHEN OLD.register = '{register}' BEGIN \
             INSERT INTO kept_{register} VALUES (OLD.name, OLD.sealed); END"
        ))
        .await;
    }

    async fn puts(&self, register: &str, sealed: &[u8]) {
        sqlx::query(
            "INSERT INTO innsyn_mailbox (register, name, sealed) VALUES ($1, randomblob(16), $2)",
        )
        .bind(register)
        .bind(sealed)
        .execute(&self.0)
        .await
        .unwrap();
    }

    async fn count(&self, table: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM {table}");
        let (count,) = sqlx::query_as(sqlx::AssertSqlSafe(text))
            .fetch_one(&self.0)
            .await
            .unwrap();
        count
    }

    async fn is_empty(&self, register: &str) -> bool {
        self.count(&format!("innsyn_mailbox WHERE register = '{register}'"))
            .await
            == 0
    }

    /// All that was kept of `register`, the latest first.
    async fn kept(&self, table: &str) -> Vec<Vec<u8>> {
        let text = format!("SELECT sealed FROM {table} ORDER BY rowid DESC");
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(sqlx::AssertSqlSafe(text))
            .fetch_all(&self.0)
            .await
            .unwrap();
        rows.into_iter().map(|(sealed,)| sealed).collect()
    }
}

/// The research gateway is given the keys of the registers' logs, and started anew.
async fn knows_the_logs(fleet: &mut Fleet) {
    let keys = REGISTERS.map(|register| {
        let secret = fleet.world.agent_folder(register).join("log-signing.key");
        let secret = fs::read_to_string(secret).unwrap();
        let key = HeadSigner::parse(&secret).unwrap();
        format!("{register} = \"{}\"", key.public_text())
    });
    let config = fleet.world.research_gateway_config();
    let text = fs::read_to_string(&config).unwrap();
    let section = "[research_gateway]\n";
    let with_keys = format!("{section}log_keys = {{ {} }}\n", keys.join(", "));
    fs::write(&config, text.replace(section, &with_keys)).unwrap();
    fleet.kill_research_gateway().await;
    fleet.restart_research_gateway();
}

struct Story {
    fleet: Fleet,
    operator: Operator,
    caller: Caller,
    researcher: Researcher,
    agents: AskedAgents,
    kari: Question,
}

impl Story {
    async fn begin() -> Self {
        let spec = WorldSpec {
            settings: true,
            ..spec(400, 51)
        };
        let prepared = Prepared::choosing(&spec, |id, _| REGISTERS.contains(&id));
        for register in REGISTERS {
            let config = prepared.world.agent_config(register);
            let text = fs::read_to_string(&config).unwrap();
            let limit = format!("[settings]\nmax_age_s = {}\n", AGE_MAX.as_secs());
            fs::write(&config, text.replace("[settings]\n", &limit)).unwrap();
        }
        let mut fleet = prepared.start().await;
        knows_the_logs(&mut fleet).await;
        let story = Self {
            operator: Operator::at(&fleet.world).await,
            caller: fleet.caller().await,
            researcher: fleet.researcher().await,
            agents: AskedAgents::of(&fleet.world),
            kari: fleet.citizens(1)[0].question(&fleet.world, None),
            fleet,
        };
        until("every agent is current", async || {
            story.current().await.len() == REGISTERS.len()
        })
        .await;
        story
    }

    async fn says(&self, active: bool, id: u8) {
        let saying = Saying {
            definition: OPT_OUT,
            active,
            id: [id; 16],
            proof: None,
        };
        self.caller
            .change_setting(&self.kari, saying)
            .await
            .unwrap();
    }

    /// The registers that know that they have every setting.
    async fn current(&self) -> Vec<String> {
        let listed = self.caller.settings(&self.kari).await.unwrap();
        let current = listed.registers.into_iter().filter(|at| at.is_current);
        current.map(|at| at.register_id).collect()
    }

    /// At how many registers the opt-out stands with `active`.
    async fn stands(&self, active: bool) -> u32 {
        let listed = self.caller.settings(&self.kari).await.unwrap();
        let mut settings = listed.settings.into_iter();
        settings
            .find(|it| it.definition_id == OPT_OUT && it.active == active)
            .map_or(0, |it| it.effective_at)
    }

    /// What `register` counts for a researcher, or why it does not.
    async fn counts(&mut self, register: &str) -> Result<u64, String> {
        let number = self.agents.permit_number();
        let permit = self
            .fleet
            .world
            .data_permit_with(SystemClock.now(), |terms| {
                terms.id = PermitId::new(ISSUER, &number).unwrap();
            });
        let query = persons_by_sex(&[register]);
        let request = self.researcher.asks(Asked::Query(query));
        let planned = self.researcher.dry_run(request).await.unwrap();
        let part = self.agents.part(register, &planned, permit.unwrap()).await;
        part.map(|part| part.cells.iter().map(|cell| cell.persons).sum())
            .map_err(|refused| format!("{refused:#}"))
    }

    /// `register` counts nothing, and its agent says why.
    async fn refuses(&mut self, register: &str) {
        let refused = self.counts(register).await.unwrap_err();
        assert!(refused.contains("SettingsTooOld"), "{register}: {refused}");
        let ready = self.readyz(register).await;
        assert!(
            ready.contains("people's settings are not known to be complete"),
            "{register}: {ready}"
        );
    }

    /// A researcher asks all registers. Those that lack something have signed that they refuse,
    /// and how old what they know is; the rest is in the table.
    async fn tells_the_researcher_whose_settings_are_too_old(&self) {
        let query = persons_by_sex(&REGISTERS);
        let request = self.researcher.asks(Asked::Query(query));
        let table = self.researcher.run(request, |_| ()).await.unwrap();
        for at in &table.registers {
            let register = at.register_id.as_str();
            if ![WITHHELD, REORDERED].contains(&register) {
                assert_eq!(at.state(), wire::RegisterState::Answered, "{register}");
                assert_eq!((at.refusal_reason, &at.refusal_receipt), (0, &None));
                continue;
            }
            assert_eq!(at.state(), wire::RegisterState::Refused, "{register}");
            let reason = at.refusal_reason();
            assert_eq!(reason, wire::RefusalReason::SettingsTooOld, "{register}");
            let receipt = at.refusal_receipt.as_ref().unwrap();
            assert!(receipt.is_signature_checked, "{register}");
            let receipt = RefusalReceipt::read_unchecked(&receipt.text).unwrap();
            let RefusalGround::SettingsTooOld(SettingsAge { read_at, age_s }) = receipt.ground
            else {
                panic!("{register}: {:?}", receipt.ground);
            };
            assert!(age_s.unwrap() >= AGE_MAX.as_secs(), "{register}: {age_s:?}");
            assert!(read_at < receipt.at);
            assert_eq!(receipt.query.as_bytes().as_slice(), table.query_name);
        }
    }

    /// A line of the agent's metrics.
    async fn metric(&self, register: &str, name: &str) -> u64 {
        let at = self.fleet.world.agent_status(register).unwrap();
        let text = self.fleet.http.get(format!("http://{at}/metrics"));
        let text = text.send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    }

    async fn readyz(&self, register: &str) -> String {
        let at = self.fleet.world.agent_status(register).unwrap();
        let text = self.fleet.http.get(format!("http://{at}/readyz"));
        text.send().await.unwrap().text().await.unwrap()
    }

    /// The changes that are on the disk of `register`, by id, in the order in which they were taken.
    async fn taken(&self, register: &str) -> Vec<u8> {
        let folder = self.fleet.world.agent_folder(register);
        let options = SqliteConnectOptions::new()
            .filename(folder.join("records/records.sqlite"))
            .read_only(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT change FROM setting_change ORDER BY number")
                .fetch_all(&pool)
                .await
                .unwrap();
        rows.into_iter().map(|(id,)| id[0]).collect()
    }

    /// An item for `register`, sealed with its own key and signed by somebody who says that they
    /// are the gateway.
    async fn forged(&self, register: &str, number: u64) -> Vec<u8> {
        let outbox = self.fleet.world.folder.join("gateway/settings.sqlite");
        let options = SqliteConnectOptions::new().filename(outbox).read_only(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let (key,): (String,) =
            sqlx::query_as("SELECT sealing_key FROM innsyn_agent WHERE register = $1")
                .bind(register)
                .fetch_one(&pool)
                .await
                .unwrap();
        let register = RegisterId::parse(register).unwrap();
        let item = Item {
            gateway: "helsenorge".parse().unwrap(),
            register: register.clone(),
            number,
            at: SystemClock.now(),
            content: None,
        };
        let signer = HeadSigner::from_seed("innsyn://gateway/helsenorge", [7; 32]).unwrap();
        let mut random: StdRng = rand::make_rng();
        SealingKey::parse(&key)
            .unwrap()
            .seal(
                ItemKind::Setting,
                &register,
                &item.sign(&signer).unwrap(),
                &mut random,
            )
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_5_a_relay_that_withholds_reorders_replays_or_injects_is_noticed_and_changes_nothing()
 {
    let mut story = Story::begin().await;
    for register in REGISTERS {
        story.counts(register).await.unwrap();
    }
    story.operator.holds(WITHHELD).await;
    story.operator.holds(REORDERED).await;
    story.operator.keeps(REPLAYED).await;

    // Said, taken back, and said again, so that an old item would change what stands.
    let (on, off) = (true, false);
    for (id, active) in [(1, on), (2, off), (3, on), (4, off)] {
        story.says(active, id).await;
    }
    until("the others have it", async || story.stands(off).await == 2).await;
    let said = Instant::now();

    // What they had comes again, latest first; and what was never meant for them comes.
    let kept = format!("kept_{REPLAYED}");
    until("all of it is forgotten, and kept", async || {
        story.operator.count(&kept).await == 4
    })
    .await;
    for sealed in story.operator.kept(&kept).await {
        story.operator.puts(REPLAYED, &sealed).await;
    }
    for sealed in story.operator.kept(&format!("held_{REORDERED}")).await {
        story.operator.puts(INJECTED, &sealed).await;
    }
    let noise: [u8; 4096] = std::array::from_fn(|at| at.to_le_bytes()[0]);
    story.operator.puts(INJECTED, &noise).await;
    for number in 4..=6 {
        let forged = story.forged(INJECTED, number).await;
        story.operator.puts(INJECTED, &forged).await;
    }
    story.says(on, 5).await;
    until("the others have the next", async || {
        story.stands(on).await == 2
    })
    .await;
    for register in [REPLAYED, INJECTED] {
        until("all of it was looked at", async || {
            story.operator.is_empty(register).await
        })
        .await;
        assert_eq!(story.taken(register).await, [1, 2, 3, 4, 5], "{register}");
    }
    let forged = "innsyn_agent_settings_forged_total";
    assert_eq!(
        story.metric(INJECTED, forged).await,
        8,
        "4 of others, 4 made"
    );
    assert_eq!(story.metric(REPLAYED, forged).await, 0);
    let repeated = "innsyn_agent_settings_repeated_total";
    assert_eq!(story.metric(REPLAYED, repeated).await, 4);

    // Whoever lacks something knows it within the limit, and says no.
    until("those who lack something know it", async || {
        story.current().await == [REPLAYED, INJECTED]
    })
    .await;
    assert!(said.elapsed() < AGE_MAX + LONG / 4, "{:?}", said.elapsed());
    for register in [WITHHELD, REORDERED] {
        story.refuses(register).await;
        assert!(story.taken(register).await.is_empty(), "{register}");
    }
    for register in [REPLAYED, INJECTED] {
        story.counts(register).await.unwrap();
        assert!(story.readyz(register).await.contains("\"warnings\":[]"));
    }
    story
        .tells_the_researcher_whose_settings_are_too_old()
        .await;

    // In another order, late, each counts once and in its place.
    let held = story.operator.kept(&format!("held_{REORDERED}")).await;
    story
        .operator
        .does(&format!("DROP TRIGGER hold_{REORDERED}"))
        .await;
    for sealed in held {
        story.operator.puts(REORDERED, &sealed).await;
        sleep(Duration::from_millis(20)).await;
    }
    until("the late ones are in effect", async || {
        story.stands(on).await == 3
    })
    .await;
    assert_eq!(story.taken(REORDERED).await, [1, 2, 3, 4, 5]);

    // What was thrown away is sent again by the gateway that sees that it was not applied.
    story
        .operator
        .does(&format!("DROP TRIGGER hold_{WITHHELD}"))
        .await;
    until("the withheld ones are in effect", async || {
        story.stands(on).await == 4
    })
    .await;
    assert_eq!(story.taken(WITHHELD).await, [1, 2, 3, 4, 5]);
    for register in REGISTERS {
        until("it counts again", async || {
            story.current().await.len() == REGISTERS.len()
        })
        .await;
        story.counts(register).await.unwrap();
    }
}
