use proptest::prelude::*;

use super::*;

const SHAPE: Shape = Shape {
    dimensions: 1,
    period: None,
    variables: 1,
    persons_shared: false,
};

fn register(n: usize) -> RegisterId {
    RegisterId::parse(&format!("r{n}")).unwrap()
}

fn key(code: &str) -> Key {
    vec![Category::Code(code.into())]
}

/// The moments of `values` about `centre`, as a register would send them.
fn partial(values: &[f64], centre: f64) -> Partial {
    let mut moments = Moments::default();
    for x in values {
        moments += Moments {
            n: 1,
            s: x - centre,
            q: (x - centre).powi(2),
        };
    }
    Partial {
        persons: values.len() as u64,
        events: 2 * values.len() as u64,
        moments: vec![moments],
    }
}

/// By hand: 2, 4, 4, 4, 5, 5, 7, 9 have the mean 5 and squares about it of 32 in all, so the
/// variance is 32/7.
#[test]
fn mean_and_variance_of_parts_are_those_of_the_whole() {
    let mut merge = Merge::new(SHAPE);
    for (n, values) in [&[2.0, 4.0, 4.0][..], &[4.0, 5.0], &[5.0, 7.0, 9.0]]
        .iter()
        .enumerate()
    {
        let table = BTreeMap::from([(key("C50"), partial(values, 3.0))]);
        merge.add(register(n), table).unwrap();
    }
    let total = merge.finish().total(&key("C50")).unwrap();
    assert_eq!((total.persons, total.events), (8, 16));
    let moments = total.moments[0];
    assert!((moments.sum(3.0) - 40.0).abs() < 1e-12);
    assert!((moments.mean(3.0).unwrap() - 5.0).abs() < 1e-12);
    assert!((moments.variance().unwrap() - 32.0 / 7.0).abs() < 1e-12);
}

#[test]
fn a_variance_needs_two_values_and_a_mean_one() {
    let one = partial(&[4.0], 3.0).moments[0];
    assert_eq!((one.mean(3.0), one.variance()), (Some(4.0), None));
    assert_eq!(Moments::default().mean(3.0), None);
}

#[test]
fn a_register_counts_once() {
    let mut merge = Merge::new(SHAPE);
    let table = BTreeMap::from([(key("C50"), partial(&[1.0], 0.0))]);
    merge.add(register(1), table.clone()).unwrap();
    assert_eq!(
        merge.add(register(1), table),
        Err(MergeError::Twice(register(1)))
    );
    assert_eq!(merge.finish().total(&key("C50")).unwrap().persons, 1);
}

#[test]
fn a_table_that_cannot_be_true_is_refused_whole() {
    let good = || partial(&[1.0, 2.0], 0.0);
    let broken: [(Key, Partial); 6] = [
        (vec![], good()),
        (
            key("A"),
            Partial {
                moments: vec![],
                ..good()
            },
        ),
        (
            key("A"),
            Partial {
                persons: PERSONS_MAX + 1,
                ..good()
            },
        ),
        (
            key("A"),
            Partial {
                events: EVENTS_MAX + 1,
                ..good()
            },
        ),
        (
            key("A"),
            Partial {
                persons: 1,
                ..good()
            },
        ),
        (
            key("A"),
            Partial {
                moments: vec![Moments {
                    n: 1,
                    s: f64::NAN,
                    q: 0.0,
                }],
                ..good()
            },
        ),
    ];
    for (key, partial) in broken {
        let mut merge = Merge::new(SHAPE);
        let table = BTreeMap::from([(key, partial)]);
        assert!(merge.add(register(1), table.clone()).is_err(), "{table:?}");
        assert!(merge.finish().cells().is_empty());
    }
}

#[test]
fn a_cell_without_persons_is_no_cell() {
    let mut merge = Merge::new(SHAPE);
    merge
        .add(
            register(1),
            BTreeMap::from([(key("C50"), partial(&[], 0.0))]),
        )
        .unwrap();
    assert!(merge.finish().cells().is_empty());
}

proptest! {
    /// Bit for bit: floating-point sums would differ in another order.
    #[test]
    fn the_order_of_arrival_leaves_no_trace(
        values in prop::collection::vec(prop::collection::vec(-1e9..1e9_f64, 1..4), 2..9),
        order in any::<prop::sample::Index>(),
    ) {
        let tables: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(n, v)| (register(n), BTreeMap::from([(key("C50"), partial(v, 0.1))])))
            .collect();
        let mut turned = tables.clone();
        turned.rotate_left(order.index(tables.len()));
        turned.reverse();
        let bits = |tables: Vec<(RegisterId, BTreeMap<Key, Partial>)>| {
            let mut merge = Merge::new(SHAPE);
            for (register, table) in tables {
                merge.add(register, table).unwrap();
            }
            let moments = merge.finish().total(&key("C50")).unwrap().moments[0];
            (moments.n, moments.s.to_bits(), moments.q.to_bits())
        };
        prop_assert_eq!(bits(tables), bits(turned));
    }
}
