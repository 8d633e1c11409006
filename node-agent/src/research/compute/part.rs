//! What the engine counted, as it is sent.

use innsyn_proto::head::LogHash;
use innsyn_proto::wire::node::v1 as wire;
use wire::category::Category;
use wire::measured::Measured;

use crate::engine::{Cell, Key, Part, PartialTable};

/// `table`, counted over the data named `snapshot`, with its entry in the log of use and what the
/// overlap audit asked for.
pub(super) fn part_to_wire(
    table: PartialTable,
    snapshot: &[u8; 32],
    use_log_leaf: &LogHash,
    overlaps: Option<wire::Overlaps>,
) -> wire::Part {
    wire::Part {
        cells: table.cells.into_iter().map(cell).collect(),
        snapshot: snapshot.to_vec().into(),
        use_log_leaf: use_log_leaf.to_vec().into(),
        overlaps,
    }
}

fn cell(cell: Cell) -> wire::Cell {
    wire::Cell {
        key: cell.key.into_iter().map(category).collect(),
        persons: cell.persons,
        events: cell.events,
        measures: cell.measures.into_iter().map(measured).collect(),
    }
}

pub(super) fn category(key: Key) -> wire::Category {
    wire::Category {
        category: Some(match key {
            Key::Missing => Category::Missing(wire::Missing {}),
            Key::Code(code) => Category::Code(code),
            Key::Band(band) => Category::Band(band),
            Key::Period(first_month) => Category::FirstMonth(first_month),
        }),
    }
}

fn measured(part: Part) -> wire::Measured {
    wire::Measured {
        measured: Some(match part {
            Part::Counted => Measured::Counted(wire::Counted {}),
            Part::Moments {
                values,
                sum,
                squares,
            } => Measured::Moments(wire::Moments {
                values,
                sum,
                squares,
            }),
            Part::Histogram(persons) => Measured::Histogram(wire::Bins { persons }),
            Part::LifeTable {
                events,
                left,
                beyond,
            } => Measured::LifeTable(wire::Followed {
                events,
                left,
                beyond,
            }),
        }),
    }
}
