use std::collections::BTreeMap;
use std::sync::Arc;

use innsyn_policy::Presence;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::test_ids::{clearance, person};

fn key(pseudonyms: Option<PseudonymKey>) -> Arc<SubjectKey> {
    Arc::new(SubjectKey::generate(
        &mut StdRng::seed_from_u64(1),
        pseudonyms,
    ))
}

fn member(standing: Standing, since: Option<Date>, last_changed: Option<Date>) -> Membership {
    Membership {
        standing,
        since: since.and_then(Day::new),
        last_changed: last_changed.and_then(Day::new),
    }
}

fn index_of(rows: &[(usize, Membership)]) -> (Subjects, u64) {
    let mut builder = SubjectsBuilder::new(key(None));
    for (who, membership) in rows {
        let tag = builder.key().tag_of(&person(*who));
        builder.push(tag, *membership).expect("room");
    }
    builder.finish()
}

fn presence(since: Option<Date>, last_changed: Option<Date>) -> Presence {
    Presence {
        since,
        last_changed,
    }
}

#[test]
fn whoever_is_in_the_register_is_found_with_both_dates() {
    let (since, changed) = (date(1999, 12, 31), date(2026, 2, 28));
    let here = member(Standing::Registered, Some(since), Some(changed));
    let gone = member(Standing::Deleted, None, Some(changed));

    let (subjects, duplicates) = index_of(&[(0, here), (1, gone)]);

    assert_eq!(duplicates, 0);
    assert_eq!(
        subjects.find(&clearance(person(0))),
        Found::Registered(presence(Some(since), Some(changed)))
    );
    assert_eq!(
        subjects.find(&clearance(person(1))),
        Found::Deleted(presence(None, Some(changed)))
    );
    assert_eq!(subjects.find(&clearance(person(2))), Found::Absent);
}

#[test]
fn an_empty_register_has_nobody() {
    let (subjects, _) = index_of(&[]);

    assert!(subjects.is_empty());
    assert_eq!(subjects.find(&clearance(person(0))), Found::Absent);
}

#[test]
fn days_outside_the_range_are_not_kept() {
    assert!(Day::new(date(1899, 12, 31)).is_none());
    assert!(Day::new(date(2079, 6, 6)).is_none());
    for kept in [date(1900, 1, 1), date(2079, 6, 5)] {
        let (subjects, _) = index_of(&[(0, member(Standing::Registered, Some(kept), None))]);
        assert_eq!(
            subjects.find(&clearance(person(0))),
            Found::Registered(presence(Some(kept), None))
        );
    }
}

#[test]
fn rows_about_one_person_become_one_and_are_counted() {
    let (early, late) = (date(2001, 1, 1), date(2020, 1, 1));
    let rows = [
        (0, member(Standing::Deleted, Some(late), Some(early))),
        (0, member(Standing::Registered, None, None)),
        (0, member(Standing::Deleted, Some(early), Some(late))),
    ];

    let (subjects, duplicates) = index_of(&rows);

    assert_eq!((subjects.len(), duplicates), (1, 2));
    assert_eq!(
        subjects.find(&clearance(person(0))),
        Found::Registered(presence(Some(early), Some(late)))
    );
}

#[test]
fn a_person_takes_24_bytes_and_at_most_half_a_byte_of_directory() {
    let here = member(Standing::Registered, None, None);
    for persons in [8, 100, 5_000, 20_000_usize] {
        let mut builder = SubjectsBuilder::new(key(None));
        for n in 0..persons {
            let tag = builder.key().tag_of_pseudonym((n as u128).to_be_bytes());
            builder.push(tag, here).expect("room");
        }
        let (subjects, _) = builder.finish();
        assert!(
            subjects.memory_bytes() * 2 <= persons * 49,
            "{persons} persons"
        );
    }
}

#[test]
fn people_are_numbered_in_the_order_in_which_they_are_first_named_whatever_the_key() {
    let here = member(Standing::Registered, None, None);
    let gone = member(Standing::Deleted, None, None);
    let other_key = Arc::new(SubjectKey::generate(&mut StdRng::seed_from_u64(2), None));
    for key in [key(None), other_key] {
        let mut builder = SubjectsBuilder::new(Arc::clone(&key));
        // Enough rows about the same few that they are merged more than once on the way.
        for n in 0..20_000_u128 {
            let who = [n % 7, n / 100, 5_000][(n % 3) as usize];
            let membership = if who == 3 { gone } else { here };
            let tag = key.tag_of_pseudonym(who.to_be_bytes());
            builder.push(tag, membership).expect("room");
        }
        let (subjects, _) = builder.finish();

        let mut first_named: Vec<u128> = Vec::new();
        for n in 0..20_000_u128 {
            let who = [n % 7, n / 100, 5_000][(n % 3) as usize];
            if !first_named.contains(&who) {
                first_named.push(who);
            }
        }
        for (number, who) in (0..).zip(&first_named) {
            let found = subjects.number_of(key.tag_of_pseudonym(who.to_be_bytes()));
            assert_eq!(found, (*who != 3).then_some(number), "person {who}");
        }
        let mut numbers: Vec<_> = subjects.numbers().collect();
        numbers.sort_unstable();
        assert_eq!(numbers.len(), subjects.len() - 1);
        assert!(
            numbers
                .iter()
                .all(|number| (*number as usize) < subjects.len())
        );
        numbers.dedup();
        assert_eq!(numbers.len(), subjects.len() - 1);
        assert_eq!(subjects.number_of(key.tag_of_pseudonym([9; 16])), None);
    }
}

#[test]
fn rows_are_merged_while_they_come_so_that_memory_follows_people() {
    let here = member(Standing::Registered, None, None);
    let mut builder = SubjectsBuilder::new(key(None));
    for n in 0..200_000_u128 {
        let tag = builder.key().tag_of_pseudonym((n % 100).to_be_bytes());
        builder.push(tag, here).expect("room");
    }

    assert!(builder.room() <= 8_192, "{} entries", builder.room());
    assert_eq!(builder.finish().1, 199_900);
}

/// Every look-up reads `window` entries, wherever its tag falls: nothing is cut off at the end.
#[test]
fn a_hit_and_a_miss_read_equally_many_entries() {
    let here = member(Standing::Registered, None, None);
    let mut builder = SubjectsBuilder::new(key(None));
    for n in 0..3_000_u128 {
        let tag = builder.key().tag_of_pseudonym(n.to_be_bytes());
        builder.push(tag, here).expect("room");
    }
    let (subjects, _) = builder.finish();

    assert!(subjects.window >= 8);
    assert_eq!(subjects.starts.len(), 1 << subjects.bucket_bits);
    for start in &subjects.starts {
        assert!(*start as usize + subjects.window <= subjects.entries.len());
    }
}

#[test]
fn a_pseudonymous_source_is_asked_with_the_same_id() {
    let pseudonyms = PseudonymKey::parse(&"a1".repeat(32)).expect("a key");
    let pseudonym = hex::encode(pseudonyms.pseudonym_of(&person(7)));
    let mut builder = SubjectsBuilder::new(key(Some(pseudonyms)));
    let tag = parse_pseudonym(&pseudonym).map(|p| builder.key().tag_of_pseudonym(p));
    let here = member(Standing::Registered, None, None);
    builder.push(tag.expect("a pseudonym"), here).expect("room");
    let (subjects, _) = builder.finish();

    assert_eq!(
        subjects.find(&clearance(person(7))),
        Found::Registered(Presence::default())
    );
    assert_eq!(subjects.find(&clearance(person(8))), Found::Absent);
}

/// HMAC-SHA256 as RFC 4231 has it, test case 2, shows that it is this and nothing else; the
/// digits of a person are no such vector, so the construction is compared here.
#[test]
fn a_pseudonym_is_the_first_half_of_hmac_sha256() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[0xa1; 32]).expect("any length");
    mac.update(person(0).expose());
    let whole: [u8; 32] = mac.finalize().into_bytes().into();

    let key = PseudonymKey::parse(&"a1".repeat(32)).expect("a key");

    assert_eq!(key.pseudonym_of(&person(0)), whole[..16]);
}

#[test]
fn pseudonym_keys_are_hexadecimal_and_long_enough() {
    let parse = |text: &str| PseudonymKey::parse(text).map(|_| ());
    assert_eq!(parse("not hex"), Err(PseudonymKeyError::NotHex));
    assert_eq!(parse("a1b2"), Err(PseudonymKeyError::Length { bytes: 2 }));
    assert_eq!(parse(&format!("  {}\n", "a1".repeat(16))), Ok(()));
}

#[test]
fn nothing_prints_a_person() {
    let (subjects, _) = index_of(&[(0, member(Standing::Registered, None, None))]);
    let key = key(None);
    let tag = key.tag_of(&person(0));

    assert_eq!(
        format!("{subjects:?} {key:?} {tag:?}"),
        "Subjects { persons: 1, .. } SubjectKey(***) Tag(***)"
    );
}

fn a_day() -> impl Strategy<Value = Option<Date>> {
    proptest::option::of((1900_i16..2079, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| date(y, m, d)))
}

fn a_row() -> impl Strategy<Value = (usize, bool, Option<Date>, Option<Date>)> {
    (0_usize..60, any::<bool>(), a_day(), a_day())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The index answers as a plain map of the same rows does.
    #[test]
    fn the_index_agrees_with_a_map(rows in proptest::collection::vec(a_row(), 0..200)) {
        let mut map: BTreeMap<usize, (bool, Option<Date>, Option<Date>)> = BTreeMap::new();
        for (who, registered, since, changed) in &rows {
            let kept = map.entry(*who).or_default();
            kept.0 |= registered;
            kept.1 = [kept.1, *since].into_iter().flatten().min();
            kept.2 = kept.2.max(*changed);
        }
        let memberships: Vec<_> = rows
            .iter()
            .map(|(who, registered, since, changed)| {
                let standing = if *registered { Standing::Registered } else { Standing::Deleted };
                (*who, member(standing, *since, *changed))
            })
            .collect();

        let (subjects, duplicates) = index_of(&memberships);

        prop_assert_eq!(subjects.len(), map.len());
        prop_assert_eq!(duplicates, (rows.len() - map.len()) as u64);
        for who in 0..60 {
            let expected = match map.get(&who) {
                None => Found::Absent,
                Some((true, since, changed)) => Found::Registered(presence(*since, *changed)),
                Some((false, since, changed)) => Found::Deleted(presence(*since, *changed)),
            };
            prop_assert_eq!(subjects.find(&clearance(person(who))), expected);
        }
    }
}

#[test]
fn marks_are_the_same_in_every_process_and_follow_the_person_and_not_the_number() {
    let here = member(Standing::Registered, None, None);
    let index = |seed, people: &[usize]| {
        let key = SubjectKey::generate(&mut StdRng::seed_from_u64(seed), None);
        let mut builder = SubjectsBuilder::new(Arc::new(key));
        for who in people {
            let tag = builder.key().tag_of(&person(*who));
            builder.push(tag, here).unwrap();
        }
        builder.finish().0
    };
    let key = MarkKey::new(&[1; 32]);

    let before = index(1, &[0, 1, 2]).marks(&key);
    let after = index(2, &[2, 3, 0]).marks(&key);

    assert_eq!(before.nobody, after.nobody);
    assert_eq!(before.persons[0], after.persons[2]);
    assert_eq!(before.persons[2], after.persons[0]);
    assert!(!before.persons.contains(&after.persons[1]));
    let other = index(1, &[0, 1, 2]).marks(&MarkKey::new(&[2; 32]));
    assert_ne!(before.nobody, other.nobody);
    assert_ne!(before.persons[0], other.persons[0]);
}

#[test]
fn marks_of_other_pseudonyms_are_told_from_these() {
    let key = MarkKey::new(&[1; 32]);
    let nobody = |pseudonyms: Option<&str>| {
        let pseudonyms = pseudonyms.map(|key| PseudonymKey::parse(key).unwrap());
        let subjects = SubjectsBuilder::new(self::key(pseudonyms)).finish().0;
        subjects.marks(&key).nobody
    };
    let (one, other) = ("11".repeat(16), "22".repeat(16));
    assert_eq!(nobody(Some(&one)), nobody(Some(&one)));
    assert_ne!(nobody(Some(&one)), nobody(Some(&other)));
    assert_ne!(nobody(Some(&one)), nobody(None));
}
