//! The country that is attacked: people who have said no, or who were never there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use innsyn_policy::{Clock as _, PermitId, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::country::Country;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::population::Person;
use innsyn_sim::processes::Part;
use innsyn_sim::registers::{Status, folder};
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::World;
use node::category::Category;
use wire::run_request::Question as Asked;

use crate::system::asked_agents::AskedAgents;
use crate::system::fleet::{Fleet, Prepared};
use crate::system::research::{spec, told};

/// The register that is attacked. Its tables are CSV, so that a person can be taken out.
pub(super) const REGISTER: &str = "noric";
/// Another one with the same views, in which some of the same persons are.
pub(super) const OTHER: &str = "hjerneslag";
/// How many have said no.
const OPTED_OUT: usize = 12;

/// What those persons are who must not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opted {
    /// In the register, and reserved.
    Reserved,
    /// Deleted from it.
    Gone,
}

/// Counts of persons by what a table is divided by; `-` where a value is missing.
pub(super) type Counts = BTreeMap<Vec<String>, u64>;

pub(super) struct Attacked {
    pub(super) fleet: Fleet,
    pub(super) researcher: Researcher,
    /// Somebody who has said no.
    pub(super) victim: Person,
    agents: AskedAgents,
}

/// What a researcher is told of a table: the counts that are shown; nothing where it is refused.
pub(super) type Seen = Option<Counts>;

impl Attacked {
    pub(super) async fn start(opted: Opted, program: Option<&'static [&'static str]>) -> Self {
        let prepared =
            Prepared::choosing(&spec(4_000, 31), |id, _| [REGISTER, OTHER].contains(&id));
        let people = opted_out(&prepared.world.country);
        let victim = people[0];
        let country = prepared.world.folder.join("country");
        opt_out(&folder::of_register(&country, REGISTER), &people, opted);
        let prepared = match program {
            Some(program) => prepared.researching_with(program),
            None => prepared,
        };
        let fleet = prepared.start().await;
        Self {
            agents: AskedAgents::of(&fleet.world),
            researcher: fleet.researcher().await,
            victim,
            fleet,
        }
    }

    /// Has the register's agent count everybody, whatever they have said.
    pub(super) async fn count_everybody(&mut self) {
        self.fleet.kill(REGISTER).await;
        let world: &World = &self.fleet.world;
        let config = world.agent_config(REGISTER);
        let args = ["everybody-agent", "--config", &config.to_string_lossy()];
        let log = world.agent_folder(REGISTER).join("log.txt");
        let program = Path::new(env!("CARGO_BIN_EXE_innsyn-world"));
        let agent = Part::start("agent of everybody", program, &args, &log).unwrap();
        self.fleet.insert(REGISTER, agent);
        let query = wire::Query {
            registers: vec![REGISTER.to_owned()],
            ..crate::system::research::persons_by_sex(&[])
        };
        let ends = tokio::time::Instant::now() + crate::system::fleet::LONG;
        while self.seen(&query, &self.researcher).await.is_none() {
            assert!(
                tokio::time::Instant::now() < ends,
                "the agent does not answer"
            );
        }
    }

    /// A researcher with a permit that nothing has been released under.
    pub(super) fn with_fresh_permit(&mut self) -> Researcher {
        let number = self.agents.permit_number();
        let permit = self.permit(&number);
        self.researcher.clone().with_permit(permit)
    }

    pub(super) fn permit(&self, number: &str) -> String {
        let permit = self
            .fleet
            .world
            .data_permit_with(SystemClock.now(), |terms| {
                terms.id = PermitId::new(ISSUER, number).unwrap();
            });
        permit.unwrap()
    }

    /// What `researcher` sees of `query`, whose first measure is persons.
    pub(super) async fn seen(&self, query: &wire::Query, researcher: &Researcher) -> Seen {
        let request = wire::RunRequest {
            must_be_complete: true,
            ..researcher.asks(Asked::Query(query.clone()))
        };
        let table = researcher.run(request, |_| ()).await.ok()?;
        let dimensions = query.dimensions.len();
        let rows = table.rows.iter().filter_map(|row| {
            let (key, values) = row.values.split_at(dimensions);
            let count = told(&values[0]).parse().ok()?;
            Some((key.iter().map(plain).collect(), count))
        });
        Some(rows.collect())
    }

    /// The exact counts, as the agents tell the gateway: what there is to be learnt.
    pub(super) async fn exact(&mut self, query: &wire::Query) -> Counts {
        let request = self.researcher.asks(Asked::Query(query.clone()));
        let planned = self.researcher.dry_run(request).await.unwrap();
        let mut counts = Counts::new();
        for register in &planned.registers {
            let number = self.agents.permit_number();
            let permit = self.permit(&number);
            let part = self.agents.part(register, &planned, permit).await.unwrap();
            for cell in part.cells {
                let key = cell.key.iter().map(category).collect();
                *counts.entry(key).or_default() += cell.persons;
            }
        }
        counts
    }
}

fn plain(value: &wire::Value) -> String {
    match value.value {
        None => "-".to_owned(),
        Some(_) => told(value),
    }
}

fn category(told: &node::Category) -> String {
    match &told.category {
        Some(Category::Code(code)) => code.clone(),
        Some(Category::Missing(_)) => "-".to_owned(),
        other => panic!("only codes are attacked, not {other:?}"),
    }
}

/// People who are in the register and have no setting there: they will say no.
fn opted_out(country: &Country) -> Vec<Person> {
    let register = RegisterId::parse(REGISTER).unwrap();
    let place = country.registers.iter().position(|r| *r.id() == register);
    let people = (0..country.population.living()).filter(|number| {
        let records = country.records_of(*number);
        records.iter().any(|record| {
            Some(record.register) == place
                && record.status == Status::Registered
                && record.settings.is_empty()
        })
    });
    let people = people.filter_map(|number| country.person(number));
    let people: Vec<Person> = people.take(OPTED_OUT).collect();
    assert_eq!(people.len(), OPTED_OUT);
    people
}

/// Rewrites the register's files so that `people` have opted out, or are not in it.
fn opt_out(register: &Path, people: &[Person], opted: Opted) {
    let ids: Vec<&str> = people.iter().map(|person| person.id.expose_str()).collect();
    match opted {
        Opted::Reserved => {
            let path = register.join("innstillinger.csv");
            let settings = fs::read_to_string(&path).unwrap();
            let rows = ids
                .iter()
                .map(|id| format!("{id},reservation,research,2020-01-01,\n"));
            fs::write(path, settings + &rows.collect::<String>()).unwrap();
        }
        Opted::Gone => {
            let path = register.join("personer.csv");
            let persons = fs::read_to_string(&path).unwrap();
            let lines = persons.lines().map(|line| {
                if ids.iter().any(|id| line.starts_with(id)) {
                    line.replace("aktiv", "slettet")
                } else {
                    line.to_owned()
                }
            });
            let lines: Vec<String> = lines.collect();
            fs::write(path, lines.join("\n") + "\n").unwrap();
        }
    }
}
