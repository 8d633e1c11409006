//! A reservation and its reversal: what becomes of a count, and that no researcher can see it.

use std::fs;

use innsyn_policy::{Clock as _, PermitId, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::caller::Saying;
use innsyn_sim::country::Role;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::population::{Person, Sex};
use innsyn_sim::registers::{Status, folder};
use innsyn_sim::researcher::Researcher;
use innsyn_sim::truth::pooled::{By, Question, Rows, Table, pooled};
use innsyn_sim::world::{OPT_OUT, WorldSpec};
use prost::Message as _;
use rand::rngs::StdRng;
use wire::measure::Measure as Told;
use wire::run_request::Question as Asked;
use wire::value::Value as Shown;

mod blocking;

use super::asked_agents::AskedAgents;
use super::fleet::{Fleet, Prepared, until};
use super::research::{EXACT, by_code, measure, spec, told};

/// The register at which somebody reserves themself.
const REGISTER: &str = "npr";
/// Where the register's settings are.
const SETTINGS: &str = "innstillinger.csv";

/// The register, which looks at its files every second, and whoever asks of it.
struct Story {
    fleet: Fleet,
    agents: AskedAgents,
    researcher: Researcher,
    settings: String,
}

/// What the researcher sees of one run: a table, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Table(Vec<u8>),
    Refused(tonic::Code, String),
}

/// Registered persons and their diagnoses by sex and county.
fn query() -> wire::Query {
    wire::Query {
        view: "diagnoses".to_owned(),
        dimensions: vec![by_code("sex", 0), by_code("municipality", 1)],
        measures: vec![
            measure(Told::Persons(wire::Persons {})),
            measure(Told::Events(wire::EventCount {})),
        ],
        ..wire::Query::default()
    }
}

impl Story {
    /// With the research gateway started as `program`, if it is not a production one.
    async fn begin(program: Option<&'static [&'static str]>) -> Self {
        Self::begin_in(&spec(600, 21), program).await
    }

    /// The same in a world made from `spec`.
    async fn begin_in(spec: &WorldSpec, program: Option<&'static [&'static str]>) -> Self {
        let mut prepared = Prepared::choosing(spec, |id, _| id == REGISTER);
        let config = prepared.world.agent_config(REGISTER);
        let text = fs::read_to_string(&config).unwrap();
        let text = text.replace("[source]\n", "[source]\npoll_s = 1\n");
        let text = text.replace("[settings]\n", "[settings]\nmax_age_s = 10\n");
        fs::write(&config, text).unwrap();
        if let Some(program) = program {
            prepared = prepared.researching_with(program);
        }
        let fleet = prepared.start().await;
        let mut story = Self {
            agents: AskedAgents::of(&fleet.world),
            researcher: fleet.researcher().await,
            settings: String::new(),
            fleet,
        };
        story.settings = fs::read_to_string(story.settings_file()).unwrap();
        story
    }

    fn settings_file(&self) -> std::path::PathBuf {
        let country = self.fleet.world.folder.join("country");
        folder::of_register(&country, REGISTER).join(SETTINGS)
    }

    /// The truth in the files, as they stand now.
    fn truth(&self) -> Table {
        let country = self.fleet.world.folder.join("country");
        let question = Question {
            view: "diagnoses",
            by: &[By::Code("sex", 0), By::Code("municipality", 2)],
            rows: Rows::All,
            only: |_| true,
        };
        pooled(&country, &question, SystemClock.now()).unwrap()
    }

    /// Has `setting`, if there is one, recorded of `person` beside everybody's settings, and waits
    /// until the register's agent counts by it.
    async fn record(&mut self, person: &Person, setting: Option<&str>) {
        let row = setting.map(|setting| format!("{},{setting}\n", person.id.expose_str()));
        let text = format!("{}{}", self.settings, row.unwrap_or_default());
        let read = |story: &Self| {
            story
                .fleet
                .agent_log(REGISTER)
                .matches("source loaded")
                .count()
        };
        let before = read(self);
        fs::write(self.settings_file(), text).unwrap();
        until("the settings are read", async || read(self) > before).await;
        let ends = tokio::time::Instant::now() + super::fleet::LONG;
        while self.persons().await.is_none() {
            assert!(tokio::time::Instant::now() < ends, "nothing is published");
        }
    }

    /// How many persons the register counts, as its agent tells the gateway.
    async fn persons(&mut self) -> Option<u64> {
        let permit = self.fresh_permit();
        let request = self.researcher.asks(Asked::Query(query()));
        let planned = self.researcher.dry_run(request).await.ok()?;
        let part = self.agents.part(REGISTER, &planned, permit).await.ok()?;
        Some(part.cells.iter().map(|cell| cell.persons).sum())
    }

    fn fresh_permit(&mut self) -> String {
        let number = self.agents.permit_number();
        let permit = self
            .fleet
            .world
            .data_permit_with(SystemClock.now(), |terms| {
                terms.id = PermitId::new(ISSUER, &number).unwrap();
            });
        permit.unwrap()
    }

    /// The exact table, computed anew.
    async fn exact(&mut self) -> Table {
        let researcher = self.researcher.clone().with_permit(self.fresh_permit());
        let request = researcher.asks(Asked::Query(query()));
        let table = researcher.run(request, |_| ()).await.unwrap();
        let rows = table.rows.iter().map(|row| {
            let count = |at: usize| match row.values[at].value {
                Some(Shown::Count(count)) => count,
                _ => panic!("an exact count, not {:?}", row.values[at]),
            };
            let key = row.values[..2].iter();
            let key = key.map(|value| value.value.as_ref().map(|_| told(value)));
            let cell = innsyn_sim::truth::pooled::Counted {
                registrations: count(2),
                persons: count(2),
                persons_in_largest: count(2),
                events: count(3),
            };
            (key.collect(), cell)
        });
        rows.collect()
    }

    /// What whoever holds `permit` sees of a run. When a table left first is no news.
    async fn seen(&self, permit: &str) -> Seen {
        let researcher = self.researcher.clone().with_permit(permit.to_owned());
        let request = researcher.asks(Asked::Query(query()));
        match researcher.run(request, |_| ()).await {
            Ok(table) => Seen::Table(
                wire::ReleasedTable {
                    released_at: 0,
                    receipts: told_of_the_excluded(&table),
                    ..table
                }
                .encode_to_vec(),
            ),
            Err(status) => Seen::Refused(status.code(), status.message().to_owned()),
        }
    }

    /// What a new count says of those who are left out.
    async fn receipts(&mut self) -> Vec<wire::Receipt> {
        let researcher = self.researcher.clone().with_permit(self.fresh_permit());
        let request = researcher.asks(Asked::Query(query()));
        let table = researcher.run(request, |_| ()).await.unwrap();
        assert!(!table.is_earlier);
        told_of_the_excluded(&table)
    }

    /// People of whom `choose` says yes, given whether the register counts them.
    fn person(&self, mut choose: impl FnMut(&Person, bool) -> bool) -> Person {
        let country = &self.fleet.world.country;
        let register = RegisterId::parse(REGISTER).unwrap();
        let place = country.registers.iter().position(|r| *r.id() == register);
        let people = (0..country.population.everyone()).filter_map(|number| country.person(number));
        let mut people = people.filter(|person| {
            let records = country.records_of(person.number);
            let mut here = records.iter().filter(|r| Some(r.register) == place);
            let is_counted = here.any(|r| r.status == Status::Registered && r.settings.is_empty());
            choose(person, is_counted)
        });
        people.next().unwrap()
    }
}

/// Everybody in `table`.
fn persons_in(table: &Table) -> u64 {
    table.values().map(|cell| cell.persons).sum()
}

fn key_of(person: &Person) -> Vec<Option<String>> {
    let sex = match person.sex {
        Sex::Female => "female",
        Sex::Male => "male",
    };
    let county = person.municipality.number.get(..2).unwrap();
    vec![Some(sex.to_owned()), Some(county.to_owned())]
}

#[tokio::test]
async fn a_reservation_takes_exactly_that_person_out_of_a_count_and_its_reversal_puts_them_back() {
    let mut story = Story::begin(Some(EXACT)).await;
    let before = story.exact().await;
    assert_eq!(before, story.truth(), "exact, and true");
    let settings = story.settings.clone();
    // Somebody who has diagnoses: their reservation changes the truth.
    let mut candidates = Vec::new();
    story.person(|person, is_counted| {
        if is_counted && before.contains_key(&key_of(person)) {
            candidates.push(*person);
        }
        candidates.len() == 20
    });
    let reserved = |person: &Person| {
        format!(
            "{},reservation,research,2020-01-01,\n",
            person.id.expose_str()
        )
    };
    let person = candidates.into_iter().find(|person| {
        fs::write(
            story.settings_file(),
            format!("{settings}{}", reserved(person)),
        )
        .unwrap();
        persons_in(&story.truth()) + 1 == persons_in(&before)
    });
    let person = person.expect("somebody with a diagnosis");

    story
        .record(&person, Some("reservation,research,2020-01-01,"))
        .await;
    let without = story.exact().await;
    assert_eq!(without, story.truth());
    assert_eq!(persons_in(&without) + 1, persons_in(&before));
    let changed: Vec<_> = before
        .iter()
        .filter(|(key, cell)| without.get(*key) != Some(cell))
        .collect();
    assert_eq!(changed.len(), 1, "nobody else's cell");
    assert_eq!(*changed[0].0, key_of(&person));

    // Reversed, and then as if it had never been.
    story
        .record(&person, Some("reservation,research,2020-01-01,2021-01-01"))
        .await;
    assert_eq!(story.exact().await, before);
    story.record(&person, None).await;
    assert_eq!(story.exact().await, before);
}

/// What the receipts say of those who are left out; the rest of them names permit and time.
fn told_of_the_excluded(table: &wire::ReleasedTable) -> Vec<wire::Receipt> {
    assert!(!table.receipts.is_empty());
    let receipts = table.receipts.iter().map(|receipt| {
        let line = |line: &&str| line.starts_with("persons-excluded-about");
        let text = receipt.text.lines().find(line).unwrap().to_owned();
        wire::Receipt {
            register_id: receipt.register_id.clone(),
            text,
            ..wire::Receipt::default()
        }
    });
    receipts.collect()
}

/// Whoever holds a permit sees the same, whether a person of the register reserves themself or
/// somebody who is not in it: before, while it stands, and after its reversal.
#[tokio::test]
async fn nobody_who_may_only_see_released_tables_sees_a_reservation() {
    let mut story = Story::begin(None).await;
    let exact = story.truth();
    // Of somebody whose cell would be rounded otherwise without them.
    let shows = |person: &Person| {
        let persons = exact.get(&key_of(person)).map_or(0, |cell| cell.persons);
        persons > 5 && persons % 5 == 3
    };
    let everybody = story.persons().await.unwrap();
    let mut candidates = Vec::new();
    story.person(|person, is_counted| {
        if is_counted && shows(person) {
            candidates.push(*person);
        }
        candidates.len() == 20
    });
    let mut someone = None;
    for candidate in candidates {
        story
            .record(&candidate, Some("reservation,research,2020-01-01,"))
            .await;
        let counted = story.persons().await.unwrap();
        story.record(&candidate, None).await;
        if counted + 1 == everybody {
            someone = Some(candidate);
            break;
        }
    }
    let someone = someone.expect("somebody with a diagnosis");
    let nobody = story.person(|_, is_counted| !is_counted);

    let mut stories = Vec::new();
    let before = story.receipts().await;
    for person in [nobody, someone] {
        let permit = story.fresh_permit();
        let mut seen = vec![story.seen(&permit).await];
        assert!(matches!(seen[0], Seen::Table(_)), "{seen:?}");
        for setting in [
            "reservation,research,2020-01-01,",
            "reservation,research,2020-01-01,2021-01-01",
        ] {
            story.record(&person, Some(setting)).await;
            seen.push(story.seen(&permit).await);
            // That is the earlier table. Nor does a new count tell that somebody more is left out.
            assert_eq!(story.receipts().await, before);
        }
        story.record(&person, None).await;
        stories.push(seen);
    }
    assert_eq!(stories[0], stories[1]);
}

/// Says `active` of the opt-out for `person`, and waits until the register has it.
async fn opt_out(story: &Story, person: &Person, active: bool, id: u8) {
    let world = &story.fleet.world;
    let country = &world.country;
    let asking = country.asking(person.number, Role::Oneself, None, SystemClock.now());
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking.unwrap(), SystemClock.now(), &mut random);
    let question = question.unwrap();
    let caller = story.fleet.caller().await;
    let saying = Saying {
        definition: OPT_OUT,
        active,
        id: [id; 16],
        proof: None,
    };
    until("the opt-out is taken", async || {
        caller.change_setting(&question, saying).await.is_ok()
    })
    .await;
    until("the opt-out is in effect", async || {
        let listed = caller.settings(&question).await.unwrap();
        let mut settings = listed.settings.iter();
        settings.any(|it| it.active == active && it.effective_at == 1)
    })
    .await;
}

#[tokio::test]
async fn promise_5_who_opts_out_is_not_in_the_next_count_and_silence_of_the_gateway_means_no() {
    let spec = WorldSpec {
        settings: true,
        ..spec(600, 21)
    };
    let mut story = Story::begin_in(&spec, Some(EXACT)).await;
    let ends = tokio::time::Instant::now() + super::fleet::LONG;
    let before = loop {
        if let Some(persons) = story.persons().await {
            break persons;
        }
        assert!(tokio::time::Instant::now() < ends, "nothing is counted");
    };
    // Among those who are registered, some have no diagnosis: they change nothing.
    let mut candidates = Vec::new();
    story.person(|person, is_counted| {
        if is_counted && person.number < 400 {
            candidates.push(*person);
        }
        candidates.len() == 12
    });
    let mut opted_out = None;
    for (id, person) in (1..).zip(candidates) {
        opt_out(&story, &person, true, id).await;
        let persons = story.persons().await.unwrap();
        if persons + 1 == before {
            opted_out = Some(person);
            break;
        }
        assert_eq!(persons, before, "nobody else is left out");
    }
    let person = opted_out.expect("somebody with a diagnosis");
    opt_out(&story, &person, false, 200).await;
    assert_eq!(story.persons().await, Some(before), "taken back");

    // Nobody tells the agent any more that it has everything.
    story.fleet.kill_gateway().await;
    let ends = tokio::time::Instant::now() + super::fleet::LONG;
    while story.persons().await.is_some() {
        assert!(tokio::time::Instant::now() < ends, "it still counts");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
