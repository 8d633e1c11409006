//! Threshold, rounding, complement, rows and totals, by hand.

use super::*;

#[test]
fn promise_6_few_persons_are_hidden_and_the_rest_is_rounded() {
    let shown = shown_of_line(&[4, 5, 7, 8, 1000, 1002, 1003], rules(5, 5), Check::Made);
    assert_eq!(
        shown,
        [
            None,
            Some(5),
            Some(5),
            Some(10),
            Some(1000),
            Some(1000),
            Some(1005)
        ]
    );
}

#[test]
fn from_the_middle_a_count_is_rounded_up() {
    assert_eq!(
        shown_of_line(&[14, 15], rules(5, 10), Check::Made),
        [Some(10), Some(20)]
    );
}

/// Of 8, 8 and 1 the margin is 17 and shows as 15, 13 to 17; the two that are shown are 16 at
/// least, so the third would be known to be 0 or 1.
#[test]
fn promise_6_a_cell_that_the_margin_would_give_away_takes_another_with_it() {
    assert_eq!(
        shown_of_line(&[8, 8, 1], rules(5, 5), Check::LeftOut),
        [Some(10), Some(10), None]
    );
    assert_eq!(
        shown_of_line(&[8, 8, 1], rules(5, 5), Check::Made),
        [None, Some(10), None]
    );
}

/// Persons 6, 6 and 1, which the margin of 13 to 17 leaves open; but of 8, 8 and 1 events 17 at
/// most are known, so that the third cell would be known to have one event, and one person.
#[test]
fn events_give_no_cell_away_either() {
    let mut merge = Merge::new(plain(1));
    let part = |persons, events| Partial {
        persons,
        events,
        moments: vec![],
    };
    let cells = [part(6, 8), part(6, 8), part(1, 1)];
    let table = (0..)
        .zip(cells)
        .map(|(at, part)| (key(&[at]), part))
        .collect();
    merge.add(RegisterId::parse("r0").unwrap(), table).unwrap();
    let domain = Domain::Closed((0..3).map(Category::Number).collect());
    let table = release(&merge.finish(), &[domain], rules(5, 5), &[]).unwrap();
    assert_eq!(shown(&table), BTreeMap::from([(key(&[1]), 5)]));
}

#[test]
fn a_register_that_counts_no_events_is_no_trouble() {
    let mut merge = Merge::new(plain(1));
    let part = |persons| Partial {
        persons,
        events: 0,
        moments: vec![],
    };
    let table = BTreeMap::from([(key(&[0]), part(60)), (key(&[1]), part(3))]);
    merge.add(RegisterId::parse("r0").unwrap(), table).unwrap();
    let table = release(&merge.finish(), &[Domain::Open], rules(5, 5), &[]).unwrap();
    assert_eq!(shown(&table), BTreeMap::from([(key(&[0]), 60)]));
}

/// Of 4 and 4 a margin of 8 is known, so 1 and 7 must look the same.
#[test]
fn a_cell_alone_beside_nearly_full_ones_is_hidden() {
    for persons in [[4, 4], [1, 7], [3, 5]] {
        assert_eq!(
            shown_of_line(&persons, rules(5, 5), Check::Made),
            [None, None]
        );
    }
    assert_eq!(
        shown_of_line(&[1, 5000], rules(5, 5), Check::Made),
        [None, Some(5000)]
    );
}

#[test]
fn zero_and_few_look_alike() {
    let of = |few: u64| {
        let cells: &[(&[i64], u64)] = &[
            (&[0, 0], 30),
            (&[0, 1], 50),
            (&[1, 0], 40),
            (&[1, 1], few),
            (&[2, 2], few),
        ];
        desk(plain(2), &[register(cells)], rules(5, 5))
    };
    for few in 1..5 {
        assert_eq!(of(few), of(0));
    }
    assert_eq!(
        of(0).cells.len(),
        4,
        "two by two categories are shown somewhere"
    );
    assert_eq!(of(0).cells[&key(&[1, 1])], Value::Hidden(Reason::Few));
}

#[test]
fn a_table_of_one_cell_is_shown_or_hidden() {
    let one = |persons| desk(plain(0), &[register(&[(&[], persons)])], rules(5, 5)).cells;
    assert!(matches!(&one(12)[&key(&[])], Value::Shown(cell) if cell.persons == 10));
    assert_eq!(one(4)[&key(&[])], Value::Hidden(Reason::Few));
    assert_eq!(one(4), one(0));
}

#[test]
fn totals_are_sums_of_what_is_shown() {
    let cells: &[(&[i64], u64)] = &[(&[0, 0], 33), (&[0, 1], 34), (&[1, 0], 36), (&[1, 1], 2)];
    let table = desk(plain(2), &[register(cells)], rules(5, 5));
    let totals = table.totals(&[0]).unwrap();
    // Rounded from the exact 67, it would be 65.
    assert_eq!(
        totals[&key(&[0])],
        Total {
            persons: 70,
            events: 70,
            rows_hidden: 0
        }
    );
    assert_eq!(
        totals[&key(&[1])],
        Total {
            persons: 35,
            events: 35,
            rows_hidden: 1
        }
    );
    assert_eq!(table.totals(&[]).unwrap()[&key(&[])].persons, 105);
}

#[test]
fn persons_are_not_summed_over_periods() {
    let shape = Shape {
        period: Some(1),
        ..plain(2)
    };
    let cells: &[(&[i64], u64)] = &[(&[0, 2020], 30), (&[0, 2021], 30)];
    let table = desk(shape, &[register(cells)], rules(5, 5));
    assert_eq!(table.totals(&[0]), None);
    assert_eq!(table.totals(&[1]).unwrap()[&key(&[2021])].persons, 30);
}

#[test]
fn where_registers_share_persons_the_largest_decides_and_registrations_are_counted() {
    let registers = [
        register(&[(&[0], 3), (&[1], 60)]),
        register(&[(&[0], 2), (&[1], 60)]),
    ];
    let shared = Shape {
        persons_shared: true,
        ..plain(1)
    };

    let table = desk(shared, &registers, rules(5, 5));
    assert_eq!(table.counted, Counted::Registrations);
    assert_eq!(shown(&table), BTreeMap::from([(key(&[1]), 120)]));

    let table = desk(plain(1), &registers, rules(5, 5));
    assert_eq!(table.counted, Counted::Persons);
    assert_eq!(
        shown(&table),
        BTreeMap::from([(key(&[0]), 5), (key(&[1]), 120)])
    );
}

#[test]
fn a_table_beyond_its_bounds_is_refused() {
    let wide: Register = (0..).map(|n| (key(&[n]), 9)).take(CELLS_MAX + 1).collect();
    assert_eq!(
        release(&exact(plain(1), &[wide]), &[Domain::Open], rules(5, 5), &[]),
        Err(ReleaseError::TooManyCells(CELLS_MAX + 1))
    );
    assert_eq!(
        release(&exact(plain(7), &[]), &[], rules(5, 5), &[]),
        Err(ReleaseError::TooManyDimensions(7))
    );
    assert_eq!(
        release(&exact(plain(2), &[]), &[], rules(5, 5), &[]),
        Err(ReleaseError::Domains)
    );
    assert_eq!(Rules::new(1, 5), Err(RulesError::Threshold));
    assert_eq!(Rules::new(5, 1), Err(RulesError::Base));
}

#[test]
fn a_table_of_nobody_has_no_rows() {
    let table = release(
        &exact(plain(2), &[]),
        &[Domain::Open, Domain::Open],
        rules(5, 5),
        &[],
    );
    assert!(table.unwrap().cells.is_empty());
}

/// Five persons of one category, and nobody of the other: where 5 is known of the whole, 5 to 7,
/// showing it would tell that nobody is elsewhere, whether elsewhere is declared or not.
#[test]
fn a_category_that_nobody_has_is_protected_too() {
    let registers = [register(&[(&[0], 5), (&[1], 0)])];
    assert!(desk(plain(1), &registers, rules(5, 5)).cells.is_empty());
    let open = release(
        &exact(plain(1), &registers),
        &[Domain::Open],
        rules(5, 5),
        &[],
    )
    .unwrap();
    assert!(open.cells.is_empty());
    let alone = [register(&[(&[0], 5)])];
    assert_eq!(desk(plain(1), &alone, rules(5, 5)).cells.len(), 1);
}

/// Most cells of this one are empty or small.
#[test]
fn a_sparse_table_loses_few_cells_to_protection() {
    let cells = (0..50_i64).flat_map(|row| {
        (0..50_i64).map(move |column| {
            let persons = (row * 7 + column * 13) % 97 / (1 + (row + column) % 9);
            (key(&[row, column]), persons.unsigned_abs())
        })
    });
    let exact = exact(plain(2), &[cells.collect()]);
    let table = release(&exact, &[Domain::Open, Domain::Open], rules(5, 5), &[]).unwrap();
    let above = exact
        .cells()
        .values()
        .flat_map(BTreeMap::values)
        .filter(|p| p.persons >= 5)
        .count();
    let shown = shown(&table).len();
    assert!(
        shown * 10 > above * 9,
        "{shown} of {above} that the threshold lets through"
    );
}
