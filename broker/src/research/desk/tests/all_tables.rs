//! An attacker who knows the rules to the last, by looking at every table there is.
//!
//! All tables of a few cells and persons are released, with their margins as tables of their own,
//! and gathered by what is shown. What an attacker can know of a table is which others look the
//! same: a hidden cell must have every value from 1 to k−1 in one of them.

use std::collections::HashMap;

use super::*;

/// All that is shown of a table and of its margins.
type Seen = Vec<BTreeMap<Key, u64>>;

/// All ways to put at most `persons` into so many cells.
fn all_counts(cells: usize, persons: u64) -> Vec<Vec<u64>> {
    (0..cells).fold(vec![vec![]], |tables, _| {
        let more = |table: &Vec<u64>| {
            let left = persons - table.iter().sum::<u64>();
            (0..=left)
                .map(|n| [&table[..], &[n]].concat())
                .collect::<Vec<_>>()
        };
        tables.iter().flat_map(more).collect()
    })
}

/// How many hidden cells there are in all tables, and of how many of them something is known.
fn exposed(
    keys: &[Key],
    persons_max: u64,
    (k, base): (u64, u64),
    check: Check,
) -> (usize, Vec<String>) {
    let shape = plain(keys[0].len());
    let all = all_counts(keys.len(), persons_max);
    let mut alike: HashMap<Seen, Vec<&Vec<u64>>> = HashMap::new();
    for counts in &all {
        let registers = [keys
            .iter()
            .cloned()
            .zip(counts.iter().copied())
            .collect::<Register>()];
        let domains = declared(shape.dimensions, &registers);
        let table = release_with(
            &exact(shape, &registers),
            &domains,
            rules(k, base),
            &[],
            check,
        )
        .unwrap();
        let margins = proper_margins(shape);
        let margins = margins
            .iter()
            .map(|kept| shown_margin(shape, &registers, kept, false, rules(k, base)));
        let seen = margins.chain([shown(&table)]).collect();
        alike.entry(seen).or_default().push(counts);
    }
    let mut hidden = 0;
    let mut known = Vec::new();
    for tables in alike.values() {
        for at in 0..keys.len() {
            let missing: Vec<u64> = (1..k)
                .filter(|x| tables.iter().all(|t| t[at] != *x))
                .collect();
            // Tables of more persons than were looked at would look the same as the last ones.
            let small = tables
                .iter()
                .filter(|t| t[at] < k && t.iter().sum::<u64>() + base <= persons_max);
            for table in small {
                hidden += 1;
                if !missing.is_empty() {
                    known.push(format!("{table:?}: cell {at} cannot be {missing:?}"));
                }
            }
        }
    }
    (hidden, known)
}

#[test]
fn nothing_is_known_of_a_hidden_cell_in_a_line() {
    for (cells, persons_max, k, base) in
        [(2, 30, 5, 5), (3, 26, 5, 5), (4, 18, 3, 3), (3, 26, 5, 10)]
    {
        let keys: Vec<Key> = (0..cells).map(|at| key(&[at])).collect();
        let (hidden, known) = exposed(&keys, persons_max, (k, base), Check::Made);
        assert!(
            known.is_empty(),
            "k {k}, base {base}: {} of {hidden}: {:#?}",
            known.len(),
            &known[..known.len().min(9)]
        );
        let (_, without) = exposed(&keys, persons_max, (k, base), Check::LeftOut);
        assert!(
            !without.is_empty(),
            "k {k}, base {base}: the check is worth nothing"
        );
    }
}

#[test]
fn nothing_is_known_of_a_hidden_cell_in_a_square() {
    let keys = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|at| key(&at));
    let (hidden, known) = exposed(&keys, 18, (3, 3), Check::Made);
    assert!(
        known.is_empty(),
        "{} of {hidden}: {:#?}",
        known.len(),
        &known[..known.len().min(9)]
    );
    let (_, without) = exposed(&keys, 18, (3, 3), Check::LeftOut);
    assert!(!without.is_empty(), "the check is worth nothing");
}
