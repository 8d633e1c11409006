//! What the public catalogue says, and that both ways to write it say the same.

use std::collections::BTreeSet;

use innsyn_policy::RegisterId;
use innsyn_proto::wire::research::v1::variable::Type;
use innsyn_proto::wire::research::v1::{Code, Date, Grain, Number, Variable, View};
use oxjsonld::JsonLdParser;
use oxrdf::vocab::rdf;
use oxrdf::{Graph, NamedNodeRef, Quad, TermRef};
use oxttl::TurtleParser;

use super::vocabulary::{csvw, dcat, dct, dpv, foaf, health, innsyn, other, value};
use super::*;
use crate::catalog::Catalogue;

const ADDRESS: &str = "https://forsking.example";

fn gateway() -> PublicCatalogueConfig {
    toml::from_str(
        "address = 'https://forsking.example/'\npublisher = 'Oppfunnet datatjeneste'\n\
         contact_email = 'svar@example.invalid'",
    )
    .unwrap()
}

/// A consenting quality register, a biobank and one without an agent.
fn registers() -> Vec<Publisher> {
    let row = |id: &str, kind: &str, basis: &str, listing: &str| {
        format!(
            "[[register]]\nid = '{id}'\nname = 'Registeret {id}'\nname_en = 'Register {id}'\n\
             description = 'Oppfunnet «beskrivelse» av {id}.'\nkind = '{kind}'\n\
             legal_basis = '{basis}'\nmembership_is_sensitive = false\ncontroller = 'Eier {id}'\n\
             contact_email = '{id}@example.invalid'\nlisting = '{listing}'\n\
             insight = {{ method = 'dialog' }}\n"
        )
    };
    let text = [
        row("nord", "quality", "consent", "live"),
        row("bio-1", "biobank", "mandatory", "live"),
        row("away", "central", "mandatory", "not_connected"),
    ];
    let catalogue = Catalogue::parse(&text.concat()).unwrap();
    let entries = catalogue.entries().iter();
    entries
        .map(|entry| Publisher {
            entry: entry.wire.clone(),
            is_live: entry.listing == crate::catalog::Listing::Live,
        })
        .collect()
}

fn variable(name: &str, kind: Type) -> Variable {
    Variable {
        name: name.to_owned(),
        label_nb: format!("{name} på norsk"),
        label_en: format!("{name} in English"),
        r#type: Some(kind),
        of_person: false,
    }
}

fn view(register: &str, name: &str) -> View {
    let code = |system: &str| {
        Type::Code(Code {
            system: system.to_owned(),
            version: "2024".to_owned(),
            level_characters: vec![1, 3],
            is_dimension: true,
        })
    };
    let number = Type::Number(Number {
        unit: "d".to_owned(),
        is_integer: true,
        clip_from: Some(0.0),
        clip_to: Some(365.5),
        centre: 3.0,
    });
    View {
        name: name.to_owned(),
        register_id: register.to_owned(),
        label_nb: "Opphold \"A\"".to_owned(),
        label_en: "Stays \\ B\n".to_owned(),
        grain: Grain::Event.into(),
        variables: vec![
            variable("diagnosis", code("ICD-10")),
            variable("ward", code("eget")),
            variable("days", number),
            variable("admitted", Type::Date(Date {})),
        ],
        from_month: -11,
        until_month: 26,
        persons_about: 12_000,
        persons_disjoint: true,
        event_date: "admitted".to_owned(),
    }
}

fn published() -> Published {
    let of_persons = View {
        grain: Grain::Person.into(),
        persons_about: 0,
        from_month: 0,
        until_month: 0,
        ..view("bio-1", "stays")
    };
    Published {
        views: vec![view("nord", "stays"), of_persons],
        ..Published::default()
    }
}

fn catalogue() -> PublicCatalogue {
    PublicCatalogue::new(gateway(), registers())
}

fn named(fragment: &str) -> String {
    format!("{ADDRESS}/v1/catalogue#{fragment}")
}

/// What `graph` says of the part called `fragment` by `predicate`, in words.
fn said(graph: &Graph, fragment: &str, predicate: NamedNodeRef<'_>) -> BTreeSet<String> {
    let subject = named(fragment);
    let subject = NamedNodeRef::new(&subject).unwrap();
    graph
        .objects_for_subject_predicate(subject, predicate)
        .map(|object| match object {
            TermRef::NamedNode(node) => node.as_str().to_owned(),
            TermRef::Literal(literal) => match literal.language() {
                Some(language) => format!("{}@{language}", literal.value()),
                None => literal.value().to_owned(),
            },
            TermRef::BlankNode(node) => panic!("{node} has no name"),
        })
        .collect()
}

fn one(graph: &Graph, fragment: &str, predicate: NamedNodeRef<'_>) -> String {
    let said = said(graph, fragment, predicate);
    assert_eq!(said.len(), 1, "{fragment} {predicate}: {said:?}");
    said.into_iter().next().unwrap()
}

#[test]
fn both_forms_say_the_same_and_always_in_the_same_bytes() {
    let graph = catalogue().described(&published());
    let [turtle, json] = [Form::Turtle, Form::JsonLd].map(|form| {
        let written = form.write(&graph).unwrap();
        let anew = catalogue().described(&published());
        assert_eq!(form.write(&anew).unwrap(), written);
        written
    });
    let of_turtle: Result<Graph, _> = TurtleParser::new().for_slice(&turtle).collect();
    assert_eq!(of_turtle.unwrap(), graph);
    let quads: Result<Vec<Quad>, _> = JsonLdParser::new().for_slice(&json).collect();
    let of_json: Graph = quads
        .unwrap()
        .into_iter()
        .map(oxrdf::Triple::from)
        .collect();
    assert_eq!(of_json, graph);
    assert!(graph.len() > 150, "{}", graph.len());
}

#[test]
fn a_dataset_says_what_its_register_publishes() {
    let graph = catalogue().described(&published());
    let stays = "nord.stays";
    assert_eq!(
        said(&graph, stays, dct::TITLE),
        [
            "Opphold \"A\" – Registeret nord@nb".to_owned(),
            "Stays \\ B\n – Register nord@en".to_owned(),
        ]
        .into()
    );
    assert_eq!(one(&graph, stays, dct::IDENTIFIER), named(stays));
    assert_eq!(one(&graph, stays, dct::PUBLISHER), named("nord"));
    assert_eq!(one(&graph, stays, health::HDAB), named("gateway"));
    assert_eq!(
        one(&graph, stays, health::HEALTH_CATEGORY),
        value::MEDICAL_REGISTRIES.as_str()
    );
    assert_eq!(
        one(&graph, stays, dpv::HAS_LEGAL_BASIS),
        dpv::CONSENT.as_str()
    );
    assert_eq!(
        one(&graph, stays, dct::ACCESS_RIGHTS),
        value::NON_PUBLIC.as_str()
    );
    let individuals = health::NUMBER_OF_UNIQUE_INDIVIDUALS;
    assert_eq!(one(&graph, stays, individuals), "12000");
    // A person may have many rows.
    assert!(said(&graph, stays, health::NUMBER_OF_RECORDS).is_empty());
    assert_eq!(
        one(&graph, stays, health::HAS_CODING_SYSTEM),
        value::ICD_10.as_str()
    );
    assert_eq!(
        said(&graph, stays, health::HAS_CODE_VALUES),
        [
            "diagnosis: ICD-10 2024".to_owned(),
            "ward: eget 2024".to_owned()
        ]
        .into()
    );
    let period = "nord.stays.-period";
    assert_eq!(one(&graph, period, dcat::START_DATE), "1969-02-01");
    assert_eq!(one(&graph, period, dcat::END_DATE), "1972-02-29");
    let contact = "nord.-contact";
    assert_eq!(
        one(&graph, contact, other::VCARD_HAS_EMAIL),
        "mailto:nord@example.invalid"
    );
}

#[test]
fn what_a_register_has_not_said_is_not_said() {
    let graph = catalogue().described(&published());
    for predicate in [
        health::NUMBER_OF_UNIQUE_INDIVIDUALS,
        health::NUMBER_OF_RECORDS,
        health::POPULATION_COVERAGE,
        dct::TEMPORAL,
    ] {
        assert!(said(&graph, "bio-1.stays", predicate).is_empty());
    }
    let unknown: Vec<_> = graph
        .iter()
        .filter(|triple| triple.to_string().contains("TypicalAge"))
        .collect();
    assert!(unknown.is_empty());
}

#[test]
fn every_register_is_there_and_those_whose_views_are_not_known_say_so() {
    let mut published = published();
    published.silent = [RegisterId::parse("bio-1").unwrap()].into();
    let graph = catalogue().described(&published);
    for (register, known) in [("nord", "true"), ("bio-1", "false"), ("away", "true")] {
        assert_eq!(one(&graph, register, rdf::TYPE), foaf::AGENT.as_str());
        assert_eq!(one(&graph, register, innsyn::VIEWS_KNOWN), known);
    }
    assert_eq!(one(&graph, "nord", innsyn::REGISTER_BASIS), "consent");
}

#[test]
fn a_column_says_its_type_its_unit_its_bounds_and_its_code_system() {
    let graph = catalogue().described(&published());
    let columns = said(&graph, "nord.stays.-table", csvw::COLUMN);
    assert_eq!(columns, said(&graph, "nord.stays.-schema", csvw::COLUMN));
    assert_eq!(columns.len(), 4);
    for (variable, datatype) in [
        ("diagnosis", "string"),
        ("days", "integer"),
        ("admitted", "date"),
    ] {
        let column = format!("nord.stays.{variable}");
        assert!(columns.contains(&named(&column)));
        assert_eq!(one(&graph, &column, csvw::NAME), variable);
        assert_eq!(one(&graph, &column, csvw::DATATYPE), datatype);
        assert_eq!(said(&graph, &column, csvw::TITLE).len(), 2);
    }
    let days = "nord.stays.days";
    assert_eq!(one(&graph, days, other::UNIT_MEASURE), "d");
    assert_eq!(one(&graph, days, innsyn::CLIP_TO), "365.5");
    let diagnosis = "nord.stays.diagnosis";
    assert_eq!(one(&graph, diagnosis, innsyn::CODE_SYSTEM), "ICD-10");
    assert_eq!(
        one(&graph, diagnosis, dct::CONFORMS_TO),
        value::ICD_10.as_str()
    );
}

#[test]
fn a_name_that_is_none_is_left_out_and_breaks_nothing() {
    let mut published = published();
    for name in ["", "Å", "a b", "x>", "a.b", "a#b", &"a".repeat(65)] {
        published.views.push(view("nord", name));
    }
    let mut bad_variable = view("nord", "visits");
    bad_variable.variables[0].name = "> <http://evil.example/> <".to_owned();
    published.views.push(bad_variable);
    let graph = catalogue().described(&published);
    let datasets: BTreeSet<String> = graph
        .subjects_for_predicate_object(rdf::TYPE, dcat::DATASET_CLASS)
        .map(|subject| subject.to_string())
        .collect();
    let expected = ["nord.stays", "nord.visits", "bio-1.stays"];
    assert_eq!(
        datasets,
        expected.map(|name| format!("<{}>", named(name))).into()
    );
    assert_eq!(said(&graph, "nord.visits.-table", csvw::COLUMN).len(), 3);
    let turtle = Form::Turtle.write(&graph).unwrap();
    let read: Result<Graph, _> = TurtleParser::new().for_slice(&turtle).collect();
    assert_eq!(read.unwrap(), graph);
}

#[test]
fn the_form_is_the_one_that_is_wanted_most() {
    let table = [
        (None, Some(Form::Turtle)),
        (Some("*/*"), Some(Form::Turtle)),
        (Some("text/turtle"), Some(Form::Turtle)),
        (Some("application/ld+json"), Some(Form::JsonLd)),
        (
            Some("Application/LD+JSON; q=0.9, */*;q=0.1"),
            Some(Form::JsonLd),
        ),
        (
            Some("text/*;q=0.5, application/ld+json;q=0.6"),
            Some(Form::JsonLd),
        ),
        (Some("text/turtle;q=0, */*"), Some(Form::JsonLd)),
        (
            Some("text/html, application/xhtml+xml, */*;q=0.8"),
            Some(Form::Turtle),
        ),
        (Some("text/html"), None),
        (Some("text/turtle;q=0"), None),
        (Some("text/turtle;q=much"), None),
    ];
    for (accept, wanted) in table {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        assert_eq!(Form::wanted(&headers), wanted, "{accept:?}");
    }
}

#[test]
fn an_address_that_cannot_name_anything_is_refused() {
    let parse = |address: &str| -> Result<PublicCatalogueConfig, String> {
        let text = format!("address = '{address}'\npublisher = 'a'\ncontact_email = 'a@b'");
        toml::from_str(&text).map_err(|error| error.to_string())
    };
    for good in [
        "https://a.example",
        "https://a.example:8443/",
        "http://127.0.0.1:8081",
    ] {
        parse(good).unwrap();
    }
    for bad in [
        "",
        "a.example",
        "http://a.example",
        "https://a.example/path",
        "https://a.example?x",
        "https://me@a.example",
        "ftp://a.example",
    ] {
        let error = parse(bad).unwrap_err();
        assert!(error.contains("must be https://"), "{bad}: {error}");
    }
}
