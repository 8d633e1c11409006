//! What a catalogue may say.

use super::*;

const KREFT: &str = r#"
[[register]]
id = "kreft"
name = "Kreftregisteret"
name_en = "Cancer Registry of Norway"
description = "Oppfunnet beskrivelse."
kind = "central"
legal_basis = "mandatory"
membership_is_sensitive = true
controller = "FHI"
contact_email = "kreft@example.invalid"
insight = { method = "live_query" }
listing = "live"
"#;

fn changed(from: &str, to: &str) -> Result<Catalogue, CatalogueError> {
    assert!(KREFT.contains(from), "the example has no {from}");
    Catalogue::parse(&KREFT.replace(from, to))
}

#[test]
fn a_register_is_read_whole_and_its_wire_form_is_ready() {
    let catalogue = Catalogue::parse(KREFT).unwrap();
    let [entry] = catalogue.entries() else {
        panic!("one register");
    };

    assert_eq!(entry.register.id.as_str(), "kreft");
    assert_eq!(entry.register.legal_basis, LegalBasis::Mandatory);
    assert_eq!(entry.fixed_outcome(), None);
    assert_eq!(entry.wire.name_en, "Cancer Registry of Norway");
    assert_eq!(entry.wire.kind(), wire::RegisterKind::Central);
    assert_eq!(entry.wire.insight_method(), wire::InsightMethod::LiveQuery);
}

#[test]
fn the_order_of_the_file_is_kept() {
    let text = ["c", "a", "b"]
        .map(|id| KREFT.replace("\"kreft\"", &format!("\"{id}\"")))
        .concat();

    let catalogue = Catalogue::parse(&text).unwrap();

    let ids: Vec<_> = catalogue.entries().iter().map(|e| &e.wire.id).collect();
    assert_eq!(ids, ["c", "a", "b"]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    use CatalogueError as E;

    assert!(matches!(Catalogue::parse(""), Err(E::Size(0))));
    assert!(matches!(
        Catalogue::parse(&KREFT.repeat(2)),
        Err(E::Duplicate(_))
    ));
    assert!(matches!(
        changed("controller", "kontroller"),
        Err(E::Syntax(_))
    ));
    assert!(matches!(changed("\"kreft\"", "\"Kreft\""), Err(E::Id(_))));
    assert!(matches!(
        changed("\"FHI\"", "\" \""),
        Err(E::Empty(_, "controller"))
    ));
    assert!(matches!(
        changed("kreft@example", "kreft.example"),
        Err(E::Contact(_))
    ));
    assert!(matches!(
        changed("\"mandatory\"", "\"deidentified\""),
        Err(E::DeidentifiedLive(_))
    ));
    assert!(matches!(
        changed("\"live\"", "\"cannot_be_asked\""),
        Err(E::CanBeAsked(_))
    ));
    assert!(matches!(changed("live_query", "link"), Err(E::Link(_))));
    let linked = |link: &str| {
        let method = format!("\"link\", link = \"{link}\"");
        changed("\"live_query\"", &method)
    };
    linked("https://kreft.example/innsyn?fra=innsyn").unwrap();
    for link in [
        "http://kreft.example/innsyn",
        "https:///innsyn",
        "https://kreft.example@elsewhere.example/",
        "https://kreft.example/inn syn",
        "https://kreft.example/01891877885",
        "javascript:alert(1)",
    ] {
        assert!(matches!(linked(link), Err(E::LinkNotGood(_))), "{link}");
    }
    assert!(matches!(
        changed(
            "\"live_query\"",
            "\"dialog\", link = \"https://example.invalid\""
        ),
        Err(E::Link(_))
    ));
}

#[test]
fn a_description_is_counted_in_characters_not_bytes() {
    let long = |characters| changed("Oppfunnet beskrivelse.", &"ø".repeat(characters));

    assert!(long(DESCRIPTION_CHARACTERS_MAX).is_ok());
    assert!(matches!(
        long(DESCRIPTION_CHARACTERS_MAX + 1),
        Err(CatalogueError::Description {
            characters: 613,
            ..
        })
    ));
}

#[test]
fn what_the_catalogue_alone_decides_is_an_outcome_here() {
    let fixed = |basis: &str, listing: &str| {
        let text = KREFT
            .replace("\"mandatory\"", &format!("\"{basis}\""))
            .replace("\"live\"", &format!("\"{listing}\""));
        Catalogue::parse(&text).unwrap().entries()[0].fixed_outcome()
    };

    assert_eq!(
        fixed("deidentified", "cannot_be_asked"),
        Some(Outcome::CannotBeAsked(CannotBeAskedReason::Deidentified))
    );
    assert_eq!(
        fixed("pseudonymous", "cannot_be_asked"),
        Some(Outcome::CannotBeAsked(CannotBeAskedReason::Pseudonymous))
    );
    assert_eq!(fixed("pseudonymous", "live"), None);
    assert_eq!(
        fixed("mandatory", "not_connected"),
        Some(Outcome::NotConnected)
    );
}
