//! Random registers and random questions, from a seed.

use innsyn_proto::wire::research::v1 as wire;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use wire::measure::Measure as M;
use wire::{Expression, Operator, Period, Pick, Query};

use super::super::PersonSet;
use super::world::{
    Row, Value, World, all, any, by_bands, by_code, by_date, by_period, code, codes, compare,
    dates, day, events, events_view, measure, month, not, persons_view, query, row, rows, whole,
};

/// Where random things come from.
#[derive(Debug)]
pub(super) struct Random(StdRng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub(super) fn below(&mut self, most: u32) -> u32 {
        self.0.random_range(0..most)
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(u32::try_from(list.len()).unwrap()) as usize]
    }

    fn whole(&mut self, from: i64, until: i64) -> i64 {
        self.0.random_range(from..until)
    }

    fn day(&mut self, from: i16, until: i16) -> Value {
        let year = self.0.random_range(from..until);
        let month = self.0.random_range(1..=12);
        // Few days, so that there are events of one day.
        day(year, month, self.one_of(&[1, 15, 28]))
    }

    /// Whose a row is; seldom nobody's.
    fn owner(&mut self, persons: u32) -> Option<u32> {
        match self.below(30) {
            0 => None,
            1 => Some(persons + self.below(3)),
            _ => Some(self.below(persons)),
        }
    }

    fn persons_row(&mut self, person: Option<u32>) -> Row {
        let weight = f64::from(self.below(500)) / 4.0 + 20.0;
        let mut row = row(
            0,
            &[
                ("sex", code(self.one_of(&["1", "2", "3"]))),
                ("born", Value::Whole(self.whole(1890, 2035))),
                ("weight", Value::Real(weight)),
                ("entered", self.day(2000, 2010)),
                ("died", self.day(2000, 2012)),
                ("left", self.day(2000, 2012)),
            ],
        );
        row.person = person;
        self.forget(&mut row);
        row
    }

    fn events_row(&mut self, person: Option<u32>) -> Row {
        // The same for a person, nearly always.
        let region = match person {
            Some(person) if !self.chance(5) => ["0301", "03", "46", "1103"][person as usize % 4],
            _ => self.one_of(&["0301", "5501"]),
        };
        let born = match person {
            Some(person) if !self.chance(5) => 1930 + i64::from(person % 60),
            _ => self.whole(1900, 2000),
        };
        let icd = self.one_of(&["C50", "C509", "C500", "C61", "I21", "I219", "J", "J45"]);
        let mut row = row(
            0,
            &[
                ("region", code(region)),
                ("date", self.day(1999, 2004)),
                ("icd", code(icd)),
                (
                    "cost",
                    Value::Real(f64::from(self.below(2400)) / 2.0 - 50.0),
                ),
                ("days", Value::Whole(self.whole(-3, 100))),
                ("born", Value::Whole(born)),
            ],
        );
        row.person = person;
        self.forget(&mut row);
        row
    }

    /// Makes some values missing.
    fn forget(&mut self, row: &mut Row) {
        row.values.retain(|_, _| self.below(12) > 0);
    }

    /// A register with the views `persons`, `stays` and `visits`.
    pub(super) fn world(&mut self) -> World {
        let persons = 1 + self.below(40);
        let mut people: Vec<Row> = Vec::new();
        for person in 0..persons {
            if !self.chance(10) {
                people.push(self.persons_row(Some(person)));
            }
        }
        for _ in 0..self.below(5) {
            let owner = self.owner(persons);
            people.push(self.persons_row(owner));
        }
        let mut world = World::of(persons);
        let sizes = self.sizes();
        world = world.with(persons_view(), &people, sizes);
        for name in ["stays", "visits"] {
            let count = self.below(120);
            let rows: Vec<_> = (0..count)
                .map(|_| {
                    let owner = self.owner(persons);
                    self.events_row(owner)
                })
                .collect();
            let sizes = self.sizes();
            world = world.with(events_view(name), &rows, sizes);
        }
        world
    }

    /// Rows in a file and in a row group.
    fn sizes(&mut self) -> (usize, usize) {
        (
            self.one_of(&[1_000, 1_000, 13]),
            self.one_of(&[1_000, 7, 3]),
        )
    }

    pub(super) fn included(&mut self, persons: u32) -> PersonSet {
        let mut included = PersonSet::everybody(persons);
        let percent = self.one_of(&[0, 20, 80]);
        for person in 0..persons {
            if self.chance(percent) {
                included.remove(person);
            }
        }
        included
    }

    /// A question that the engine takes.
    pub(super) fn query(&mut self) -> Query {
        if self.chance(40) {
            self.query_of_persons()
        } else {
            self.query_of_events()
        }
    }

    fn query_of_persons(&mut self) -> Query {
        let mut query = query("persons");
        if self.chance(60) {
            query.population = Some(self.expression(3, &mut Self::persons_leaf));
        }
        for _ in 0..self.below(3) {
            let dimension = match self.below(4) {
                0 => by_code("sex", 0),
                1 => by_bands("born", &[1900, 1950, 1980]),
                2 => by_bands("weight", &[50, 51, 90]),
                _ => by_date("died", self.one_of(&[Period::Year, Period::Quarter])),
            };
            query.dimensions.push(dimension);
        }
        for _ in 0..self.below(4) {
            let one = match self.below(7) {
                6 => M::PersonTime(wire::PersonTime {
                    entry: "entered".to_owned(),
                    event: "died".to_owned(),
                    exit: "left".to_owned(),
                }),
                0 => M::Sum("weight".to_owned()),
                1 => M::Mean("born".to_owned()),
                2 => M::Variance("weight".to_owned()),
                3 => M::Variance("born".to_owned()),
                4 => self.histogram(&[("born", 1940), ("weight", 45)]),
                _ => M::LifeTable(wire::LifeTable {
                    entry: "entered".to_owned(),
                    event: "died".to_owned(),
                    exit: "left".to_owned(),
                    step: self
                        .one_of(&[Period::Year, Period::Quarter, Period::Month])
                        .into(),
                    steps: 1 + self.below(6),
                }),
            };
            query.measures.push(measure(one));
        }
        query
    }

    fn query_of_events(&mut self) -> Query {
        let mut query = query(self.one_of(&["stays", "visits"]));
        let pick = self.one_of(&[Pick::All, Pick::First, Pick::Last]);
        if pick != Pick::All || self.chance(70) {
            let each = self
                .chance(60)
                .then(|| self.expression(3, &mut Self::events_leaf));
            query.rows = rows(pick, each);
        }
        if self.chance(50) {
            query.population = Some(self.expression(3, &mut Self::of_events_persons_leaf));
        }
        if self.chance(40) {
            query.period = self
                .one_of(&[Period::Year, Period::Quarter, Period::Month])
                .into();
            query.dimensions.push(by_period());
        }
        let is_together = pick == Pick::All;
        for _ in 0..self.below(3) {
            let choices = if is_together { 3 } else { 7 };
            let dimension = match self.below(choices) {
                0 => by_code("region", 0),
                1 => by_code("region", 1),
                2 => by_bands("born", &[1940, 1950, 1980]),
                3 => by_code("icd", 1),
                4 => by_code("icd", 2),
                5 => by_bands("cost", &[0, 100]),
                _ => by_date("date", Period::Year),
            };
            query.dimensions.push(dimension);
        }
        for _ in 0..self.below(4) {
            let one = match self.below(6) {
                0 => M::Events(wire::EventCount {}),
                1 => M::Sum("cost".to_owned()),
                2 => M::Mean("born".to_owned()),
                3 => M::Variance("days".to_owned()),
                4 => M::Variance("cost".to_owned()),
                _ if is_together => self.histogram(&[("born", 1930)]),
                _ => self.histogram(&[("born", 1930), ("days", 3)]),
            };
            query.measures.push(measure(one));
        }
        query
    }

    fn histogram(&mut self, choices: &[(&str, i64)]) -> M {
        let (variable, from) = self.one_of(choices);
        M::Histogram(wire::Histogram {
            variable: variable.to_owned(),
            from,
            width: 1 + self.below(20),
            bins: 1 + self.below(5),
        })
    }

    fn expression(
        &mut self,
        depth: u32,
        leaf: &mut dyn FnMut(&mut Self) -> Expression,
    ) -> Expression {
        match self.below(if depth == 0 { 1 } else { 5 }) {
            1 => not(self.expression(depth - 1, leaf)),
            choice @ (2 | 3) => {
                let count = 1 + self.below(3);
                let of = (0..count)
                    .map(|_| self.expression(depth - 1, leaf))
                    .collect();
                if choice == 2 { all(of) } else { any(of) }
            }
            _ => leaf(self),
        }
    }

    fn operator(&mut self) -> Operator {
        self.one_of(&[
            Operator::Less,
            Operator::LessOrEqual,
            Operator::Greater,
            Operator::GreaterOrEqual,
        ])
    }

    fn operator_or_equal(&mut self) -> Operator {
        if self.chance(30) {
            Operator::Equal
        } else {
            self.operator()
        }
    }

    fn window(&mut self, variable: &str) -> Expression {
        let from = month(1999, 1) + i32::try_from(self.below(60)).unwrap();
        let until = from + 1 + i32::try_from(self.below(40)).unwrap();
        match self.below(3) {
            0 => dates(variable, Some(from), None),
            1 => dates(variable, None, Some(until)),
            _ => dates(variable, Some(from), Some(until)),
        }
    }

    fn real(&mut self, variable: &str, most: u32) -> Expression {
        let literal = f64::from(self.below(most)) / 2.0;
        compare(
            variable,
            self.operator(),
            wire::literal::Literal::Real(literal),
        )
    }

    fn persons_leaf(&mut self) -> Expression {
        match self.below(7) {
            0 => codes("sex", &["2", "3"], false),
            1 => compare(
                "sex",
                Operator::Equal,
                wire::literal::Literal::Code("1".to_owned()),
            ),
            2 => whole("born", self.operator_or_equal(), self.whole(1890, 2030)),
            3 => self.real("weight", 260),
            4 => self.window("entered"),
            5 => self.window("died"),
            _ => self.asked(),
        }
    }

    fn of_events_persons_leaf(&mut self) -> Expression {
        match self.below(3) {
            0 => codes("region", &["03"], self.chance(50)),
            1 => whole("born", self.operator_or_equal(), self.whole(1930, 1990)),
            _ => self.asked(),
        }
    }

    fn asked(&mut self) -> Expression {
        let each = self
            .chance(60)
            .then(|| self.expression(1, &mut Self::events_leaf));
        events(self.one_of(&["stays", "visits"]), each, 1 + self.below(4))
    }

    fn events_leaf(&mut self) -> Expression {
        match self.below(5) {
            0 => codes("icd", &["C50", "J"], self.chance(70)),
            1 => whole("days", self.operator_or_equal(), self.whole(0, 90)),
            2 => self.real("cost", 2_000),
            3 => codes("region", &["0301", "46"], false),
            _ => self.window("date"),
        }
    }
}
