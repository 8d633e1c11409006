//! The same answers the slow way: row by row, in maps, with nothing shared with the engine but
//! the types of the question and the answer.

#![expect(clippy::cast_precision_loss, reason = "small numbers")]

use std::cmp::Ordering;
use std::collections::BTreeMap;

use innsyn_proto::wire::research::v1 as wire;
use jiff::civil::date;
use wire::dimension::Dimension as D;
use wire::expression::Expression as E;
use wire::literal::Literal;
use wire::measure::Measure as M;
use wire::variable::Type;
use wire::{Expression, Grain, Operator, Period, Pick, Query, View};

use super::super::{Cell, Key, Part, PartialTable, PersonSet};
use super::world::{Row, Value, World};

/// The table of `query`, and who is in it.
pub(super) fn evaluate(
    world: &World,
    query: &Query,
    included: &PersonSet,
) -> (PartialTable, PersonSet) {
    let view = world.view(&query.view);
    let pick = query.rows.as_ref().map(wire::Rows::pick);
    let mut groups: BTreeMap<(u32, i32), Vec<&Row>> = BTreeMap::new();
    for (person, row) in published(world, view, included) {
        let is_in = |one: &Expression| holds(world, included, person, row, one);
        let each = query.rows.as_ref().and_then(|rows| rows.r#where.as_ref());
        if query.population.as_ref().is_none_or(is_in) && each.is_none_or(is_in) {
            let period = match query.period() {
                Period::Unspecified => 0,
                period => start(month_of(row, &view.event_date).unwrap(), period),
            };
            groups.entry((person, period)).or_default().push(row);
        }
    }

    let is_together = view.grain() == Grain::Event && pick.is_none_or(|pick| pick == Pick::All);
    let mut cells: BTreeMap<Vec<Key>, Cell> = BTreeMap::new();
    let mut counted = PersonSet::nobody(included.persons());
    for ((person, period), rows) in &groups {
        counted.insert(*person);
        let own = if is_together {
            let of_person = groups.iter().filter(|((one, _), _)| one == person);
            least(view, of_person.flat_map(|(_, rows)| rows))
        } else {
            let order = |one: &&&Row, other: &&&Row| order(view, query, one, other);
            let best = match pick {
                Some(Pick::Last) => rows.iter().max_by(order),
                _ => rows.iter().min_by(order),
            };
            best.unwrap().values.clone()
        };
        let events = if is_together { rows.len() } else { 1 };
        let key: Vec<Key> = query
            .dimensions
            .iter()
            .map(|one| key(view, one.dimension.as_ref().unwrap(), &own, *period))
            .collect();
        let cell = cells.entry(key.clone()).or_insert_with(|| Cell {
            key,
            persons: 0,
            events: 0,
            measures: query.measures.iter().map(nothing).collect(),
        });
        cell.persons += 1;
        cell.events += events as u64;
        for (part, one) in cell.measures.iter_mut().zip(&query.measures) {
            count(
                view,
                one.measure.as_ref().unwrap(),
                part,
                &own,
                rows,
                is_together,
            );
        }
    }
    let table = PartialTable {
        cells: cells.into_values().collect(),
    };
    (table, counted)
}

type Own = BTreeMap<&'static str, Value>;

/// The rows of included persons, with dates that the view covers.
fn published<'a>(
    world: &'a World,
    view: &'a View,
    included: &'a PersonSet,
) -> impl Iterator<Item = (u32, &'a Row)> {
    world.rows[&view.name].iter().filter_map(move |row| {
        let person = row.person.filter(|person| included.contains(*person))?;
        if view.grain() == Grain::Event {
            let month = month_of(row, &view.event_date)?;
            (view.from_month..view.until_month)
                .contains(&month)
                .then_some(())?;
        }
        Some((person, row))
    })
}

fn day_of(values: &Own, name: &str) -> Option<i32> {
    match values.get(name) {
        Some(Value::Day(day)) => Some(*day),
        _ => None,
    }
}

fn month(values: &Own, name: &str) -> Option<i32> {
    let day = day_of(values, name)?;
    let day = date(1970, 1, 1) + jiff::Span::new().days(day);
    Some((i32::from(day.year()) - 1970) * 12 + i32::from(day.month()) - 1)
}

fn month_of(row: &Row, name: &str) -> Option<i32> {
    month(&row.values, name)
}

fn length(period: Period) -> i32 {
    match period {
        Period::Year => 12,
        Period::Quarter => 3,
        Period::Month => 1,
        Period::Unspecified => panic!("no period"),
    }
}

/// The first month of the period that `month` is in.
fn start(month: i32, period: Period) -> i32 {
    month - month.rem_euclid(length(period))
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Whole(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        _ => None,
    }
}

fn holds(
    world: &World,
    included: &PersonSet,
    person: u32,
    row: &Row,
    expression: &Expression,
) -> bool {
    let inner = |one: &Expression| holds(world, included, person, row, one);
    match expression.expression.as_ref().unwrap() {
        E::All(of) => of.of.iter().all(inner),
        E::Any(of) => of.of.iter().any(inner),
        E::Not(one) => !inner(one),
        E::Comparison(one) => {
            let value = row.values.get(one.variable.as_str());
            let literal = one.literal.as_ref().unwrap().literal.as_ref().unwrap();
            let order = match (literal, value) {
                (Literal::Code(literal), Some(Value::Code(code))) => Some(code.cmp(literal)),
                (Literal::Integer(literal), Some(Value::Whole(value))) => Some(value.cmp(literal)),
                (Literal::Real(literal), Some(Value::Real(value))) => value.partial_cmp(literal),
                _ => None,
            };
            order.is_some_and(|order| match one.operator() {
                Operator::Equal => order == Ordering::Equal,
                Operator::Less => order == Ordering::Less,
                Operator::LessOrEqual => order != Ordering::Greater,
                Operator::Greater => order == Ordering::Greater,
                Operator::GreaterOrEqual => order != Ordering::Less,
                Operator::Unspecified => panic!("no operator"),
            })
        }
        E::Codes(one) => match row.values.get(one.variable.as_str()) {
            Some(Value::Code(code)) => one.codes.iter().any(|wanted| {
                code == wanted || (one.with_descendants && code.starts_with(wanted.as_str()))
            }),
            _ => false,
        },
        E::Dates(one) => month_of(row, &one.variable).is_some_and(|month| {
            one.from_month.is_none_or(|from| from <= month)
                && one.until_month.is_none_or(|until| month < until)
        }),
        E::Events(one) => {
            let rows = published(world, world.view(&one.view), included);
            let theirs = rows.filter(|(other, _)| *other == person);
            let meeting = theirs.filter(|(_, row)| {
                let each = one.r#where.as_ref();
                each.is_none_or(|each| holds(world, included, person, row, each))
            });
            meeting.count() >= one.at_least as usize
        }
    }
}

/// The names of the variables that a row is asked for.
fn asked_for(query: &Query) -> Vec<&str> {
    let mut names = Vec::new();
    for one in &query.dimensions {
        match one.dimension.as_ref().unwrap() {
            D::Code(one) => names.push(one.variable.as_str()),
            D::Bands(one) => names.push(&one.variable),
            D::Date(one) => names.push(&one.variable),
            D::Period(_) => {}
        }
    }
    for one in &query.measures {
        match one.measure.as_ref().unwrap() {
            M::Persons(_) | M::Events(_) => {}
            M::Sum(name) | M::Mean(name) | M::Variance(name) => names.push(name),
            M::Histogram(one) => names.push(&one.variable),
            M::LifeTable(one) => names.extend([&*one.entry, &*one.event, &*one.exit]),
            M::PersonTime(one) => names.extend([&*one.entry, &*one.event, &*one.exit]),
        }
    }
    names
}

/// By day, then by the values asked for in the order of the catalogue.
fn order(view: &View, query: &Query, one: &Row, other: &Row) -> Ordering {
    let by_day =
        day_of(&one.values, &view.event_date).cmp(&day_of(&other.values, &view.event_date));
    let asked = asked_for(query);
    let names = view.variables.iter().map(|variable| variable.name.as_str());
    names
        .filter(|name| asked.contains(name))
        .fold(by_day, |order, name| {
            order.then_with(|| compare(&one.values, &other.values, name))
        })
}

fn compare(one: &Own, other: &Own, name: &str) -> Ordering {
    match (one.get(name), other.get(name)) {
        (Some(Value::Code(one)), Some(Value::Code(other))) => one.cmp(other),
        (Some(Value::Day(_)), Some(Value::Day(_))) => month(one, name).cmp(&month(other, name)),
        (one, other) => number(one).partial_cmp(&number(other)).map_or_else(
            || panic!("numbers that do not compare"),
            |order| order.then(one.is_some().cmp(&other.is_some())),
        ),
    }
}

/// Of each variable of the person the least value.
fn least<'a>(view: &View, rows: impl Iterator<Item = &'a &'a Row>) -> Own {
    let mut own = Own::new();
    for row in rows {
        for (name, value) in &row.values {
            let is_of_person = |one: &wire::Variable| one.name == *name && one.of_person;
            if view.variables.iter().any(is_of_person)
                && (!own.contains_key(name) || compare(&row.values, &own, name).is_lt())
            {
                own.insert(name, value.clone());
            }
        }
    }
    own
}

fn key(view: &View, dimension: &D, own: &Own, period: i32) -> Key {
    match dimension {
        D::Period(_) => Key::Period(period),
        D::Code(level) => {
            let variable = view.variables.iter().find(|one| one.name == level.variable);
            let Some(Type::Code(code)) = &variable.unwrap().r#type else {
                panic!("not a code");
            };
            let most = match level.level {
                0 => usize::MAX,
                level => code.level_characters[level as usize - 1] as usize,
            };
            match own.get(level.variable.as_str()) {
                Some(Value::Code(code)) => Key::Code(code.chars().take(most).collect()),
                _ => Key::Missing,
            }
        }
        D::Bands(bands) => {
            number(own.get(bands.variable.as_str())).map_or(Key::Missing, |number| {
                let below = bands.begins.iter().filter(|begin| **begin as f64 <= number);
                Key::Band(u32::try_from(below.count()).unwrap())
            })
        }
        D::Date(date) => {
            let start = |month| Key::Period(start(month, date.period()));
            month(own, &date.variable).map_or(Key::Missing, start)
        }
    }
}

fn nothing(measure: &wire::Measure) -> Part {
    match measure.measure.as_ref().unwrap() {
        M::Persons(_) | M::Events(_) => Part::Counted,
        one @ (M::Sum(_) | M::Mean(_) | M::Variance(_) | M::PersonTime(_)) => Part::Moments {
            values: 0,
            sum: 0.0,
            squares: matches!(one, M::Variance(_)).then_some(0.0),
        },
        M::Histogram(one) => Part::Histogram(vec![0; one.bins as usize]),
        M::LifeTable(one) => Part::LifeTable {
            events: vec![0; one.steps as usize],
            left: vec![0; one.steps as usize],
            beyond: 0,
        },
    }
}

fn count(view: &View, measure: &M, part: &mut Part, own: &Own, rows: &[&Row], is_together: bool) {
    match (measure, part) {
        (
            M::Sum(name) | M::Mean(name) | M::Variance(name),
            Part::Moments {
                values,
                sum,
                squares,
            },
        ) => {
            let variable = view.variables.iter().find(|one| one.name == *name).unwrap();
            let Some(Type::Number(published)) = &variable.r#type else {
                panic!("not a number");
            };
            let numbers: Vec<_> = if is_together && !variable.of_person {
                let rows = rows.iter();
                rows.filter_map(|row| number(row.values.get(name.as_str())))
                    .collect()
            } else {
                number(own.get(name.as_str())).into_iter().collect()
            };
            for number in numbers {
                let (from, to) = (published.clip_from.unwrap(), published.clip_to.unwrap());
                let difference = number.max(from).min(to) - published.centre;
                *values += 1;
                *sum += difference;
                if let Some(squares) = squares {
                    *squares += difference * difference;
                }
            }
        }
        (M::Histogram(one), Part::Histogram(bins)) => {
            if let Some(number) = number(own.get(one.variable.as_str())) {
                let mut bin = 0;
                while bin + 1 < one.bins as usize
                    && number >= one.from as f64 + f64::from(one.width) * (bin + 1) as f64
                {
                    bin += 1;
                }
                bins[bin] += 1;
            }
        }
        (M::PersonTime(one), Part::Moments { values, sum, .. }) => {
            let Some(entry) = month(own, &one.entry) else {
                return;
            };
            let end = match (month(own, &one.event), month(own, &one.exit)) {
                (Some(event), Some(exit)) => event.min(exit),
                (Some(end), None) | (None, Some(end)) => end,
                (None, None) => view.until_month - 1,
            };
            if end >= entry {
                *values += 1;
                *sum += f64::from((end - entry).min(view.until_month - view.from_month));
            }
        }
        (
            M::LifeTable(one),
            Part::LifeTable {
                events,
                left,
                beyond,
            },
        ) => {
            let Some(entry) = month(own, &one.entry) else {
                return;
            };
            let (event, exit) = (month(own, &one.event), month(own, &one.exit));
            let (end, steps) = match (event, exit) {
                (Some(event), None) => (event, events),
                (Some(event), Some(exit)) if event <= exit => (event, events),
                (_, Some(exit)) => (exit, left),
                (None, None) => (view.until_month - 1, left),
            };
            if end >= entry {
                match steps.get_mut(usize::try_from((end - entry) / length(one.step())).unwrap()) {
                    Some(count) => *count += 1,
                    None => *beyond += 1,
                }
            }
        }
        _ => {}
    }
}
