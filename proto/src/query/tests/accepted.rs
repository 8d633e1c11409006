//! What a checked query knows.

use super::*;
use crate::wire::research::v1::{Grain, variable::Type};

#[test]
fn a_query_without_registers_asks_all_that_publish_its_view() {
    let query = checked(&counting("stays", ""));
    assert_eq!(query.registers(), ["nord", "vest"]);
    assert!(query.normal().registers.is_empty());

    let query = checked(&counting("stays", "registers: 'vest'"));
    assert_eq!(query.registers(), ["vest"]);
}

#[test]
fn a_checked_query_knows_the_views_that_it_uses_as_all_publish_them() {
    let mut views = catalogue();
    for view in views.iter_mut().filter(|v| v.register_id == "vest") {
        view.from_month -= 24;
        view.until_month -= 12;
        view.persons_about = 40;
        view.persons_disjoint = true;
        view.label_en = "Other words".to_owned();
    }
    let asks = counting(
        "people",
        "population { events { view: 'prescriptions' at_least: 2 } }",
    );

    let query = check(&asks, &views).unwrap();

    let people = query.view("people").unwrap();
    assert_eq!((people.from_month, people.until_month), (-24, 600));
    assert_eq!((people.persons_about, people.persons_disjoint), (40, false));
    assert_eq!(people.label_en, "Inhabitants");
    assert_eq!(people.register_id, "");
    assert!(query.view("prescriptions").is_some());
    assert!(query.view("stays").is_none());
}

#[test]
fn an_agent_gives_a_query_the_gateways_name_and_needs_only_its_own_views() {
    let asks = counting("stays", "registers: 'vest' registers: 'nord'");
    let own: Vec<View> = catalogue()
        .into_iter()
        .filter(|view| view.register_id == "vest")
        .collect();

    let at_agent = check_at(&register("vest"), &asks, &own).unwrap();

    assert_eq!(at_agent.name(), checked(&asks).name());
    assert_eq!(at_agent.registers(), ["vest"]);
}

#[test]
fn an_agent_refuses_a_query_that_asks_others_only() {
    let asks = counting("stays", "registers: 'nord'");
    let error = check_at(&register("vest"), &asks, &catalogue()).unwrap_err();
    assert_eq!(error.place, "registers");
    assert_eq!(error.fault, QueryFault::NotAsked("vest".to_owned()));

    let error = check_at(&register("sor"), &counting("stays", ""), &catalogue()).unwrap_err();
    assert_eq!(error.place, "view");
}

#[test]
fn registers_that_publish_a_view_differently_are_not_asked_together() {
    type Change = fn(&mut View);
    let changes: [(&str, Change); 5] = [
        ("its grain", |view| {
            view.grain = Grain::Person.into();
            view.event_date.clear();
        }),
        ("the date of its events", |view| {
            view.event_date = "left".to_owned();
            let mut date = view.variables[4].clone();
            date.name = "left".to_owned();
            view.variables.push(date);
        }),
        ("variable `score`", |view| {
            view.variables.pop();
        }),
        ("variable `sex`", |view| view.variables[0].of_person = false),
        ("variable `days`", |view| {
            let Some(Type::Number(number)) = &mut view.variables[7].r#type else {
                panic!("days is a number");
            };
            number.centre = 5.0;
        }),
    ];
    for (what, change) in changes {
        let mut views = catalogue();
        let stays = views.iter_mut().rfind(|view| view.name == "stays");
        change(stays.unwrap());

        let error = check(&counting("stays", ""), &views).unwrap_err();

        assert_eq!(error.place, "view");
        assert!(error.to_string().contains(what), "{what}: {error}");
        // Each alone is one table, and what is not asked does not matter.
        for alone in ["nord", "vest"] {
            let asks = counting("stays", &format!("registers: '{alone}'"));
            check(&asks, &views).unwrap();
        }
        check(&counting("people", ""), &views).unwrap();
    }
}

#[test]
fn a_view_that_is_published_wrongly_is_not_asked() {
    type Change = fn(&mut View);
    let changes: [Change; 8] = [
        |view| view.grain = 0,
        |view| view.grain = Grain::Person.into(),
        |view| view.event_date = "died".to_owned(),
        |view| view.event_date = "days".to_owned(),
        |view| view.until_month = 0,
        |view| view.variables[0].r#type = None,
        |view| view.variables[1].name = "sex".to_owned(),
        |view| {
            let Some(Type::Code(code)) = &mut view.variables[5].r#type else {
                panic!("diagnosis is a code");
            };
            code.level_characters = vec![3, 1];
        },
    ];
    for change in changes {
        let mut views = catalogue();
        change(&mut views[0]);
        let error = check(&counting("stays", ""), &views).unwrap_err();
        assert!(matches!(error.fault, QueryFault::BadView { .. }), "{error}");
        check(&counting("people", ""), &views).unwrap();
    }
}

#[test]
fn a_name_is_written_in_one_way() {
    let name = checked(&counting("people", "")).name();
    let text = name.to_string();
    assert_eq!(text.parse(), Ok(name));
    assert_eq!(QueryName::from_bytes(*name.as_bytes()), name);
    for wrong in [text.to_uppercase().as_str(), &text[1..], "", "no"] {
        assert_eq!(wrong.parse::<QueryName>(), Err(ParseQueryNameError));
    }
}
