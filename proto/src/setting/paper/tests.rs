//! What two clerks sign is read as it was written, and of them alone.

use innsyn_policy::NumberRules;

use super::*;

fn clerk(name: &str, seed: u8) -> ClerkSigner {
    ClerkSigner::from_seed(ClerkName::parse(name).unwrap(), [seed; 32]).unwrap()
}

fn keys(clerks: &[&ClerkSigner]) -> Vec<ClerkKey> {
    let keys = clerks.iter();
    keys.map(|it| ClerkKey::parse(it.public_text()).unwrap())
        .collect()
}

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

fn paper() -> Paper {
    Paper {
        register: register("kreft"),
        person: NationalId::parse("01891877885", NumberRules::default()).unwrap(),
        definition: DefinitionId::from_bytes([5; 16]),
        text_version: 2,
        active: true,
        dated: "2026-11-20".parse().unwrap(),
        archive: "2026/1234-5".to_owned(),
        reason: "kan ikke bruke nettjenester, ønsker papir".to_owned(),
        at: Timestamp::from_micros(1_800_000_000_000_001),
    }
}

fn told() -> PaperUse {
    PaperUse {
        entered_by: ClerkName::parse("kari").unwrap(),
        confirmed_by: ClerkName::parse("ola").unwrap(),
        dated: "2026-11-20".parse().unwrap(),
        archive: "2026/1234-5".to_owned(),
        reason: "kan ikke bruke nettjenester".to_owned(),
        signed_digest: [3; 32],
    }
}

#[test]
fn what_a_clerk_signs_is_read_and_tells_which_clerk() {
    let (kari, ola) = (clerk("kari", 1), clerk("ola", 2));
    let keys = keys(&[&kari, &ola]);
    let note = paper().sign(&ola).unwrap();
    let read = Paper::read(&note, &keys, &register("kreft")).unwrap();
    assert_eq!(read, (paper(), ola.name()));

    let word = PaperWord {
        register: register("kreft"),
        paper: digest(&note),
        said: PaperSaid::Confirm,
        at: Timestamp::from_micros(7),
    };
    let said = word.sign(&kari).unwrap();
    let read = PaperWord::read(&said, &keys, &register("kreft")).unwrap();
    assert_eq!(read, (word, kari.name()));
}

#[test]
fn nobody_enters_in_a_clerks_name_without_the_clerks_key() {
    let (kari, other) = (clerk("kari", 1), clerk("kari", 9));
    let keys = keys(&[&kari]);
    let at = register("kreft");
    let forged = paper().sign(&other).unwrap();
    assert_eq!(
        Paper::read(&forged, &keys, &at),
        Err(PaperNoteError::NoClerk)
    );

    let note = paper().sign(&kari).unwrap();
    let changed = note.replace("active: yes", "active: no");
    assert_eq!(
        Paper::read(&changed, &keys, &at),
        Err(PaperNoteError::Note(HeadError::BadSignature))
    );
    assert_eq!(
        Paper::read(&note, &keys, &register("npr")),
        Err(PaperNoteError::OtherRegister)
    );
    // A paper is no word about one.
    assert!(PaperWord::read(&note, &keys, &at).is_err());
}

#[test]
fn a_reason_is_one_line() {
    let kari = clerk("kari", 1);
    let keys = keys(&[&kari]);
    for reason in ["", " x", "a\nat: 7", &"x".repeat(REASON_BYTES_MAX + 1)] {
        let paper = Paper {
            reason: reason.to_owned(),
            ..paper()
        };
        let note = paper.sign(&kari).unwrap();
        assert!(
            Paper::read(&note, &keys, &register("kreft")).is_err(),
            "{reason:?}"
        );
    }
}

#[test]
fn what_is_shown_names_its_entry_by_every_word() {
    let question = told().question();
    assert_eq!(
        PaperUse::of_bytes(&told().to_bytes()).unwrap().question(),
        question
    );
    assert_eq!(PaperUse::from_wire(&told().to_wire()), Some(told()));
    let ola = ClerkName::parse("ola").unwrap();
    let changes: [fn(&mut PaperUse, ClerkName); 6] = [
        |it, ola| it.entered_by = ola,
        |it, _| it.confirmed_by = ClerkName::parse("per").unwrap(),
        |it, _| it.dated = "2026-11-21".parse().unwrap(),
        |it, _| it.archive.push('x'),
        |it, _| it.reason.push('x'),
        |it, _| it.signed_digest = [4; 32],
    ];
    for change in changes {
        let mut other = told();
        change(&mut other, ola.clone());
        assert_ne!(other.question(), question);
    }
}

#[test]
fn a_clerks_key_is_called_so() {
    let gateway = HeadSigner::from_seed("innsyn://gateway/helsenorge", [1; 32]).unwrap();
    let key = ClerkKey::parse(gateway.public_text());
    assert!(matches!(key, Err(ClerkKeyError::Prefix)));
    let one_key_two_names = keys(&[&clerk("kari", 1), &clerk("ola", 1)]);
    assert_eq!(
        one_key_two_names[0].public().len(),
        one_key_two_names[1].public().len()
    );
    assert_eq!(
        one_key_two_names[0].public(),
        one_key_two_names[1].public(),
        "one key under two names is seen to be one"
    );
}
