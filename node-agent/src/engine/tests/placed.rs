//! Which cell each person is in, and that it is what the table says.

use std::collections::BTreeMap;

use innsyn_proto::wire::research::v1 as wire;
use wire::measure::Measure as M;
use wire::{Period, Query};

use super::super::{Answer, Key, Part};
use super::world::{
    Value, World, by_code, by_period, code, day, events_view, measure, persons_view, query, row,
};

/// The table's own counts of persons, each by the key that whoever is counted there is placed at.
fn divided(answer: &Answer) -> BTreeMap<Vec<Key>, u64> {
    let mut counts = BTreeMap::new();
    for cell in &answer.table.cells {
        let mut keys = vec![(cell.key.clone(), cell.persons)];
        for part in &cell.measures {
            let bins = match part {
                Part::Counted | Part::Moments { .. } => continue,
                Part::Histogram(bins) => bins.clone(),
                Part::LifeTable {
                    events,
                    left,
                    beyond,
                } => {
                    let steps = events.iter().zip(left);
                    let steps = steps.flat_map(|(event, left)| [*event, *left]);
                    steps.chain([*beyond]).collect()
                }
            };
            // Of two histograms the table does not say who is in which bin of both.
            let [(key, persons)] = keys.as_slice() else {
                return BTreeMap::new();
            };
            let elsewhere = persons - bins.iter().sum::<u64>();
            let bins = (0..).map(Key::Band).zip(bins);
            keys = bins
                .chain([(Key::Missing, elsewhere)])
                .map(|(bin, persons)| ([key.as_slice(), &[bin]].concat(), persons))
                .collect();
        }
        counts.extend(keys.into_iter().filter(|(_, persons)| *persons > 0));
    }
    counts
}

/// Fails where `answer` places persons otherwise than it counts them.
pub(super) fn fits(answer: &Answer) {
    let placed = &answer.placed;
    assert!(placed.cells.is_sorted_by(|one, next| one < next));
    let sizes = placed.cells.iter().cloned().zip(placed.sizes());
    let sizes: BTreeMap<_, _> = sizes.collect();
    let counts = divided(answer);
    if !counts.is_empty() {
        assert_eq!(sizes, counts);
    }
    let persons: Vec<u32> = answer.counted.iter().collect();
    let by_person = placed.by_person(answer.counted.iter());
    let by_person: Vec<_> = by_person.collect();
    assert!(by_person.iter().map(|(person, _)| *person).eq(persons));
    // Everybody has a row, and no row is left over.
    assert!(by_person.iter().all(|(_, rows)| !rows.is_empty()));
    let rows: usize = by_person.iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!(rows, placed.rows.len());
}

#[test]
fn a_person_is_placed_once_in_each_period() {
    let stay = |person, year| row(person, &[("date", day(year, 1, 1)), ("region", code("03"))]);
    let rows = [
        stay(0, 2000),
        stay(0, 2001),
        stay(0, 2001),
        stay(2, 2001),
        stay(3, 2000),
    ];
    let world = World::of(5).with(events_view("stays"), &rows, (9, 9));
    let query = Query {
        period: Period::Year.into(),
        dimensions: vec![by_period()],
        ..query("stays")
    };

    let answer = world.run(&query).unwrap();

    fits(&answer);
    assert_eq!(answer.placed.cells.len(), 2);
    assert_eq!(answer.placed.rows, [0, 1, 1, 0]);
    assert_eq!(answer.placed.rows_each, [2, 1, 1]);
}

#[test]
fn bins_are_cells_of_their_own() {
    let born = |person, year| row(person, &[("sex", code("1")), ("born", Value::Whole(year))]);
    let unborn = row(3, &[("sex", code("1"))]);
    let rows = [born(0, 1980), born(1, 1990), born(2, 1980), unborn];
    let world = World::of(4).with(persons_view(), &rows, (9, 9));
    let histogram = wire::Histogram {
        variable: "born".to_owned(),
        from: 1980,
        width: 10,
        bins: 2,
    };
    let query = Query {
        dimensions: vec![by_code("sex", 0)],
        measures: vec![measure(M::Histogram(histogram))],
        ..query("persons")
    };

    let answer = world.run(&query).unwrap();

    fits(&answer);
    let sex = || Key::Code("1".to_owned());
    let key = |bin| vec![sex(), bin];
    let keys = [Key::Missing, Key::Band(0), Key::Band(1)].map(key);
    assert_eq!(answer.placed.cells, keys);
    assert_eq!(answer.placed.rows, [1, 2, 1, 0]);
}
