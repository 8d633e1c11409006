//! The commitment, and what is shown of it.

use innsyn_proto::head::LogHash;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

const WHAT: CountedFor = CountedFor {
    query: [1; 32],
    permit: [2; 32],
    snapshot: [3; 32],
};

fn counted(persons: &[u32]) -> CountedPersons {
    CountedPersons::new(persons.iter().copied().collect(), [9; 32])
}

/// RFC 6962 §2.1 as it is written there.
fn root_by_the_book(leaves: &[Vec<u8>]) -> LogHash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0], leaf.as_slice()].concat()).into(),
        leaves => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            let children = [root_by_the_book(left), root_by_the_book(right)].concat();
            Sha256::digest([&[1], children.as_slice()].concat()).into()
        }
    }
}

#[test]
fn the_commitment_is_what_the_documentation_says() {
    for few in [5, 32, 33, 64, 100] {
        let persons: Vec<u32> = (1..few).map(|n| n * 700).chain([u32::MAX]).collect();
        let cipher = Aes256::new(&Array::from([9; 32]));
        let slots = persons.iter().map(|person| {
            let mut block = Array::from([0; 16]);
            block[..4].copy_from_slice(&person.to_le_bytes());
            cipher.encrypt_block(&mut block);
            Sha256::digest([&[3], block.as_slice(), &person.to_le_bytes()].concat())
        });
        let slots: Vec<_> = slots.collect();
        let leaves: Vec<_> = slots.chunks(32).map(<[_]>::concat).collect();
        let mut bound = b"innsyn.uselog.v2.Counted\n".to_vec();
        bound.extend([[1; 32], [2; 32], [3; 32]].concat());
        bound.extend(u64::from(few).to_le_bytes());
        bound.extend(root_by_the_book(&leaves));
        let by_the_book: [u8; 32] = Sha256::digest(&bound).into();
        assert_eq!(counted(&persons).commitment(&WHAT), by_the_book);
    }
}

#[test]
fn every_part_and_every_person_is_bound() {
    let all = counted(&[1, 2, 3]).commitment(&WHAT);
    let others = [
        counted(&[1, 2]).commitment(&WHAT),
        counted(&[1, 2, 4]).commitment(&WHAT),
        counted(&[]).commitment(&WHAT),
        CountedPersons::new([1, 2, 3].into_iter().collect(), [8; 32]).commitment(&WHAT),
        counted(&[1, 2, 3]).commitment(&CountedFor {
            query: [0; 32],
            ..WHAT
        }),
        counted(&[1, 2, 3]).commitment(&CountedFor {
            permit: [0; 32],
            ..WHAT
        }),
        counted(&[1, 2, 3]).commitment(&CountedFor {
            snapshot: [0; 32],
            ..WHAT
        }),
    ];
    assert!(!others.contains(&all));
}

#[test]
fn two_uses_that_counted_nobody_commit_to_different_things() {
    let nobody = |secret| CountedPersons::new(RoaringBitmap::new(), [secret; 32]);
    assert_eq!(nobody(1).commitment(&WHAT), nobody(1).commitment(&WHAT));
    assert_ne!(nobody(1).commitment(&WHAT), nobody(2).commitment(&WHAT));
}

#[test]
fn nothing_is_shown_of_who_was_not_counted() {
    let set = counted(&[5, 6]);
    assert_eq!(set.membership(4), None);
    let (membership, root) = set.membership(5).unwrap();
    let commitment = set.commitment(&WHAT);
    assert!(membership.holds(&root, &WHAT, &commitment));
    let other = Membership {
        person: 4,
        ..membership
    };
    assert!(!other.holds(&root, &WHAT, &commitment));
    assert!(!format!("{set:?}").contains('['));
}

proptest! {
    #[test]
    fn whoever_was_counted_can_be_shown_alone(
        persons in proptest::collection::btree_set(0..500_u32, 1..80),
        at in any::<proptest::sample::Index>(),
    ) {
        let persons: Vec<u32> = persons.into_iter().collect();
        let person = persons[at.index(persons.len())];
        let set = counted(&persons);
        let commitment = set.commitment(&WHAT);
        let (membership, root) = set.membership(person).unwrap();
        prop_assert!(membership.holds(&root, &WHAT, &commitment));

        let other_place = Membership { place: membership.place + 1, ..membership.clone() };
        prop_assert!(!other_place.holds(&root, &WHAT, &commitment));
        for slot in 0..membership.slots.len() {
            let mut other = membership.clone();
            other.slots[slot][0] ^= 1;
            prop_assert!(!other.holds(&root, &WHAT, &commitment));
        }
        let mut more = membership.clone();
        more.slots.push([0; 32]);
        prop_assert!(!more.holds(&root, &WHAT, &commitment));
        let other_salt = Membership { salt: [0; 16], ..membership };
        prop_assert!(!other_salt.holds(&root, &WHAT, &commitment));
    }
}
