//! Who may ask what; and that nobody is asked before that is clear.

use innsyn_policy::data_permit::Terms;
use innsyn_policy::{NationalId, NumberRules, Organisation, RegisterId, Timestamp};
use innsyn_proto::data_permit::IssuerSigner;
use innsyn_proto::wire::research::v1 as wire;
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;
use wire::measure::Measure as Told;

use super::queries::*;
use super::world::*;

fn reason(error: &Status) -> String {
    error.get_details_error_info().unwrap().reason
}

/// The claims with these changed; null takes one away.
fn with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

#[tokio::test]
async fn a_token_that_is_not_a_researchers_opens_nothing() {
    let world = World::new().await;
    let table = [
        (json!({ "iss": "https://other.example" }), "TOKEN_REFUSED"),
        (json!({ "aud": "other" }), "TOKEN_REFUSED"),
        (json!({ "exp": NOW + 30 }), "TOKEN_REFUSED"),
        (json!({ "nbf": NOW + 120 }), "TOKEN_REFUSED"),
        (json!({ "client_id": null }), "TOKEN_REFUSED"),
        (json!({ "scp": null }), "SCOPE_MISSING"),
        (json!({ "scp": "innsyn:registrations" }), "SCOPE_MISSING"),
        (json!({ "scp": "innsyn:research2" }), "SCOPE_MISSING"),
        (json!({ "acr": null }), "ASSURANCE_TOO_LOW"),
        (
            json!({ "acr": "idporten-loa-substantial" }),
            "ASSURANCE_TOO_LOW",
        ),
        (json!({ "pid": null }), "TOKEN_PERSON_MISSING"),
        (json!({ "pid": "01817010056" }), "TOKEN_PERSON_MISSING"),
        // Not a synthetic number.
        (json!({ "pid": "01017012345" }), "TOKEN_PERSON_MISSING"),
        (json!({ "organisation": null }), "TOKEN_PERSON_MISSING"),
        (json!({ "organisation": "" }), "TOKEN_PERSON_MISSING"),
        (json!({ "pid": OLA }), "OUTSIDE_DATA_PERMIT"),
        (
            json!({ "organisation": "974760673" }),
            "OUTSIDE_DATA_PERMIT",
        ),
    ];
    for (changes, expected) in table {
        let token = world.token_of(&with(&changes));
        let run = call_with(world.asking(persons_by_sex()), &token);
        let error = world.client().run(run).await.unwrap_err();
        assert_eq!(reason(&error), expected, "{changes}");
        let dry = call_with(world.asking(persons_by_sex()), &token);
        assert_eq!(
            reason(&world.client().dry_run(dry).await.unwrap_err()),
            expected
        );
        let ledger = wire::LedgerRequest {
            data_permit: world.permit(),
        };
        let error = world
            .client()
            .ledger(call_with(ledger, &token))
            .await
            .unwrap_err();
        assert_eq!(reason(&error), expected, "{changes}");
    }
    let catalogue = tonic::Request::new(wire::CatalogueRequest {});
    let error = world.client().catalogue(catalogue).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_query_outside_the_permit_is_refused_before_a_register_is_asked() {
    type Change = fn(&mut Terms);
    let table: [(&str, Change); 11] = [
        ("DATA_PERMIT_REFUSED", |terms| {
            terms.validity.until = Timestamp::from_seconds(NOW + 60);
        }),
        ("DATA_PERMIT_REFUSED", |terms| {
            terms.validity.from = Timestamp::from_seconds(NOW + 61);
        }),
        ("DATA_PERMIT_REFUSED", |terms| {
            terms.id = innsyn_policy::PermitId::new("another.example", "1").unwrap();
        }),
        ("OUTSIDE_DATA_PERMIT", |terms| {
            terms.people = [NationalId::parse(OLA, NumberRules::default()).unwrap()].into();
        }),
        ("OUTSIDE_DATA_PERMIT", |terms| {
            terms.organisation = Organisation::parse("974760673").unwrap();
        }),
        ("registers", |terms| {
            terms.registers.remove(&RegisterId::parse("vest").unwrap());
        }),
        ("variables", |terms| {
            terms.variables.get_mut("persons").unwrap().remove("sex");
        }),
        ("born_years", |terms| terms.born_years = Some(1940..1990)),
        ("months", |terms| terms.months = 541..600),
        ("kinds", |terms| {
            terms
                .kinds
                .remove(&innsyn_policy::data_permit::QueryKind::Table);
        }),
        ("legal_basis", |terms| {
            terms.legal_basis = innsyn_policy::data_permit::PermitBasis::Consent;
        }),
    ];
    let world = World::new().await;
    for (expected, change) in table {
        let mut terms = world.terms();
        change(&mut terms);
        let request = wire::RunRequest {
            data_permit: world.permit_of(terms),
            ..world.asking(persons_by_sex())
        };
        let error = world.run_of(request).await.1.unwrap_err();
        assert_eq!(error.code(), Code::PermissionDenied, "{expected}");
        let details = error.get_details_error_info().unwrap();
        let field = details.metadata.get("field");
        assert!(details.reason == expected || field.is_some_and(|field| field == expected));
    }
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_permit_that_nobody_trusted_has_signed_is_refused() {
    let world = World::new().await;
    let stranger = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let stranger = IssuerSigner::from_pem(&stranger.serialize_pem()).unwrap();
    let permit = innsyn_policy::DataPermit::new(world.terms()).unwrap();
    for data_permit in [stranger.sign(&permit).unwrap(), String::new()] {
        let request = wire::RunRequest {
            data_permit,
            ..world.asking(persons_by_sex())
        };
        let error = world.run_of(request).await.1.unwrap_err();
        assert_eq!(reason(&error), "DATA_PERMIT_REFUSED");
    }
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_question_that_cannot_be_asked_is_answered_with_what_is_wrong() {
    let world = World::new().await;
    let sum = |name: &str| measure(Told::Sum(name.to_owned()));
    let no_such_view = wire::Query {
        view: "people".to_owned(),
        ..persons_by_sex()
    };
    let stays = wire::Query {
        view: "stays".to_owned(),
        measures: vec![sum("days")],
        ..wire::Query::default()
    };
    let histogram = measure(Told::Histogram(wire::Histogram {
        variable: "born_year".to_owned(),
        from: 1940,
        width: 20,
        bins: 3,
    }));
    let table = [
        (no_such_view, "QUERY_REFUSED", "view `people`"),
        (
            asks(vec![], vec![sum("sex")]),
            "QUERY_REFUSED",
            "measures[0].sum",
        ),
        (stays, "NOT_RELEASABLE", "PICK_FIRST"),
        (
            asks(vec![], vec![persons(), histogram]),
            "NOT_RELEASABLE",
            "another query",
        ),
    ];
    for (query, expected, told) in table {
        let error = world.run(query).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(reason(&error), expected);
        assert!(error.message().contains(told), "{}", error.message());
    }
    for deadline_ms in [1, 199, 600_001] {
        let request = wire::RunRequest {
            deadline_ms,
            ..world.asking(persons_by_sex())
        };
        let error = world.run_of(request).await.1.unwrap_err();
        assert_eq!(reason(&error), "DEADLINE_OUT_OF_BOUNDS");
    }
    let nothing = wire::RunRequest {
        question: None,
        ..world.asking(persons_by_sex())
    };
    assert_eq!(
        reason(&world.run_of(nothing).await.1.unwrap_err()),
        "QUESTION_MISSING"
    );
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_asked_and_asks_nobody() {
    let world = World::new().await;
    let by_age = asks(vec![by_age()], vec![persons()]);

    let dry = world
        .client()
        .dry_run(world.call(world.asking(by_age.clone())))
        .await;
    let dry = dry.unwrap().into_inner();

    assert_eq!(dry.query, Some(by_age));
    assert_eq!(dry.query_name.len(), 32);
    assert_eq!(dry.registers, ["nord", "vest"]);
    // Three bands, and those without a year.
    assert_eq!(dry.cells_max, 4);
    assert!(!dry.words_nb.is_empty() && !dry.words_en.is_empty());
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn the_catalogue_has_every_registers_views_and_names_the_silent() {
    let world = World::of(&["borte", "nord", "vest"], true).await;

    let catalogue = world
        .client()
        .catalogue(world.call(wire::CatalogueRequest {}))
        .await;
    let catalogue = catalogue.unwrap().into_inner();

    let expected = [views("nord", true), views("vest", true)].concat();
    assert_eq!(catalogue.views, expected);
    assert_eq!(catalogue.registers_silent, ["borte"]);
}

#[tokio::test]
async fn the_port_tells_of_its_health_and_its_services() {
    const SERVICE: &str = "innsyn.research.v1.ResearchService";
    let world = World::new().await;
    let mut health = HealthClient::new(world.channel.clone());
    let mut ask = async |service: &str| {
        let service = service.to_owned();
        let answer = health.check(HealthCheckRequest { service }).await;
        answer.map(|answer| answer.into_inner().status())
    };
    // Nobody has told yet what can be asked.
    assert_eq!(ask(SERVICE).await.unwrap(), ServingStatus::NotServing);
    let catalogue = world.call(wire::CatalogueRequest {});
    world.client().catalogue(catalogue).await.unwrap();
    assert_eq!(ask(SERVICE).await.unwrap(), ServingStatus::Serving);
    assert_eq!(ask("").await.unwrap(), ServingStatus::Serving);
    assert_eq!(ask("other").await.unwrap_err().code(), Code::NotFound);

    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(world.channel.clone());
    let stream = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await;
    let answer = stream
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(services)) = answer.message_response else {
        panic!("services are listed");
    };
    assert!(
        services
            .service
            .iter()
            .any(|service| service.name == SERVICE)
    );
}
