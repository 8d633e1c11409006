//! An issuer signs, a researcher reads, a register's steward verifies.

use std::os::unix::fs::PermissionsExt as _;

use rcgen::{KeyPair, PKCS_ED25519};
use tempfile::TempDir;

use super::*;

const EXAMPLE: &str = include_str!("../../../data-permit.example.toml");
/// The invented person in it.
const KARI: &str = "01817010055";

/// An issuer's desk: a folder with a key pair and a description.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        desk.put("key.pem", &key.serialize_pem());
        desk.put("public.pem", &key.public_key_pem());
        desk.put("permit.toml", EXAMPLE);
        desk
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn issue(&self, out: &str) -> anyhow::Result<String> {
        let command = DataPermitCommand::Issue {
            description: self.file("permit.toml"),
            key: self.file("key.pem"),
            out: self.file(out),
        };
        command.answer(noon_in(2026))
    }

    fn show(&self) -> anyhow::Result<String> {
        let permit = self.file("permit.jws");
        DataPermitCommand::Show { permit }.answer(noon_in(2026))
    }

    fn verify(&self, issuer: &str, now: Timestamp) -> anyhow::Result<String> {
        let command = DataPermitCommand::Verify {
            permit: self.file("permit.jws"),
            issuer: issuer.to_owned(),
            keys: vec![self.file("public.pem")],
        };
        command.answer(now)
    }
}

/// Some day in `year`.
fn noon_in(year: i16) -> Timestamp {
    Timestamp::start_of_day_in_norway(Date::constant(year, 6, 1)).unwrap()
}

/// An error with all that led to it, as the program prints it.
fn told_in_full(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

#[test]
fn what_an_issuer_signs_a_researcher_reads_and_a_steward_verifies() {
    let desk = Desk::new();
    let issued = desk.issue("permit.jws").unwrap();
    let shown = desk.show().unwrap();
    let verified = desk.verify("helsedata.no", noon_in(2026)).unwrap();
    for answer in [&issued, &shown, &verified] {
        assert!(!answer.contains(KARI), "{answer}");
        for line in [
            "permit          helsedata.no/2026-017\n",
            "people          1 entitled\n",
            "view diagnoses  code, date, stage, treating_unit\n",
            "born            in any year\n",
            "data of         2015-01 to 2024-12\n",
            "valid           from 2025-12-31T23:00:00Z, until 2027-12-31T23:00:00Z\n",
        ] {
            assert!(answer.contains(line), "{line}\n{answer}");
        }
    }
    assert!(shown.contains("was not verified"));
    assert!(verified.contains("Signed by `helsedata.no`, and valid now"));
}

#[test]
fn every_key_of_the_example_is_known() {
    let switched_on: Vec<String> = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let words = described(&switched_on.join("\n")).unwrap().words();
    let said = |heading: &str| words.iter().find(|(h, _)| h == heading).unwrap().1.clone();
    assert_eq!(said("born"), "1940 to 1989");
    assert!(said("kind").contains("`4207` of `treating_unit`"));
}

#[test]
fn a_permit_is_for_its_owner_only_and_never_overwritten() {
    let desk = Desk::new();
    desk.issue("permit.jws").unwrap();
    let file = std::fs::metadata(desk.file("permit.jws")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let error = desk.issue("permit.jws").unwrap_err();
    assert!(told_in_full(&error).contains("permit.jws` cannot be written"));
}

#[test]
fn a_permit_of_another_issuer_or_key_or_time_is_not_verified() {
    let desk = Desk::new();
    desk.issue("permit.jws").unwrap();
    let why = |desk: &Desk, issuer, now| told_in_full(&desk.verify(issuer, now).unwrap_err());
    assert!(why(&desk, "fhi.no", noon_in(2026)).contains("not one that is trusted"));
    assert!(why(&desk, "helsedata.no", noon_in(2028)).contains("has expired"));
    assert!(why(&desk, "helsedata.no", noon_in(2025)).contains("not valid yet"));

    let other = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    desk.put("public.pem", &other.public_key_pem());
    assert!(why(&desk, "helsedata.no", noon_in(2026)).contains("signed by none"));
}

#[test]
fn a_description_that_is_wrong_is_refused_by_its_line_and_without_its_people() {
    let desk = Desk::new();
    for (right, wrong, said) in [
        // The quotes forgotten, a key too many, and what TOML itself does not understand.
        (
            r#"["01817010055"]"#,
            "[1817010055]",
            "line 17: invalid type: integer `*****`",
        ),
        (
            "[permit]",
            "[permit]\n01817010055 = 1",
            "line 13: unknown field `*****`",
        ),
        (r#"["01817010055"]"#, r#"["01817010055"#, "line 18: missing"),
        (r#"["01817010055"]"#, r#"["01817010056"]"#, "`people` has"),
        ("smallest_cell = 5", "smallest_cell = 2", "`smallest_cell`"),
        (r#""2027-12-31""#, r#""2027-12-32""#, "line 10: "),
        (r#""2027-12-31""#, r#""2025-12-31""#, "`valid` ends"),
    ] {
        let text = EXAMPLE.replacen(right, wrong, 1);
        assert_ne!(text, EXAMPLE, "{right}");
        desk.put("permit.toml", &text);
        let told = told_in_full(&desk.issue("wrong.jws").unwrap_err());
        assert!(told.contains("permit.toml` describes no data permit"));
        assert!(told.contains(said), "{said}\n{told}");
        assert!(!told.contains("18170"), "{told}");
        assert!(!desk.file("wrong.jws").exists());
    }
}

#[test]
fn long_numbers_are_starred_and_short_ones_stay() {
    assert_eq!(
        without_numbers("2026-01-01 1234 12345 a018170 10055b 01817010055"),
        "2026-01-01 1234 ***** a***** *****b *****"
    );
    assert_eq!(without_numbers(""), "");
}
