//! Receipts as they travel.

use super::*;

const AT: i64 = 1_800_000_000;

fn signer() -> HeadSigner {
    HeadSigner::from_seed("innsyn/kreft", [7; 32]).unwrap()
}

fn receipt() -> Receipt {
    Receipt {
        register: RegisterId::parse("kreft").unwrap(),
        query: QueryName::from_bytes([1; 32]),
        permit: PermitId::new("helsedata.no", "2026-017").unwrap(),
        permit_digest: [2; 32],
        snapshot: [3; 32],
        purpose: Purpose::Research,
        settings_read_at: Timestamp::from_seconds(AT - 60),
        settings_age_s: 3,
        smallest_cell: 5,
        rounding_base: 3,
        steward: StewardsWord {
            rule: 2,
            approved: true,
        },
        persons_excluded: PersonsAbout::of(117),
        use_log_leaf: [4; 32],
        at: Timestamp::from_seconds(AT),
    }
}

#[test]
fn a_receipt_is_read_as_it_was_signed() {
    let note = receipt().sign(&signer()).unwrap();
    let key = signer().public().unwrap();
    assert_eq!(Receipt::read(&note, &key), Ok(receipt()));
    assert_eq!(Receipt::read_unchecked(&note), Ok(receipt()));
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines[0], "innsyn receipt 1");
    assert_eq!(lines[3], "permit: helsedata.no/2026-017");
    assert_eq!(lines[7], "settings-read: 2027-01-15T07:59:00Z");
    assert_eq!(lines[12], "steward-approved: yes");
    assert_eq!(lines[13], "persons-excluded-about: 120");
    assert_eq!(lines[15], "at: 2027-01-15T08:00:00Z");
    assert_eq!(lines[16], "");
    assert!(lines[17].starts_with("\u{2014} innsyn/kreft "));
}

#[test]
fn a_changed_receipt_or_another_logs_is_refused() {
    let note = receipt().sign(&signer()).unwrap();
    let key = signer().public().unwrap();
    let changed = note.replace("smallest-cell: 5", "smallest-cell: 3");
    assert_ne!(changed, note);
    let refused = Err(ReceiptError::Note(HeadError::BadSignature));
    assert_eq!(Receipt::read(&changed, &key), refused);
    // Without a key nobody can tell.
    assert!(Receipt::read_unchecked(&changed).is_ok());

    for (name, seed) in [("innsyn/kreft", [8; 32]), ("innsyn/msis", [7; 32])] {
        let other = HeadSigner::from_seed(name, seed).unwrap();
        let read = Receipt::read(&note, &other.public().unwrap());
        assert_eq!(read, Err(ReceiptError::Note(HeadError::Unsigned)));
    }
}

#[test]
fn what_is_not_written_as_a_receipt_is_not_read() {
    let text = receipt().text();
    let read = |text: &str| Receipt::read_unchecked(&signer().sign_text(text).unwrap());
    assert!(read(&text).is_ok());
    for (from, to) in [
        ("innsyn receipt 1", "innsyn receipt 2"),
        ("register: kreft", "register: Kreft"),
        ("query: 01", "query: 0g"),
        ("permit: helsedata.no/", "permit: helsedata.no"),
        ("permit-digest: 02", "permit-digest: "),
        ("purpose: research", "purpose: science"),
        ("settings-age-s: 3", "settings-age-s: -3"),
        ("settings-age-s: 3", "settings-age-s: 03"),
        ("steward-approved: yes", "steward-approved: true"),
        ("persons-excluded-about: 120", "persons-excluded-about: 117"),
        ("at: 2027-01-15T08:00:00Z", "at: 2027-01-15T09:00:00+01:00"),
        ("rounding-base: 3\n", ""),
        (
            "purpose: research\n",
            "purpose: research\npurpose: research\n",
        ),
        ("08:00:00Z\n", "08:00:00Z\nmore: 1\n"),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text, "{from}");
        assert!(read(&wrong).is_err(), "{to}");
    }
}

#[test]
fn a_receipt_is_no_head_and_a_head_no_receipt() {
    let key = signer().public().unwrap();
    let note = receipt().sign(&signer()).unwrap();
    assert!(head::SignedHead::read(note.as_bytes(), &key).is_err());
    let head = head::SignedHead::sign(3, [5; 32], &signer()).unwrap();
    let head = std::str::from_utf8(head.note()).unwrap();
    assert!(Receipt::read(head, &key).is_err());
}

#[test]
fn persons_are_told_to_the_nearest_ten() {
    for (exact, told) in [(0, 0), (4, 0), (5, 10), (14, 10), (15, 20), (117, 120)] {
        assert_eq!(PersonsAbout::of(exact).get(), told, "{exact}");
    }
    assert_eq!(PersonsAbout::of(u64::MAX).get() % PersonsAbout::BASE, 0);
}

fn refusal(ground: RefusalGround) -> RefusalReceipt {
    let part = receipt();
    RefusalReceipt {
        register: part.register,
        query: part.query,
        permit: part.permit,
        permit_digest: part.permit_digest,
        snapshot: part.snapshot,
        purpose: part.purpose,
        ground,
        use_log_leaf: part.use_log_leaf,
        at: part.at,
    }
}

const fn too_old(age_s: Option<u64>) -> RefusalGround {
    RefusalGround::SettingsTooOld(SettingsAge {
        read_at: Timestamp::from_seconds(AT - 3_660),
        age_s,
    })
}

#[test]
fn a_refusal_is_read_as_it_was_signed_whatever_its_ground() {
    let key = signer().public().unwrap();
    for ground in [
        too_old(Some(3_605)),
        too_old(None),
        RefusalGround::Steward,
        RefusalGround::Permit,
        RefusalGround::OutsidePermit,
    ] {
        let refusal = refusal(ground);
        let note = refusal.sign(&signer()).unwrap();
        assert_eq!(RefusalReceipt::read(&note, &key), Ok(refusal.clone()));
        assert_eq!(RefusalReceipt::read_unchecked(&note), Ok(refusal));
        // Nobody takes one for a receipt of a part.
        assert!(Receipt::read(&note, &key).is_err());
    }
    let part = receipt().sign(&signer()).unwrap();
    assert!(RefusalReceipt::read(&part, &key).is_err());

    let lines = refusal(too_old(Some(3_605))).text();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[0], "innsyn refusal 1");
    assert_eq!(lines[7], "refused: settings-too-old");
    assert_eq!(lines[8], "settings-read: 2027-01-15T06:59:00Z");
    assert_eq!(lines[9], "settings-age-s: 3605");
    assert_eq!(lines[11], "at: 2027-01-15T08:00:00Z");
}

#[test]
fn what_is_not_written_as_a_refusal_is_not_read() {
    let key = signer().public().unwrap();
    let text = refusal(too_old(Some(3_605))).text();
    let read = |text: &str| RefusalReceipt::read_unchecked(&signer().sign_text(text).unwrap());
    assert!(read(&text).is_ok());
    for (from, to) in [
        ("refused: settings-too-old", "refused: no-consent"),
        ("refused: settings-too-old", "refused: steward"),
        ("settings-age-s: 3605\n", ""),
        ("settings-age-s: 3605", "settings-age-s: 0x3605"),
        ("settings-age-s: 3605", "settings-age-s: +3605"),
        ("settings-age-s: 3605", "settings-age-s: never"),
        ("08:00:00Z\n", "08:00:00Z\nperson: 1\n"),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text, "{from}");
        assert!(read(&wrong).is_err(), "{to}");
    }
    let note = refusal(RefusalGround::Steward).sign(&signer()).unwrap();
    let changed = note.replace("refused: steward", "refused: permit");
    assert_ne!(changed, note);
    assert!(RefusalReceipt::read(&changed, &key).is_err());
}
