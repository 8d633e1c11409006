//! The country that is attacked: people who have said no, or who were never there, and people who
//! may be counted but of whom there are few.

use std::fs;
use std::path::{Path, PathBuf};

use innsyn_policy::{Clock as _, PermitId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1::run_request::Question as Asked;
use innsyn_sim::permit::ISSUER;
use innsyn_sim::processes::Part;
use innsyn_sim::registers::folder;
use innsyn_sim::researcher::Researcher;
use innsyn_sim::world::World;
use node::category::Category;

#[cfg(feature = "external")]
use super::asking::Adbc;
use super::asking::{Counts, Statement, Told, Way, over_grpc};
use super::planted::{self, OPTED_OUT, Planted};
use crate::system::asked_agents::AskedAgents;
use crate::system::fleet::{Fleet, Prepared, until};
use crate::system::research::spec;

/// The register that is attacked. Its tables of people are CSV, so that a person can be taken out.
pub(super) const REGISTER: &str = "noric";
/// Another one with the same views, in which some of the same persons are.
pub(super) const OTHER: &str = "hjerneslag";

/// What those persons are who must not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opted {
    /// In the register, and reserved.
    Reserved,
    /// Deleted from it.
    Gone,
}

pub(super) struct Attacked {
    pub(super) fleet: Fleet,
    pub(super) researcher: Researcher,
    /// Whom the attacked register was given beside its own.
    pub(super) planted: Vec<Planted>,
    agents: AskedAgents,
    #[cfg(feature = "external")]
    adbc: Adbc,
}

impl Attacked {
    /// Starts it, with the research gateway as `program` where that is not a production one.
    pub(super) async fn start(opted: Opted, program: Option<&'static [&'static str]>) -> Self {
        let prepared =
            Prepared::choosing(&spec(1_000, 31), |id, _| [REGISTER, OTHER].contains(&id));
        let world = &prepared.world;
        let folders = [REGISTER, OTHER].map(|id| folder_of(world, id));
        let planted = planted::plant(
            &world.country,
            (REGISTER, &folders[0]),
            (OTHER, &folders[1]),
        );
        let opted_out = || planted.iter().filter(|one| one.born == OPTED_OUT.0);
        assert_eq!(opted_out().count(), OPTED_OUT.1);
        match opted {
            Opted::Reserved => planted::reserve(&folders[0], opted_out()),
            Opted::Gone => planted::delete(&folders[0], opted_out()),
        }
        look_every_second(&world.agent_config(REGISTER));
        let prepared = match program {
            Some(program) => prepared.researching_with(program),
            None => prepared,
        };
        let fleet = prepared.start().await;
        Self {
            agents: AskedAgents::of(&fleet.world),
            researcher: fleet.researcher().await,
            planted,
            #[cfg(feature = "external")]
            adbc: Adbc::start(&fleet.world),
            fleet,
        }
    }

    /// The folder that the attacked register's agent reads.
    pub(super) fn register(&self) -> PathBuf {
        folder_of(&self.fleet.world, REGISTER)
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
        let permit = self.fresh_permit();
        let sql = format!("SELECT COUNT(*) FROM persons WHERE _register IN ('{REGISTER}')");
        until("the agent answers", async || {
            let statement = Statement {
                sql: &sql,
                permit: &permit,
                ..Statement::default()
            };
            over_grpc(self, &statement).await.is_ok()
        })
        .await;
    }

    /// A permit that nothing has been released under.
    pub(super) fn fresh_permit(&mut self) -> String {
        let number = self.agents.permit_number();
        let permit = self
            .fleet
            .world
            .data_permit_with(SystemClock.now(), |terms| {
                terms.id = PermitId::new(ISSUER, &number).unwrap();
            });
        permit.unwrap()
    }

    /// What whoever sends `sql` under `permit` is told.
    pub(super) async fn told(&mut self, way: Way, permit: &str, sql: &str) -> Told {
        let statement = Statement {
            sql,
            permit,
            ..Statement::default()
        };
        self.send(way, &statement).await
    }

    pub(super) async fn send(&mut self, way: Way, statement: &Statement<'_>) -> Told {
        match way {
            Way::Grpc => over_grpc(self, statement).await,
            #[cfg(feature = "external")]
            Way::FlightSql => self.adbc.told(statement).await,
        }
    }

    /// The exact counts, as the agents tell the gateway: what there is to be learnt.
    pub(super) async fn exact(&mut self, sql: &str) -> Counts {
        self.try_exact(sql).await.unwrap()
    }

    /// The same, of registers that may be making their data ready.
    pub(super) async fn try_exact(&mut self, sql: &str) -> anyhow::Result<Counts> {
        let permit = self.fresh_permit();
        let researcher = self.researcher.clone().with_permit(permit.clone());
        let request = researcher.asks(Asked::Sql(sql.to_owned()));
        let planned = researcher.dry_run(request).await?;
        let mut counts = Counts::new();
        for register in &planned.registers {
            let part = self.agents.part(register, &planned, permit.clone());
            for cell in part.await?.cells {
                let key = cell.key.iter().map(category).collect();
                *counts.entry(key).or_default() += cell.persons;
            }
        }
        Ok(counts)
    }
}

fn category(told: &node::Category) -> String {
    match &told.category {
        Some(Category::Code(code)) => code.clone(),
        Some(Category::Missing(_)) => "missing".to_owned(),
        other => panic!("only codes are attacked, not {other:?}"),
    }
}

fn folder_of(world: &World, register: &str) -> PathBuf {
    folder::of_register(&world.folder.join("country"), register)
}

/// Has the agent of this configuration look at its tables often, for they will change.
fn look_every_second(config: &Path) {
    let text = fs::read_to_string(config).unwrap();
    let often = text.replace("kind = \"folder\"", "kind = \"folder\"\npoll_s = 1");
    assert_ne!(text, often);
    fs::write(config, often).unwrap();
}
