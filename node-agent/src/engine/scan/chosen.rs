//! Keeping some of the rows of a batch. Which ones is as good as random, so that a branch on it
//! would be guessed wrong all the time; here are none.

use std::cell::Cell;

/// The places, rising, at which `each` is true.
pub(in super::super) fn chosen(each: impl ExactSizeIterator<Item = bool>) -> Vec<u32> {
    let mut places = vec![0; each.len()];
    let mut count = 0;
    for (at, is_chosen) in (0..).zip(each) {
        if let Some(place) = places.get_mut(count) {
            *place = at;
        }
        count += usize::from(is_chosen);
    }
    places.truncate(count);
    places
}

/// Keeps the elements at the places `chosen`, which rise.
pub(in super::super) fn keep<T: Copy>(list: &mut Vec<T>, chosen: &[u32]) {
    let cells = Cell::from_mut(list.as_mut_slice()).as_slice_of_cells();
    let mut kept = 0;
    // A place is never before the one that it goes to.
    for (to, from) in cells.iter().zip(chosen) {
        if let Some(from) = cells.get(*from as usize) {
            to.set(from.get());
            kept += 1;
        }
    }
    list.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_kept_in_its_order() {
        for mask in 0..1_u32 << 6 {
            let is_chosen: Vec<bool> = (0..6).map(|bit| mask >> bit & 1 == 1).collect();
            let places = chosen(is_chosen.iter().copied());
            let by_hand: Vec<u32> = (0..6).filter(|bit| mask >> bit & 1 == 1).collect();
            assert_eq!(places, by_hand);
            let mut list: Vec<u32> = (10..16).collect();
            keep(&mut list, &places);
            assert_eq!(list, by_hand.iter().map(|at| at + 10).collect::<Vec<_>>());
        }
    }
}
