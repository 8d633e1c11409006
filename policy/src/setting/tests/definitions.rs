//! What can be defined, and how it is named.

use crate::Purpose;
use crate::register::{LegalBasis, Register, RegisterId, RegisterKind};
use crate::setting::definition::{DefinitionError, Scope};
use crate::setting::{
    Covers, DefinitionId, Identifiability, PartCode, SettingDefinition, SettingKind, Variables,
};

fn register(legal_basis: LegalBasis) -> Register {
    Register {
        id: RegisterId::parse("kreft").unwrap(),
        kind: RegisterKind::Central,
        legal_basis,
        membership_is_sensitive: false,
    }
}

fn definition(kind: SettingKind, scope: Scope) -> SettingDefinition {
    SettingDefinition {
        id: DefinitionId::from_bytes([7; 16]),
        part: PartCode::parse("KREFT").unwrap(),
        scope,
        kind,
        covers: Covers::secondary_use(),
        legal_ground: "oppdiktet".to_owned(),
        text_version: 1,
        name_nb: "Reservasjon".to_owned(),
        name_en: "Reservation".to_owned(),
        may_end: false,
    }
}

#[test]
fn a_guid_is_read_in_either_case_and_written_in_one() {
    let text = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    let id = DefinitionId::parse(text).unwrap();
    assert_eq!(id.to_string(), text);
    assert_eq!(DefinitionId::parse(&text.to_uppercase()), Ok(id));
    assert_eq!(DefinitionId::from_bytes(*id.bytes()), id);
    for bad in [
        "",
        "3f2504e04f8911d39a0c0305e82c3301",
        "3f2504e0-4f89-11d3-9a0c-0305e82c330",
        "3f2504e0-4f89-11d3-9a0c-0305e82c33011",
        "3f2504e04-f89-11d3-9a0c-0305e82c3301",
        "3f2504e0-4f89-11d3-9a0c-0305e82c330g",
        "{f2504e0-4f89-11d3-9a0c-0305e82c330}",
        "3f2504e0-4f89-11d3-9a0c-0305e82c33-1",
    ] {
        assert!(DefinitionId::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn where_the_law_gives_no_right_of_reservation_a_register_defines_none() {
    let own = Scope::Register(RegisterId::parse("kreft").unwrap());
    for (basis, right) in [
        (LegalBasis::Mandatory, false),
        (LegalBasis::MandatoryWithReservation, true),
        (LegalBasis::Reservation, true),
        (LegalBasis::Consent, true),
        (LegalBasis::Pseudonymous, false),
        (LegalBasis::Deidentified, false),
    ] {
        let reservation = definition(SettingKind::Reservation, own.clone());
        let expected = if right {
            Ok(())
        } else {
            Err(DefinitionError::NoRightOfReservation)
        };
        assert_eq!(
            reservation.check_for(&register(basis)),
            expected,
            "{basis:?}"
        );
        // A national one rests on a law of its own, and a block is no reservation.
        let national = definition(SettingKind::Reservation, Scope::National);
        assert_eq!(national.check_for(&register(basis)), Ok(()));
        let block = definition(SettingKind::Block, own.clone());
        assert_eq!(block.check_for(&register(basis)), Ok(()));
    }
}

#[test]
fn a_definition_that_covers_nothing_or_own_insight_makes_no_sense() {
    let with = |covers| SettingDefinition {
        covers,
        ..definition(SettingKind::Block, Scope::National)
    };
    let nothing = with(Covers::new([], Identifiability::ALL, Variables::All));
    assert_eq!(nothing.check(), Err(DefinitionError::CoversNothing));
    let nobody = with(Covers::new([Purpose::Research], [], Variables::All));
    assert_eq!(nobody.check(), Err(DefinitionError::CoversNothing));
    let own = with(Covers::purpose(Purpose::OwnInsight));
    assert_eq!(own.check(), Err(DefinitionError::OwnInsight));
    assert_eq!(with(Covers::purpose(Purpose::Treatment)).check(), Ok(()));
}

#[test]
fn a_national_definition_holds_everywhere_and_a_registers_own_there() {
    let [kreft, hunt] = ["kreft", "hunt"].map(|id| RegisterId::parse(id).unwrap());
    let national = definition(SettingKind::Reservation, Scope::National);
    assert!(national.holds_at(&kreft) && national.holds_at(&hunt));
    let own = definition(SettingKind::Consent, Scope::Register(hunt.clone()));
    assert!(!own.holds_at(&kreft) && own.holds_at(&hunt));
}
