//! `DuckDB`, in a process of Python's: a register and questions as JSON in, tables out.

use std::path::Path;
use std::process::Stdio;

use innsyn_agent::engine::{Cell, Key, Part, PartialTable, PersonSet, Snapshot, StoredFile};
use innsyn_proto::wire::research::v1 as wire;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use wire::dimension::Dimension as D;
use wire::expression::Expression as E;
use wire::literal::Literal;
use wire::measure::Measure as M;
use wire::variable::Type;
use wire::{Expression, Operator, Period, Pick, Query};

/// The process.
pub(super) struct DuckDb {
    _process: Child,
    asked: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl DuckDb {
    pub(super) fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut process = Command::new(root.join(".venv/bin/python"))
            .arg(root.join("tests/clients/differential.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Python, with what tests/clients/requirements.txt names");
        let asked = process.stdin.take().unwrap();
        let told = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            _process: process,
            asked,
            told,
        }
    }

    /// From now on it is asked about this register.
    pub(super) async fn open(&mut self, snapshot: &Snapshot) {
        let views = snapshot.views.iter().map(|stored| {
            let view = &stored.description;
            json!({
                "name": view.name,
                "event_date": view.event_date,
                "from_month": view.from_month,
                "until_month": view.until_month,
                "variables": view.variables.iter().map(variable).collect::<Vec<_>>(),
                "files": stored.files.iter().map(StoredFile::path).collect::<Vec<_>>(),
            })
        });
        let views: Vec<_> = views.collect();
        self.tell(&json!({ "views": views })).await;
    }

    /// The table of `query`, and who is in it.
    pub(super) async fn answer(
        &mut self,
        query: &Query,
        persons: &PersonSet,
    ) -> (PartialTable, PersonSet) {
        let included: Vec<_> = persons.iter().collect();
        let told = self
            .tell(&json!({ "query": spoken(query), "included": included }))
            .await;
        let cells = told["cells"].as_array().unwrap().iter();
        let mut cells: Vec<_> = cells.map(|told| cell(query, told)).collect();
        cells.sort_by(|one, other| one.key.cmp(&other.key));
        let mut counted = PersonSet::nobody(persons.persons());
        for person in told["counted"].as_array().unwrap() {
            counted.insert(u32::try_from(person.as_u64().unwrap()).unwrap());
        }
        (PartialTable { cells }, counted)
    }

    async fn tell(&mut self, what: &Value) -> Value {
        let line = format!("{what}\n");
        self.asked.write_all(line.as_bytes()).await.unwrap();
        let line = self.told.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("it ended over {what}"));
        serde_json::from_str(&line).unwrap()
    }
}

fn variable(variable: &wire::Variable) -> Value {
    let mut told = json!({ "name": variable.name, "of_person": variable.of_person });
    match variable.r#type.as_ref().unwrap() {
        Type::Code(code) => {
            told["type"] = json!("code");
            told["levels"] = json!(code.level_characters);
        }
        Type::Number(number) => {
            told["type"] = json!(if number.is_integer { "whole" } else { "real" });
            told["clip_from"] = json!(number.clip_from);
            told["clip_to"] = json!(number.clip_to);
            told["centre"] = json!(number.centre);
        }
        Type::Date(_) => told["type"] = json!("date"),
    }
    told
}

/// A query in words that are not ours.
fn spoken(query: &Query) -> Value {
    let rows = query.rows.as_ref();
    let pick = match rows.map(wire::Rows::pick) {
        None | Some(Pick::All) => "all",
        Some(Pick::First) => "first",
        Some(Pick::Last) => "last",
        Some(Pick::Unspecified) => panic!("nothing is picked"),
    };
    json!({
        "view": query.view,
        "population": query.population.as_ref().map(condition),
        "where": rows.and_then(|rows| rows.r#where.as_ref()).map(condition),
        "pick": pick,
        "period": period(query.period()),
        "dimensions": query.dimensions.iter().map(dimension).collect::<Vec<_>>(),
        "measures": query.measures.iter().map(measure).collect::<Vec<_>>(),
    })
}

fn period(period: Period) -> Option<&'static str> {
    match period {
        Period::Unspecified => None,
        Period::Year => Some("year"),
        Period::Quarter => Some("quarter"),
        Period::Month => Some("month"),
    }
}

fn condition(expression: &Expression) -> Value {
    match expression.expression.as_ref().unwrap() {
        E::All(of) => json!({ "all": of.of.iter().map(condition).collect::<Vec<_>>() }),
        E::Any(of) => json!({ "any": of.of.iter().map(condition).collect::<Vec<_>>() }),
        E::Not(one) => json!({ "not": condition(one) }),
        E::Comparison(one) => {
            let operator = match one.operator() {
                Operator::Equal => "=",
                Operator::Less => "<",
                Operator::LessOrEqual => "<=",
                Operator::Greater => ">",
                Operator::GreaterOrEqual => ">=",
                Operator::Unspecified => panic!("no operator"),
            };
            let literal = match one.literal.as_ref().unwrap().literal.as_ref().unwrap() {
                Literal::Integer(number) => json!(number),
                Literal::Real(number) => json!(number),
                Literal::Code(code) => json!(code),
            };
            json!({ "comparison": {
                "variable": one.variable, "operator": operator, "literal": literal,
            } })
        }
        E::Codes(one) => json!({ "codes": {
            "variable": one.variable, "codes": one.codes,
            "with_descendants": one.with_descendants,
        } }),
        E::Dates(one) => json!({ "dates": {
            "variable": one.variable, "from_month": one.from_month,
            "until_month": one.until_month,
        } }),
        E::Events(one) => json!({ "events": {
            "view": one.view, "where": one.r#where.as_deref().map(condition),
            "at_least": one.at_least,
        } }),
    }
}

fn dimension(dimension: &wire::Dimension) -> Value {
    match dimension.dimension.as_ref().unwrap() {
        D::Code(one) => json!({ "kind": "code", "variable": one.variable, "level": one.level }),
        D::Bands(one) => json!({ "kind": "bands", "variable": one.variable, "begins": one.begins }),
        D::Period(_) => json!({ "kind": "period" }),
        D::Date(one) => json!({
            "kind": "date", "variable": one.variable, "period": period(one.period()),
        }),
    }
}

fn measure(measure: &wire::Measure) -> Value {
    match measure.measure.as_ref().unwrap() {
        M::Persons(_) => json!({ "kind": "persons" }),
        M::Events(_) => json!({ "kind": "events" }),
        M::Sum(variable) => json!({ "kind": "sum", "variable": variable }),
        M::Mean(variable) => json!({ "kind": "mean", "variable": variable }),
        M::Variance(variable) => json!({ "kind": "variance", "variable": variable }),
        M::Histogram(one) => json!({
            "kind": "histogram", "variable": one.variable, "from": one.from,
            "width": one.width, "bins": one.bins,
        }),
        M::PersonTime(one) => json!({
            "kind": "person_time", "entry": one.entry, "event": one.event, "exit": one.exit,
        }),
        M::LifeTable(one) => json!({
            "kind": "life_table", "entry": one.entry, "event": one.event, "exit": one.exit,
            "step": period(one.step()), "steps": one.steps,
        }),
    }
}

fn cell(query: &Query, told: &Value) -> Cell {
    let keys = told["key"].as_array().unwrap().iter();
    let measures = told["measures"].as_array().unwrap().iter();
    Cell {
        key: keys
            .zip(&query.dimensions)
            .map(|(told, one)| key(one.dimension.as_ref().unwrap(), told))
            .collect(),
        persons: told["persons"].as_u64().unwrap(),
        events: told["events"].as_u64().unwrap(),
        measures: measures
            .zip(&query.measures)
            .map(|(told, one)| part(one.measure.as_ref().unwrap(), told))
            .collect(),
    }
}

fn key(dimension: &D, told: &Value) -> Key {
    match (dimension, told) {
        (_, Value::Null) => Key::Missing,
        (D::Code(_), told) => Key::Code(told.as_str().unwrap().to_owned()),
        (D::Bands(_), told) => Key::Band(u32::try_from(told.as_u64().unwrap()).unwrap()),
        (_, told) => Key::Period(i32::try_from(told.as_i64().unwrap()).unwrap()),
    }
}

fn part(measure: &M, told: &Value) -> Part {
    let count = |at: usize| told[at].as_u64().unwrap();
    let counts = |from: usize, until: usize| (from..until).map(count).collect::<Vec<_>>();
    match measure {
        M::Persons(_) | M::Events(_) => Part::Counted,
        M::Sum(_) | M::Mean(_) | M::Variance(_) | M::PersonTime(_) => Part::Moments {
            values: count(0),
            sum: told[1].as_f64().unwrap(),
            squares: matches!(measure, M::Variance(_)).then(|| told[2].as_f64().unwrap()),
        },
        M::Histogram(one) => Part::Histogram(counts(0, one.bins as usize)),
        M::LifeTable(one) => {
            let steps = one.steps as usize;
            Part::LifeTable {
                events: counts(0, steps),
                left: counts(steps, 2 * steps),
                beyond: count(2 * steps),
            }
        }
    }
}
