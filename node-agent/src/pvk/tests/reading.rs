//! What is a setting of this register's, and what is not; and what one means for a use.

use innsyn_policy::{Identifiability, LegalBasis, Purpose, Settings, Use, may_be_counted};
use serde_json::{Value, json};

use super::super::wire::{NotASetting, PageAnswer, Pushed, PvkSetting, Status};
use super::world::{CONSENT, NOW, OWN, RESEARCH, World, definition};
use crate::settings::kept::OfPerson;
use crate::test_ids::{digits, looks_real, person};

fn pushed(change: impl FnOnce(&mut Value)) -> Pushed {
    let mut pushed = json!({
        "innbyggerFnr": digits(1),
        "definisjonGuid": RESEARCH,
        "definisjonNavn": "Reservasjon",
        "partKode": "HDIR",
        "typePi": "reservasjon",
        "aktiv": true,
        "sekvensnummer": 1,
        "tidspunkt": "2027-01-15T08:00:00Z",
        "nyttFelt": { "som": "kommer" },
    });
    change(&mut pushed);
    serde_json::from_value(pushed).unwrap()
}

#[tokio::test]
async fn what_is_pushed_is_read_strictly_and_what_is_new_is_passed_over() {
    let world = World::new().await;
    let reader = world.reader();
    let setting = reader.pushed(&pushed(|_| ())).unwrap();
    assert_eq!(setting.person, person(1));
    assert_eq!((setting.active, setting.sequence), (true, 1));
    assert_eq!(setting.changed_at, NOW);
    let named_otherwise = pushed(|it| {
        it["sequenceNumber"] = it["sekvensnummer"].take();
        it.as_object_mut().unwrap().remove("sekvensnummer");
    });
    assert_eq!(reader.pushed(&named_otherwise).unwrap().sequence, 1);

    let refused = |key: &str, value: Value| reader.pushed(&pushed(|it| it[key] = value));
    for (key, value, why) in [
        ("innbyggerFnr", json!("12345678901"), NotASetting::Person),
        ("innbyggerFnr", json!(looks_real(1)), NotASetting::Person),
        ("definisjonGuid", json!("none"), NotASetting::Definition),
        ("definisjonGuid", json!(OWN), NotASetting::Definition),
        (
            "definisjonGuid",
            json!(OWN.replace("03", "09")),
            NotASetting::Definition,
        ),
        ("partKode", json!("NTNU"), NotASetting::Part),
        ("typePi", json!("samtykke"), NotASetting::Kind),
        ("sekvensnummer", json!(0), NotASetting::Sequence),
        ("sekvensnummer", json!(null), NotASetting::Sequence),
        ("tidspunkt", json!("snart"), NotASetting::Time),
        ("tidspunkt", json!(null), NotASetting::Time),
        ("gyldigTil", json!("aldri"), NotASetting::Time),
    ] {
        assert_eq!(
            refused(key, value.clone()).unwrap_err(),
            why,
            "{key}: {value}"
        );
    }
}

#[tokio::test]
async fn a_page_says_what_asks_for_the_next_and_one_bad_row_spoils_it() {
    let world = World::new().await;
    let reader = world.reader();
    let page = |paging: Value, number: String| {
        let answer: PageAnswer = serde_json::from_value(json!({
            "definisjonGuid": RESEARCH.to_uppercase(),
            "pagingReference": paging,
            "personvernInnstillinger": [{
                "innbyggerFnr": number,
                "sekvensnummer": 7,
                "opprettetTidspunkt": "2026-01-15T08:00:00",
                "sistEndretTidspunkt": "2026-01-15T09:00:00",
            }],
        }))
        .unwrap();
        reader.page(&answer, &definition(RESEARCH))
    };
    for end in [json!(0), json!("0"), json!(null)] {
        assert_eq!(page(end, digits(1)).unwrap().next, None);
    }
    for more in [json!(1_000), json!("1000")] {
        let page = page(more, digits(1)).unwrap();
        assert_eq!(page.next.as_deref(), Some("1000"));
        assert_eq!(page.settings[0].sequence, 7);
    }
    assert!(page(json!(0), "123".to_owned()).is_err());
    let other = serde_json::from_value(json!({
        "definisjonGuid": CONSENT, "pagingReference": 0, "personvernInnstillinger": [],
    }));
    assert!(reader.page(&other.unwrap(), &definition(RESEARCH)).is_err());
}

#[tokio::test]
async fn never_said_is_not_the_same_as_taken_back() {
    let world = World::new().await;
    let reader = world.reader();
    let status = |value: Value| {
        let status: Status = serde_json::from_value(value).unwrap();
        reader.status(&status, &person(1), &definition(RESEARCH))
    };
    assert_eq!(status(json!({ "aktiv": false })), Ok(None));
    let taken_back = json!({
        "aktiv": false, "sekvensnummer": 2, "sistEndretTidspunkt": "2026-01-15T09:00:00Z",
    });
    assert_eq!(status(taken_back).unwrap().unwrap().sequence, 2);
    assert_eq!(status(json!({ "aktiv": true })), Err(NotASetting::Sequence));
}

/// Valid, expired, revoked and of another scope, for a no and for a yes.
#[tokio::test]
async fn area_2_pvk_a_setting_binds_what_it_covers_while_it_stands() {
    let later = NOW.plus(std::time::Duration::from_hours(1));
    let past = NOW.minus(std::time::Duration::from_hours(1));
    // Of what, whether it stands, until when, and what for: may the person be counted?
    let matrix = [
        (RESEARCH, true, None, Purpose::Research, false),
        (RESEARCH, true, Some(later), Purpose::Research, false),
        (RESEARCH, true, Some(past), Purpose::Research, true),
        (RESEARCH, false, None, Purpose::Research, true),
        (RESEARCH, true, None, Purpose::QualityImprovement, true),
        (CONSENT, true, None, Purpose::QualityImprovement, true),
        (
            CONSENT,
            true,
            Some(later),
            Purpose::QualityImprovement,
            true,
        ),
        (
            CONSENT,
            true,
            Some(past),
            Purpose::QualityImprovement,
            false,
        ),
        (CONSENT, false, None, Purpose::QualityImprovement, false),
        (CONSENT, true, None, Purpose::Research, false),
    ];
    for (of, active, until, purpose, may) in matrix {
        let world = World::new().await;
        let setting = PvkSetting {
            person: person(1),
            definition: definition(of),
            active,
            sequence: 3,
            // PVK's clock may go fast: it binds all the same.
            changed_at: later,
            until,
        };
        assert_eq!(world.taking().take(&[setting]).await.unwrap(), 1);
        let OfPerson::Known(settings) = world.keeper.kept().of(&person(1)) else {
            panic!("undefined");
        };
        // A no needs a register that needs no yes.
        let basis = if of == RESEARCH {
            LegalBasis::Reservation
        } else {
            LegalBasis::Consent
        };
        let use_of = Use::of_all(purpose, Identifiability::Aggregate);
        let counted = may_be_counted(&use_of, basis, Settings::Known(&settings), NOW);
        assert_eq!(counted, may, "{of} {active} {until:?} {purpose:?}");
    }
}
