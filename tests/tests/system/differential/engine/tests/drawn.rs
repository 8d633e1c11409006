//! A random register and its questions, as the other engines need them.

use innsyn_proto::wire::research::v1::{Query, View};
use tokio_util::sync::CancellationToken;

use super::super::{Answer, Included, PersonSet, SCAN_BYTES, Snapshot, run};
use super::random::Random;
use super::world::{Value, World};

const MEMORY_BYTES: usize = SCAN_BYTES + (64 << 20);

/// A register, and where its questions come from.
pub(in crate::system::differential) struct Drawn {
    random: Random,
    world: World,
}

/// A row: whose it is, and the values of the view's variables as SQL has them.
pub(in crate::system::differential) type SqlRow = (Option<u32>, Vec<String>);

impl Drawn {
    /// A register of at most so many persons, and events in each of two views.
    pub(in crate::system::differential) fn new(seed: u64, persons: u32, events: u32) -> Self {
        let mut random = Random::new(seed);
        let persons = 1 + random.below(persons);
        let world = random.world_of(persons, events);
        Self { random, world }
    }

    pub(in crate::system::differential) fn snapshot(&self) -> &Snapshot {
        &self.world.snapshot
    }

    pub(in crate::system::differential) fn chance(&mut self, percent: u32) -> bool {
        self.random.chance(percent)
    }

    /// A question, and who is included.
    pub(in crate::system::differential) fn question(&mut self) -> (Query, PersonSet) {
        let query = self.random.query();
        (query, self.random.included(self.world.snapshot.persons))
    }

    /// What the engine answers.
    pub(in crate::system::differential) fn answer(
        &self,
        query: &Query,
        persons: &PersonSet,
    ) -> Answer {
        let included = Included::new(persons.clone());
        let cancel = CancellationToken::new();
        let answer = run(query, self.snapshot(), &included, MEMORY_BYTES, &cancel);
        answer.unwrap_or_else(|error| panic!("{error}: {query:#?}"))
    }

    /// The rows of `view`.
    pub(in crate::system::differential) fn rows(&self, view: &View) -> Vec<SqlRow> {
        let rows = self.world.rows[&view.name].iter();
        rows.map(|row| {
            let variables = view.variables.iter();
            let values = variables.map(|variable| sql(row.values.get(variable.name.as_str())));
            (row.person, values.collect())
        })
        .collect()
    }
}

fn sql(value: Option<&Value>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(Value::Code(code)) => format!("'{code}'"),
        Some(Value::Whole(number)) => number.to_string(),
        Some(Value::Real(number)) => format!("{number:?}"),
        Some(Value::Day(day)) => format!("DATE '1970-01-01' + {day}"),
    }
}
