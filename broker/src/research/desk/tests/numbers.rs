//! Means, sums and variances: dominance, and how finely they are told.

use super::*;

const CLIP: Clip = Clip {
    from: 0.0,
    to: 100.0,
    centre: 10.0,
};

/// One cell, one register for each of `parts`.
fn of(parts: &[&[f64]], persons_shared: bool) -> Value<Number> {
    let shape = Shape {
        variables: 1,
        persons_shared,
        ..plain(0)
    };
    let mut merge = Merge::new(shape);
    for (n, values) in parts.iter().enumerate() {
        let moments = Moments {
            n: values.len() as u64,
            s: values.iter().map(|x| x - CLIP.centre).sum(),
            q: values.iter().map(|x| (x - CLIP.centre).powi(2)).sum(),
        };
        // Three persons more have no value.
        let persons = 3 + values.len() as u64;
        let part = Partial {
            persons,
            events: persons,
            moments: vec![moments],
        };
        let register = RegisterId::parse(&format!("r{n}")).unwrap();
        merge
            .add(register, BTreeMap::from([(key(&[]), part)]))
            .unwrap();
    }
    let table = release(&merge.finish(), &[], rules(5, 5), &[CLIP]).unwrap();
    match &table.cells[&key(&[])] {
        Value::Shown(cell) => cell.numbers[0],
        Value::Hidden(reason) => panic!("the cell is hidden: {reason}"),
    }
}

/// One person at the bound makes 100; the total must be 100 / 0.85 = 117.6 or more.
#[test]
fn a_total_that_one_person_could_make_is_hidden() {
    let ten = |last: f64| [&[12.0; 9][..], &[last]].concat();
    assert_eq!(of(&[&ten(9.0)], false), Value::Hidden(Reason::Dominance));
    assert!(matches!(of(&[&ten(10.0)], false), Value::Shown(_)));
}

#[test]
fn a_person_in_two_registers_could_make_twice_as_much() {
    let values: &[f64] = &[11.5; 10];
    assert!(matches!(of(&[values, values], false), Value::Shown(_)));
    assert_eq!(
        of(&[values, values], true),
        Value::Hidden(Reason::Dominance)
    );
}

/// Where k is 5, a number is of ten persons or more.
#[test]
fn values_of_few_persons_are_hidden_though_the_cell_is_shown() {
    assert_eq!(of(&[&[90.0; 9]], false), Value::Hidden(Reason::Few));
    assert!(matches!(of(&[&[90.0; 10]], false), Value::Shown(_)));
    // Eighteen values, but no register has ten.
    assert_eq!(
        of(&[&[90.0; 9], &[90.0; 9]], true),
        Value::Hidden(Reason::Few)
    );
}

/// 48 values around 30, rounded to 50: one person moves the mean by at most 100/50 = 2 and the
/// variance by 200, so the grids are 2 and 200.
#[test]
fn a_number_is_not_finer_than_one_person_could_move_it() {
    let values: Vec<f64> = (0..48)
        .map(|n| if n % 2 == 0 { 10.9 } else { 50.9 })
        .collect();
    let Value::Shown(number) = of(&[&values], false) else {
        panic!("hidden")
    };
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    // Mean 30.9, variance 400 × 48/47 = 408.5.
    assert!(close(number.mean, 30.0), "{number:?}");
    assert!(close(number.sum, 1500.0), "{number:?}");
    assert!(close(number.variance, 400.0), "{number:?}");
}

#[test]
fn variables_need_bounds_that_rise() {
    let table = exact(
        Shape {
            variables: 1,
            ..plain(0)
        },
        &[],
    );
    assert_eq!(
        release(&table, &[], rules(5, 5), &[]),
        Err(ReleaseError::ClipBounds)
    );
    let turned = Clip {
        from: 1.0,
        to: 1.0,
        centre: 0.0,
    };
    assert_eq!(
        release(&table, &[], rules(5, 5), &[turned]),
        Err(ReleaseError::ClipBounds)
    );
}
