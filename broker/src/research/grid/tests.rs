use super::*;

#[test]
fn a_quantile_lies_where_the_counts_put_it() {
    // 10 persons: 2 in [0, 10), none in [10, 20), 8 in [20, 30).
    let bins = [2, 0, 8];
    assert_eq!(quantile(&bins, 0.0, 10.0, 0.0), Some(0.0));
    assert_eq!(quantile(&bins, 0.0, 10.0, 0.1), Some(5.0));
    assert_eq!(quantile(&bins, 0.0, 10.0, 0.2), Some(10.0));
    // Three of the eight lie below the median: 20 + 10 × 3/8.
    assert_eq!(quantile(&bins, 0.0, 10.0, 0.5), Some(23.75));
    assert_eq!(quantile(&bins, 0.0, 10.0, 1.0), Some(30.0));
    assert_eq!(quantile(&[0, 0], 0.0, 10.0, 0.5), None);
    assert_eq!(quantile(&bins, 0.0, 10.0, 1.5), None);
}

/// By hand: ten persons; step 1: 1 event, 1 leaves; step 2: 2 events, 2 leave; step 3: the rest.
#[test]
fn survival_is_the_product_over_those_at_risk() {
    let leavers = |events, censored| Leavers { events, censored };
    let table = life_table(&[leavers(1, 1), leavers(2, 2), leavers(0, 4)]);
    let at_risk: Vec<u64> = table.iter().map(|s| s.at_risk).collect();
    assert_eq!(at_risk, [10, 8, 4]);
    for (step, survival) in table.iter().zip([0.9, 0.9 * 0.75, 0.9 * 0.75]) {
        assert!((step.survival - survival).abs() < 1e-15, "{step:?}");
    }
}

#[test]
fn a_life_table_of_nobody_stands_still() {
    let table = life_table(&[Leavers::default(); 2]);
    assert!(
        table
            .iter()
            .all(|s| s.at_risk == 0 && (s.survival - 1.0).abs() < 1e-15)
    );
}
