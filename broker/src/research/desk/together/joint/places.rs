//! Which cells a joint table has, those of nobody among them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Axis, Place};

/// Dimensions that go together, with the places that they can have.
pub(super) type Part = (Vec<usize>, Vec<Place>);

/// The dimensions, those of one variable together: there only those categories go together that
/// somebody has together, as a month does with its year. `sizes` tells how many places each
/// dimension has, `used` are those of cells that hold anybody.
pub(super) fn parts<'a>(
    axes: &[&Axis],
    sizes: &[usize],
    used: &(impl Iterator<Item = &'a Place> + Clone),
) -> Vec<Part> {
    let mut of_variable: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (dimension, axis) in axes.iter().enumerate() {
        of_variable
            .entry(axis.variable)
            .or_default()
            .push(dimension);
    }
    let parts = of_variable.into_values().map(|dimensions| {
        let places: BTreeSet<Place> = match dimensions.as_slice() {
            [one] => {
                let size = sizes.get(*one).copied().unwrap_or_default();
                (0..size).map(|at| vec![at]).collect()
            }
            several => {
                let of_these = |place: &Place| {
                    let own = several.iter();
                    own.filter_map(|dimension| place.get(*dimension).copied())
                        .collect()
                };
                used.clone().map(of_these).collect()
            }
        };
        (dimensions, places.into_iter().collect())
    });
    parts.collect()
}

/// Every place that there can be, of so many dimensions.
pub(super) fn every_place(parts: &[Part], dimensions: usize) -> Vec<Place> {
    parts
        .iter()
        .fold(vec![vec![0; dimensions]], |places, (own, tuples)| {
            let longer = |place: &Place| {
                let with = tuples.iter().map(|tuple| {
                    let mut place = place.clone();
                    for (dimension, at) in own.iter().zip(tuple) {
                        if let Some(slot) = place.get_mut(*dimension) {
                            *slot = *at;
                        }
                    }
                    place
                });
                with.collect::<Vec<_>>()
            };
            places.iter().flat_map(longer).collect()
        })
}
