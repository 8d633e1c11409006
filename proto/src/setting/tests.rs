//! What is read again as it was written, and what is not read at all.

use std::sync::Arc;

use innsyn_policy::{
    DefinitionId, NationalId, NumberRules, Organisation, Purpose, RegisterId, SettingKind,
    Timestamp, Use,
};

use super::definitions::{DefinitionsError, SettingDefinitions};
use super::*;
use crate::mandate::SignedMandate;
use crate::sealing::ItemKind;

fn signer(name: &str, seed: u8) -> HeadSigner {
    HeadSigner::from_seed(&format!("innsyn://gateway/{name}"), [seed; 32]).unwrap()
}

fn gateway(name: &str) -> GatewayName {
    name.parse().unwrap()
}

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

fn person(digits: &str) -> NationalId {
    NationalId::parse(digits, NumberRules::default()).unwrap()
}

fn change() -> Change {
    Change {
        id: ChangeId([9; 16]),
        definition: DefinitionId::from_bytes([5; 16]),
        text_version: 2,
        person: person("01891877885"),
        by: person("01817010055"),
        organisation: Organisation::parse("983658776").unwrap(),
        acted_as: ActedAs::Parent(Some("2018-09-01".parse().unwrap())),
        sequence: -3,
        active: true,
        until: Some(Timestamp::from_micros(1_800_000_000_000_001)),
    }
}

fn item(content: Option<Change>) -> Item {
    Item {
        gateway: gateway("helsenorge"),
        register: register("kreft"),
        number: 17,
        at: Timestamp::from_micros(1_700_000_000_000_007),
        content,
    }
}

fn longest_mandate() -> SignedMandate {
    let text = format!("a.b.{}", "c".repeat(crate::mandate::MANDATE_BYTES_MAX - 4));
    SignedMandate::parse(&text).unwrap()
}

#[test]
fn a_right_comes_with_what_proves_it_and_with_nothing_else() {
    let signer = signer("helsenorge", 1);
    let key = signer.public().unwrap();
    let text = item(Some(change())).text();
    for (from, to) in [
        ("representation: parent", "representation: own"),
        ("representation: parent", "representation: guardian"),
        ("representation: parent", "representation: king"),
        ("proof: none", "proof: a.b.c"),
        ("child-born: 2018-09-01", "child-born: 2018-9-1"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        let note = signer.sign_text(&changed).unwrap();
        let read = Item::read(&note, (&gateway("helsenorge"), &key), &register("kreft"));
        assert!(read.is_err(), "{from} became {to}");
    }
}

#[test]
fn an_item_is_read_as_it_was_written() {
    let signer = signer("helsenorge", 1);
    let key = signer.public().unwrap();
    for content in [
        None,
        Some(change()),
        Some(Change {
            until: None,
            active: false,
            acted_as: ActedAs::Own,
            ..change()
        }),
        // The longest that there can be.
        Some(Change {
            acted_as: ActedAs::PowerOfAttorney(longest_mandate()),
            organisation: Organisation::parse("abcdefghijklmnop").unwrap(),
            sequence: i64::MIN,
            ..change()
        }),
        Some(Change {
            acted_as: ActedAs::Guardian(SignedMandate::parse("a.b.c").unwrap()),
            ..change()
        }),
    ] {
        let item = item(content);
        let note = item.sign(&signer).unwrap();
        assert!(note.len() <= ItemKind::Setting.text_bytes_max());
        let read = Item::read(&note, (&gateway("helsenorge"), &key), &register("kreft"));
        assert_eq!(read.unwrap(), item);
        assert_eq!(Item::gateway_unchecked(&note), Some(gateway("helsenorge")));
    }
}

#[test]
fn what_another_signed_or_is_for_another_is_no_item() {
    let signer = signer("helsenorge", 1);
    let key = signer.public().unwrap();
    let note = item(Some(change())).sign(&signer).unwrap();
    let read = |note: &str, gateway: &GatewayName, key, at: &RegisterId| {
        Item::read(note, (gateway, key), at)
    };
    let (ours, kreft) = (gateway("helsenorge"), register("kreft"));

    let other_register = read(&note, &ours, &key, &register("hunt"));
    assert_eq!(other_register, Err(ItemError::OfOthers));
    let other_gateway = read(&note, &gateway("nhn"), &key, &kreft);
    assert_eq!(other_gateway, Err(ItemError::OfOthers));
    let other_key = super::tests::signer("helsenorge", 2).public().unwrap();
    assert!(matches!(
        read(&note, &ours, &other_key, &kreft),
        Err(ItemError::Note(_))
    ));
    for (from, to) in [("active: yes", "active: no"), ("number: 17", "number: 18")] {
        let changed = note.replace(from, to);
        assert_ne!(changed, note);
        assert!(matches!(
            read(&changed, &ours, &key, &kreft),
            Err(ItemError::Note(_))
        ));
    }
    // Signed, but not as an item is written.
    for text in [
        "innsyn setting 2\ngateway: helsenorge\n".to_owned(),
        item(None).text() + "more: 1\n",
        item(None).text().replace("number: 17", "number: +17"),
        item(None)
            .text()
            .replace("content: nothing", "content: something"),
    ] {
        let note = signer.sign_text(&text).unwrap();
        assert!(read(&note, &ours, &key, &kreft).is_err(), "{text}");
    }
}

#[test]
fn a_heartbeat_is_read_as_it_was_written_and_is_no_item() {
    let signer = signer("helsenorge", 1);
    let key = signer.public().unwrap();
    let heartbeat = Heartbeat {
        gateway: gateway("helsenorge"),
        register: register("kreft"),
        latest: 0,
        at: Timestamp::from_micros(5),
    };
    let note = heartbeat.sign(&signer).unwrap();
    let ours = gateway("helsenorge");
    let read = Heartbeat::read(&note, (&ours, &key), &register("kreft"));
    assert_eq!(read, Ok(heartbeat));
    let elsewhere = Heartbeat::read(&note, (&ours, &key), &register("hunt"));
    assert_eq!(elsewhere, Err(ItemError::OfOthers));
    assert!(Item::read(&note, (&ours, &key), &register("kreft")).is_err());
}

#[test]
fn nothing_of_a_person_is_in_what_is_printed() {
    let text = format!("{:?} {:?}", item(Some(change())), change());
    assert!(
        !text.contains("01891877885") && !text.contains("01817010055"),
        "{text}"
    );
}

const DEFINITIONS: &str = r#"
[[definition]]
id = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
part = "HDIR"
kind = "reservation"
purposes = ["research", "administration"]
legal_ground = "oppdiktet"
text_version = 3
name = "Reservasjon"
name_en = "Opt-out"

[[definition]]
id = "00000000-0000-0000-0000-000000000001"
part = "HUNT"
register = "hunt"
kind = "consent"
purposes = ["research"]
identifiability = ["aggregate"]
variables = ["visits.weight"]
legal_ground = "oppdiktet"
text_version = 1
name = "Samtykke"
name_en = "Consent"
may_end = true
"#;

#[test]
fn definitions_are_read() {
    let definitions = SettingDefinitions::parse(DEFINITIONS).unwrap();
    let [own, national] = definitions
        .iter()
        .map(Arc::clone)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert!(national.holds_at(&register("kreft")) && !own.holds_at(&register("kreft")));
    assert_eq!(
        (own.kind, national.kind),
        (SettingKind::Consent, SettingKind::Reservation)
    );
    assert_eq!((national.text_version, national.may_end), (3, false));
    let counted = Use::of_all(Purpose::Research, innsyn_policy::Identifiability::Aggregate);
    assert!(national.covers.touch(&counted) && own.covers.touch(&counted));
    assert!(!own.covers.cover(&counted), "it covers one variable only");
}

#[test]
fn a_mistake_in_the_definitions_is_named() {
    for (from, to, said) in [
        ("part = \"HDIR\"", "part = \"\"", "a party's code"),
        (
            "\"administration\"",
            "\"marketing\"",
            "`purposes` has no `marketing`",
        ),
        (
            "[\"aggregate\"]",
            "[\"all\"]",
            "`identifiability` has no `all`",
        ),
        ("visits.weight", "Visits", "`variables` has no `Visits`"),
        (
            "[\"research\", \"administration\"]",
            "[]",
            "covers no purpose",
        ),
        (
            "[\"research\", \"administration\"]",
            "[\"own_insight\"]",
            "own insight",
        ),
        ("register = \"hunt\"", "register = \"Hunt\"", "register id"),
        ("name = \"Samtykke\"", "name = \" \"", "`name`"),
        ("3f2504e0-4f89", "3f2504e0+4f89", "GUID"),
    ] {
        let text = DEFINITIONS.replacen(from, to, 1);
        assert_ne!(text, DEFINITIONS);
        let error = SettingDefinitions::parse(&text).unwrap_err();
        assert!(matches!(error, DefinitionsError::Definition { .. }));
        assert!(error.to_string().contains(said), "{error}");
    }
    let twice = DEFINITIONS.replace(
        "00000000-0000-0000-0000-000000000001",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    );
    assert!(matches!(
        SettingDefinitions::parse(&twice),
        Err(DefinitionsError::Twice(_))
    ));
    let unknown = DEFINITIONS.replace("may_end", "may_and");
    assert!(matches!(
        SettingDefinitions::parse(&unknown),
        Err(DefinitionsError::Syntax(_))
    ));
}
