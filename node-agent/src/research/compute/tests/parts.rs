//! What the engine counted, as it is sent.

use prost::Message as _;

use super::super::part::part_to_wire;
use super::*;
use crate::engine::{Cell, Key, Part, PartialTable};

/// A table with one cell of every kind of key and measure.
fn table() -> PartialTable {
    let keys = [
        Key::Missing,
        Key::Code("C18".to_owned()),
        Key::Band(0),
        Key::Period(-13),
    ];
    let measures = [
        Part::Counted,
        Part::Moments {
            values: 3,
            sum: -0.5,
            squares: Some(1.25),
        },
        Part::Moments {
            values: 0,
            sum: 0.0,
            squares: None,
        },
        Part::Histogram(vec![0, 2, 1]),
        Part::LifeTable {
            events: vec![1, 0],
            left: vec![0, 2],
            beyond: 4,
        },
    ];
    PartialTable {
        cells: vec![Cell {
            key: keys.to_vec(),
            persons: 7,
            events: 9,
            measures: measures.to_vec(),
        }],
    }
}

/// The table that a part says, as a gateway would read it.
fn read(part: wire::Part) -> PartialTable {
    let key = |category: wire::Category| match category.category.unwrap() {
        wire::category::Category::Missing(_) => Key::Missing,
        wire::category::Category::Code(code) => Key::Code(code),
        wire::category::Category::Band(band) => Key::Band(band),
        wire::category::Category::FirstMonth(month) => Key::Period(month),
    };
    let measure = |measured: wire::Measured| match measured.measured.unwrap() {
        wire::measured::Measured::Counted(_) => Part::Counted,
        wire::measured::Measured::Moments(moments) => Part::Moments {
            values: moments.values,
            sum: moments.sum,
            squares: moments.squares,
        },
        wire::measured::Measured::Histogram(bins) => Part::Histogram(bins.persons),
        wire::measured::Measured::LifeTable(table) => Part::LifeTable {
            events: table.events,
            left: table.left,
            beyond: table.beyond,
        },
    };
    let cells = part.cells.into_iter().map(|cell| Cell {
        key: cell.key.into_iter().map(key).collect(),
        persons: cell.persons,
        events: cell.events,
        measures: cell.measures.into_iter().map(measure).collect(),
    });
    PartialTable {
        cells: cells.collect(),
    }
}

#[test]
fn a_part_says_on_the_wire_what_the_engine_counted() {
    let part = part_to_wire(table(), &[1; 32], &[2; 32], None);
    let sent = part.encode_to_vec();
    let part = wire::Part::decode(sent.as_slice()).unwrap();
    assert_eq!(part.snapshot.as_ref(), [1; 32]);
    assert_eq!(part.use_log_leaf.as_ref(), [2; 32]);
    assert_eq!(read(part), table());
}
