//! What tables tell together, by hand.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::attacker::{Asked, Checks, RuledOut, rows_of};
use super::*;
use crate::research::desk::together::{InCommon, Seen, Together, tell_of_few};

/// A country of one register with these persons, who are asked about by these dimensions.
fn country(cells: &[(&[i64], u64)], tables: &[&[usize]], (k, base): (u64, u64)) -> Asked {
    let dimensions = cells[0].0.len();
    Asked {
        shape: plain(dimensions),
        registers: vec![register(cells)],
        open: false,
        k,
        base,
        variables: (0..).take(dimensions).collect(),
        tables: tables.iter().map(|kept| kept.to_vec()).collect(),
    }
}

/// The values that the attacker rules out of this cell; of the table by all dimensions, there is no
/// other.
fn of_cell(ruled_out: &[RuledOut], cell: &[i64]) -> Vec<u64> {
    let of_table = ruled_out.iter().filter(|one| one.kept.len() == cell.len());
    let of_table = of_table.inspect(|one| assert_eq!(one.cell, key(cell)));
    of_table.map(|one| one.value).collect()
}

/// The tables that leave, by their dimensions.
fn left(asked: &Asked) -> Vec<Vec<usize>> {
    let left = asked.leave(Checks::Both).into_iter();
    left.map(|(kept, _)| kept.clone()).collect()
}

/// One dimension is enough for the attacker where neither check is made.
#[test]
fn without_the_complementary_check_the_attacker_rules_values_out() {
    let cells: &[(&[i64], u64)] = &[(&[0], 8), (&[1], 8), (&[2], 1)];
    let asked = country(cells, &[&[0], &[]], (5, 5));
    let found = asked.attacked(Checks::Neither);
    assert_eq!(of_cell(&found, &[2]), [2, 3, 4]);
    assert!(asked.attacked(Checks::Both).is_empty());
}

/// Why tables are held together. Rows have 4 and 13 persons, columns 9 and 8, and all 17. The row of
/// 4 is hidden, and has no more than 4, for the other is shown as 15, which is 13 at least, and all
/// as 15, which is 17 at most. The columns are shown as 10, which is 8 at least: so of the second, 4
/// at least are in the second row, and they are 4. The table of rows does not know the one of
/// columns.
#[test]
fn the_margin_that_would_tell_together_with_another_does_not_leave() {
    let cells: &[(&[i64], u64)] = &[(&[0, 0], 0), (&[0, 1], 4), (&[1, 0], 9), (&[1, 1], 4)];
    let mut asked = country(cells, &[&[], &[0], &[1], &[0, 1]], (5, 5));
    let found = asked.attacked(Checks::NotTogether);
    assert_eq!(of_cell(&found, &[1, 1]), [1, 2, 3]);
    assert!(asked.attacked(Checks::Both).is_empty());
    assert_eq!(left(&asked), [vec![], vec![0], vec![0, 1]]);
    // Whichever comes second, also where the table that they are margins of has left before. The
    // total is taken as known before it is asked for.
    asked.tables.reverse();
    assert_eq!(left(&asked), [vec![0, 1], vec![1], vec![]]);
}

/// Of 107 persons, all but 34 are in the first row, all but 34 in the first column and all but 34 in
/// the first layer: 5 at least are in all three. No two of these tables have a cell of so few.
#[test]
fn of_three_margins_the_last_does_not_leave() {
    let cells: &[(&[i64], u64)] = &[
        (&[0, 0, 0], 5),
        (&[1, 0, 0], 34),
        (&[0, 1, 0], 34),
        (&[0, 0, 1], 34),
        (&[1, 1, 0], 0),
        (&[1, 0, 1], 0),
        (&[0, 1, 1], 0),
        (&[1, 1, 1], 0),
    ];
    let orders: [[&[usize]; 4]; 2] = [[&[], &[0], &[1], &[2]], [&[0], &[1], &[2], &[]]];
    for tables in orders {
        let asked = country(cells, &tables, (10, 5));
        let found = asked.attacked(Checks::NotTogether);
        assert_eq!(of_cell(&found, &[0, 0, 0]), [1, 2, 3, 4]);
        assert!(asked.attacked(Checks::Both).is_empty());
        let third: &[usize] = &[2];
        let others = tables.into_iter().filter(|kept| *kept != third);
        assert_eq!(left(&asked), others.collect::<Vec<_>>());
    }
}

/// By rows and columns 8 are in the first row and second column, and by rows and layers 8 in that
/// row and the second layer. Of the 32 that there are at most, 18 are in the other row, so that the
/// first has 14 at most, of whom 2 are both. The rows are asked for last, and taken as known before.
#[test]
fn a_margin_of_earlier_tables_does_not_tell_of_few() {
    let cells: &[(&[i64], u64)] = &[
        (&[0, 0, 0], 1),
        (&[0, 0, 1], 3),
        (&[0, 1, 0], 4),
        (&[0, 1, 1], 4),
        (&[0, 2, 0], 0),
        (&[0, 2, 1], 1),
        (&[1, 0, 0], 3),
        (&[1, 0, 1], 0),
        (&[1, 1, 0], 0),
        (&[1, 1, 1], 5),
        (&[1, 2, 0], 9),
        (&[1, 2, 1], 1),
    ];
    let asked = country(cells, &[&[], &[0, 1], &[0, 2], &[0]], (5, 5));
    let found = asked.attacked(Checks::NotTogether);
    assert_eq!(of_cell(&found, &[0, 1, 1]), [1]);
    assert!(asked.attacked(Checks::Both).is_empty());
    assert_eq!(left(&asked), [vec![], vec![0, 1], vec![0]]);
}

/// Months and years are no two dimensions of which any two may go together. Of a year of 17 at most,
/// two months have 8 at least each, so the third has one at most; of all months and years it would
/// not be known.
#[test]
fn a_coarser_level_of_what_has_left_does_not_tell_of_few() {
    let cells: &[(&[i64], u64)] = &[
        (&[0, 0], 8),
        (&[0, 1], 8),
        (&[0, 2], 1),
        (&[1, 3], 20),
        (&[1, 4], 20),
    ];
    let mut asked = country(cells, &[&[1], &[0]], (5, 5));
    asked.variables = vec![0, 0];
    let found = asked.attacked(Checks::NotTogether);
    assert_eq!(of_cell(&found, &[0, 2]), [2, 3, 4]);
    assert!(asked.attacked(Checks::Both).is_empty());
    assert_eq!(left(&asked), [[1]]);
}

/// Of rows and columns of which nearly all hold nobody, so that there are more cells than each is
/// looked at: those where somebody is are.
#[test]
fn of_margins_of_many_categories_the_last_does_not_leave() {
    let left = |inner: [[u64; 2]; 2], tables: [&[usize]; 3]| {
        let mut cells: Vec<(Vec<i64>, u64)> = (2..120).map(|at| (vec![at, at], 0)).collect();
        for (row, persons) in (0..).zip(inner) {
            let columns = (0..).zip(persons);
            cells.extend(columns.map(|(column, persons)| (vec![row, column], persons)));
        }
        let cells: Vec<(&[i64], u64)> = cells.iter().map(|(at, n)| (&at[..], *n)).collect();
        left(&country(&cells, &tables, (5, 5)))
    };
    let (total_first, total_last): ([&[usize]; 3], [&[usize]; 3]) =
        ([&[], &[0], &[1]], [&[0], &[1], &[]]);
    // Of 22 persons 13 are in the first row, and 13 in the first column: at least 4 in both.
    assert_eq!(left([[4, 9], [9, 0]], total_first), [vec![], vec![0]]);
    assert_eq!(left([[4, 9], [9, 0]], total_last), [vec![0], vec![]]);
    // They are more than few.
    assert_eq!(left([[5, 8], [8, 1]], total_first), total_first);
}

/// The second row has 4 persons and is hidden. By columns they are 16 at least, of whom the first row
/// has 12 at most: the 4 are known, though each of them may be in either column.
#[test]
fn a_cell_that_a_table_hides_is_not_told_by_another() {
    let cells: &[(&[i64], u64)] = &[(&[0, 0], 6), (&[0, 1], 6), (&[1, 0], 2), (&[1, 1], 2)];
    for tables in [[&[0], &[1]], [&[1], &[0_usize]]] {
        let asked = country(cells, &[tables[0], tables[1]], (5, 5));
        assert_eq!(left(&asked), asked.tables[..1]);
    }
}

/// In the first row are 13, in the first column 18, and 3 in both. By layers all are 28 at most, by
/// their own rounding 32.
#[test]
fn what_a_table_by_other_dimensions_tells_of_all_is_known() {
    let inner = [(0, 0, 3), (0, 1, 10), (1, 0, 15)];
    let persons = inner
        .iter()
        .flat_map(|(row, column, persons)| vec![(*row, *column); *persons]);
    let mut cells: BTreeMap<[i64; 3], u64> = BTreeMap::new();
    for (layer, (row, column)) in (0..4).cycle().zip(persons) {
        *cells.entry([row, column, layer]).or_default() += 1;
    }
    let cells: Vec<(&[i64], u64)> = cells.iter().map(|(at, n)| (&at[..], *n)).collect();
    for tables in [[&[0], &[2], &[1]], [&[0], &[1], &[2_usize]]] {
        let tables = tables.map(|kept| &kept[..]);
        let asked = country(&cells, &tables, (5, 5));
        assert_eq!(left(&asked), asked.tables[..2]);
    }
    let asked = country(&cells, &[&[0], &[1]], (5, 5));
    assert_eq!(left(&asked), [[0], [1]]);
}

/// Of 57 persons 13 are in one cell by two dimensions, another 13 in another that has the first in
/// common, and 33 in one by a third: 2 at least are in a cell of the first and the third, which
/// nobody asked for.
#[test]
fn a_margin_that_nobody_asked_for_is_not_told() {
    let cells: &[(&[i64], u64)] = &[
        (&[0, 0, 0], 1),
        (&[0, 0, 1], 1),
        (&[0, 1, 0], 12),
        (&[0, 1, 1], 12),
        (&[1, 0, 0], 16),
        (&[1, 0, 1], 15),
        (&[1, 1, 0], 0),
        (&[1, 1, 1], 0),
    ];
    for tables in [[&[0, 2][..], &[1], &[]], [&[], &[1], &[0, 2]]] {
        let asked = country(cells, &tables, (5, 5));
        let found = asked.attacked(Checks::NotTogether);
        assert!(found.iter().any(|one| one.kept == [0, 1]), "{found:?}");
        assert_eq!(asked.attacked(Checks::Both), []);
    }
}

/// In region 0 are 12 and 4 by sex, 8 and 8 by age. Somebody elsewhere has moved between two regions
/// of a few since the first table left.
#[test]
fn where_somebody_has_moved_the_next_table_does_not_leave() {
    let here: &[(&[i64], u64)] = &[
        (&[0, 0, 0], 6),
        (&[0, 0, 1], 6),
        (&[0, 1, 0], 2),
        (&[0, 1, 1], 2),
        (&[1, 0, 0], 3),
        (&[2, 0, 0], 2),
    ];
    let moved = |tables: &[&[usize]], moved: u64| {
        let asked = country(here, tables, (5, 5));
        let mut leave = asked.leave(Checks::NotTogether);
        let (new, earlier) = (leave.remove(1).1, leave.remove(0).1);
        let place = |table: &Seen, at: &[i64]| {
            let place = table.cells.iter().position(|cell| cell.key == key(at));
            u32::try_from(place.unwrap()).unwrap()
        };
        let both = |one: &[i64], other: &[i64], persons| InCommon {
            new: place(&new, one),
            earlier: place(&earlier, other),
            register: 0,
            persons,
        };
        let mut in_common = vec![
            both(&[0, 0], &[0, 0], 6),
            both(&[0, 0], &[0, 1], 2),
            both(&[0, 1], &[0, 0], 6),
            both(&[0, 1], &[0, 1], 2),
            both(&[1, 0], &[1, 0], 3 - moved),
            both(&[2, 0], &[2, 0], 2),
        ];
        if moved > 0 {
            in_common.push(both(&[2, 0], &[1, 0], moved));
        }
        let mut together = Together::of(new.clone(), 1);
        together.add(earlier.clone(), Some(in_common));
        tell_of_few(&together, asked.rules())
    };
    assert!(moved(&[&[0, 1], &[0, 2]], 1));
}

/// Three tables by two dimensions each leave, though a witness may have to move many.
#[test]
fn all_margins_by_two_of_three_dimensions_may_leave() {
    let mut runner = TestRunner::deterministic();
    let keys = rows_of(&[2, 20, 15]);
    let persons = prop::collection::vec(0..60_u64, keys.len());
    for _ in 0..3 {
        let persons = persons.new_tree(&mut runner).unwrap().current();
        let cells: Register = keys.iter().cloned().zip(persons).collect();
        let asked = Asked {
            registers: vec![cells],
            open: true,
            ..country(&[(&[0, 0, 0], 0)], &[&[0, 1], &[1, 2], &[0, 2]], (5, 5))
        };
        assert_eq!(left(&asked), asked.tables);
    }
}

#[test]
fn of_many_earlier_tables_the_latest_others_are_held() {
    let asked = |persons: u64| country(&[(&[0], persons), (&[1], 20)], &[&[0]], (5, 5));
    let seen = |persons: u64| asked(persons).leave(Checks::Both).swap_remove(0).1;
    let mut together = Together::of(seen(10), 1);
    for persons in (100..180).chain([179, 150]) {
        together.add(seen(persons), None);
    }
    let held: Vec<Seen> = together.earlier().map(|(seen, _)| seen.clone()).collect();
    let latest = (116..150).chain(151..180).chain([150]);
    assert_eq!(held, latest.map(seen).collect::<Vec<_>>());
}
