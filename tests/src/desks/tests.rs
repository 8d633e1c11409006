use super::*;

const CLIP: Clip = Clip {
    from: 0.0,
    to: 100.0,
    centre: 50.0,
};

/// A table of these registers, each of which has so many persons in each cell, who all score 60.
fn table(
    registers: &[&str],
    dimensions: usize,
    persons_shared: bool,
    cells: &[(&[i64], u64)],
) -> ExactTable {
    let mut merge = Merge::new(Shape {
        dimensions,
        period: None,
        variables: 1,
        persons_shared,
    });
    for register in registers {
        let cells = cells.iter().map(|(key, persons)| {
            let n = u32::try_from(*persons).unwrap();
            let moments = Moments {
                n: *persons,
                s: 10.0 * f64::from(n),
                q: 100.0 * f64::from(n),
            };
            let part = Partial {
                persons: *persons,
                events: 2 * persons,
                moments: vec![moments],
            };
            (key.iter().copied().map(Category::Number).collect(), part)
        });
        let register = RegisterId::parse(register).unwrap();
        merge.add(register, cells.collect()).unwrap();
    }
    merge.finish()
}

fn rules() -> Rules {
    Rules::new(5, 5).unwrap()
}

fn closed(categories: &[i64]) -> Domain {
    Domain::Closed(categories.iter().copied().map(Category::Number).collect())
}

#[test]
fn where_nothing_is_to_be_protected_the_unchecked_desk_is_the_real_one() {
    for persons_shared in [false, true] {
        for cells in [
            &[
                (&[1, 1][..], 31),
                (&[1, 2], 12),
                (&[2, 1], 44),
                (&[2, 2], 8),
            ][..],
            &[(&[1, 1], 20), (&[1, 2], 2), (&[2, 1], 1), (&[2, 2], 30)],
            &[],
        ] {
            let exact = table(&["nord", "vest"], 2, persons_shared, cells);
            let domains = [closed(&[1, 2]), closed(&[1, 2])];
            let real = release(&exact, &domains, rules(), &[CLIP]).unwrap();
            let unchecked = unchecked(&exact, &domains, rules(), &[CLIP]).unwrap();
            assert_eq!(unchecked, real);
        }
    }
}

/// Of 6 persons who are shown as 5 and 5 who are, one is left at most two.
#[test]
fn the_unchecked_desk_hides_what_is_few_and_nothing_for_its_sake() {
    let exact = table(&["nord"], 1, false, &[(&[1], 5), (&[2], 1)]);
    let domains = [closed(&[1, 2])];
    let persons = |table: ReleasedTable| -> Vec<u64> {
        let cells = table.cells.into_values();
        let shown = cells.filter_map(|cell| match cell {
            Value::Shown(cell) => Some(cell.persons),
            Value::Hidden(_) => None,
        });
        shown.collect()
    };
    let unchecked = unchecked(&exact, &domains, rules(), &[CLIP]).unwrap();
    assert_eq!(persons(unchecked), [5]);
    let real = release(&exact, &domains, rules(), &[CLIP]).unwrap();
    assert!(persons(real).is_empty());
}

#[test]
fn what_cannot_be_released_is_released_by_neither_desk() {
    let exact = table(&["nord"], 1, false, &[(&[1], 20)]);
    for (domains, clips) in [(vec![], vec![CLIP]), (vec![Domain::Open], vec![])] {
        let real = release(&exact, &domains, rules(), &clips).unwrap_err();
        assert_eq!(unchecked(&exact, &domains, rules(), &clips), Err(real));
    }
}
