//! Organisations, and what a representation's areas cover.

use super::{Area, Areas, Organisation};
use crate::register::{LegalBasis, Register, RegisterId, RegisterKind};

#[test]
fn an_organisation_is_up_to_16_printable_characters() {
    for text in [
        "1",
        "983658725",
        "0192:983658725",
        "7080000000017",
        "1234567890123456",
    ] {
        assert_eq!(Organisation::parse(text).unwrap().as_str(), text);
    }
    for text in ["", "12345678901234567", "two words", "tab\t", "Bærum"] {
        assert!(Organisation::parse(text).is_err(), "`{text}`");
    }
}

#[test]
fn promise_3_an_organisation_is_never_a_person() {
    for text in ["01817010055", "pid:01817010055", "01817010055.2"] {
        let error = Organisation::parse(text).unwrap_err();
        assert!(!error.to_string().contains("01817010055"));
    }
}

#[test]
fn areas_cover_what_they_name_and_nothing_else() {
    let hunt = register("hunt", RegisterKind::Survey);
    let tromso = register("tromso", RegisterKind::Survey);
    let kreft = register("kreft", RegisterKind::Central);
    for (areas, covered) in [
        (vec![], [false, false, false]),
        (vec![Area::AllInsight], [true, true, true]),
        (vec![Area::Kind(RegisterKind::Survey)], [true, true, false]),
        (
            vec![Area::Kind(RegisterKind::Biobank)],
            [false, false, false],
        ),
        (vec![Area::Register(hunt.id.clone())], [true, false, false]),
        (
            vec![
                Area::Register(hunt.id.clone()),
                Area::Kind(RegisterKind::Central),
            ],
            [true, false, true],
        ),
    ] {
        let areas: Areas = areas.into_iter().collect();
        let covers = [&hunt, &tromso, &kreft].map(|register| areas.cover(register));
        assert_eq!(covers, covered, "{areas:?}");
        assert_eq!(areas.is_empty(), areas.iter().next().is_none());
    }
}

fn register(id: &str, kind: RegisterKind) -> Register {
    Register {
        id: RegisterId::parse(id).unwrap(),
        kind,
        legal_basis: LegalBasis::Consent,
        membership_is_sensitive: false,
    }
}
