//! An attacker who knows the rules to the last, by looking at every table there is.
//!
//! All tables of a few cells and persons are released, with their margins as tables of their own,
//! and gathered by what is shown. What an attacker can know of a table is which others look the
//! same: a hidden cell should have every value from 1 to k−1 in one of them.

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
            .map(|kept| shown_margin(shape, &registers, kept, false, rules(k, base), Check::Made));
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
fn nothing_is_known_of_a_hidden_cell_of_two() {
    for (k, base) in [(5, 5), (3, 3)] {
        let keys = [key(&[0]), key(&[1])];
        let (hidden, known) = exposed(&keys, 40, (k, base), Check::Made);
        assert!(
            known.is_empty(),
            "k {k}, base {base}: {} of {hidden}: {known:#?}",
            known.len()
        );
        let (_, without) = exposed(&keys, 40, (k, base), Check::LeftOut);
        assert!(
            !without.is_empty(),
            "k {k}, base {base}: the check is worth nothing"
        );
    }
}

/// With three categories, which cells protect others tells something to whoever replays the
/// rules; the check leaves about half of what would be known without it.
#[test]
fn whoever_replays_the_rules_knows_of_fewer_cells_of_three() {
    let keys: Vec<Key> = (0..3).map(|at| key(&[at])).collect();
    for (k, base) in [(5, 5), (3, 3)] {
        let (_, known) = exposed(&keys, 20, (k, base), Check::Made);
        let (_, without) = exposed(&keys, 20, (k, base), Check::LeftOut);
        let (known, without) = (known.len(), without.len());
        assert!(
            known * 3 < without * 2,
            "k {k}, base {base}: {known} with, {without} without"
        );
    }
}
