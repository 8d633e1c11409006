//! Entries of uses, tags and the tree.

use sha2::Digest as _;

use super::*;

const FIRST: ChainPlace = ChainPlace {
    number: 1,
    before: None,
};

#[test]
fn an_entry_tells_everything_but_who() {
    let record = record(5);
    let entry = keys().tagger().entry(&record, [9; 16], |_| FIRST);
    let bytes = entry.to_bytes();

    assert_eq!(Entry::from_bytes(&bytes), Ok(entry.clone()));
    assert_eq!((entry.at, entry.question), (record.at, record.question));
    assert_eq!(entry.organisation, record.organisation);
    for id in [person(5), record.caller] {
        assert!(!bytes.windows(11).any(|window| window == id.expose()));
    }
}

#[test]
fn an_entry_of_a_query_commits_to_persons_and_tags_none() {
    let record = UseRecord {
        subject: UseSubject::Counted([0xc5; 32]),
        ..record(5)
    };
    let entry = keys().tagger().entry(&record, [9; 16], |_| FIRST);
    let bytes = entry.to_bytes();
    assert_eq!(entry.subject, EntrySubject::Counted([0xc5; 32]));
    assert_eq!(Entry::from_bytes(&bytes), Ok(entry));

    for place in [32, 47] {
        let mut tagged = bytes;
        tagged[place] = 1;
        assert_eq!(Entry::from_bytes(&tagged), Err(ReadEntryError::Reserve));
    }
    let mut listing = bytes;
    listing[1] = 1;
    assert_eq!(Entry::from_bytes(&listing), Err(ReadEntryError::Reserve));
}

#[test]
fn a_tag_finds_a_person_and_hides_own_access() {
    let (tagger, other) = (Tagger::new(&[1; 32]), Tagger::new(&[2; 32]));
    let id = person(0);
    assert_eq!(tagger.subject(&id), Tagger::new(&[1; 32]).subject(&id));
    assert_ne!(tagger.subject(&id), tagger.subject(&person(1)));
    assert_ne!(tagger.subject(&id), tagger.caller(&id));
    assert_ne!(tagger.subject(&id), other.subject(&id));
    assert!(!format!("{tagger:?}").contains('['));
}

#[test]
fn the_tree_is_that_of_the_library() {
    struct Stored(Vec<tlog_tiles::Hash>);
    impl tlog_tiles::HashReader for Stored {
        fn read_hashes(&self, at: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
            let at = at.iter().map(|at| usize::try_from(*at).unwrap());
            Ok(at.map(|at| self.0[at]).collect())
        }
    }
    let (mut tree, mut ours, mut theirs) = (tree::Tree::default(), Vec::new(), Stored(Vec::new()));
    assert_eq!(
        hash::leaf_hash(&[7; ENTRY_BYTES]),
        tlog_tiles::record_hash(&[7; ENTRY_BYTES])
    );
    for n in 0..300_u64 {
        assert_eq!(tree.root(), tlog_tiles::tree_hash(n, &theirs).unwrap().0);
        let data = n.to_le_bytes();
        tree.push(tlog_tiles::record_hash(&data), |hash| ours.push(hash));
        let more = tlog_tiles::stored_hashes(n, &data, &theirs).unwrap();
        theirs.0.extend(more);
        assert_eq!(ours, theirs.0);
    }
}

#[test]
fn a_hash_is_the_same_whatever_its_length_and_whoever_makes_it() {
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    for length in 0..=130 {
        let bytes = &bytes[..length];
        let expected: [u8; 32] = sha2::Sha256::digest(bytes).into();
        assert_eq!(hash::sha256(bytes).0, expected, "{length} bytes");
    }
}
