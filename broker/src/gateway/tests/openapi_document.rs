//! The OpenAPI document says what the handlers do.

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};

use super::support::*;

async fn document(world: &World) -> Value {
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    world.send(request).await.json()
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_operation_says_who_may() {
    let world = World::new().await;
    let document = document(&world).await;

    assert_eq!(document["openapi"], "3.1.0");
    let scheme = &document["components"]["securitySchemes"]["citizen_token"];
    assert_eq!(scheme["scheme"], "bearer");
    for path in [
        "/v1/registrations",
        "/v1/registers",
        "/v1/insight",
        "/healthz",
        "/readyz",
    ] {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    let security = &document["paths"]["/v1/registrations"]["post"]["security"];
    assert_eq!(*security, json!([{ "citizen_token": [] }]));
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn what_the_handlers_answer_is_what_the_document_says() {
    let world = World::new().await;
    let document = document(&world).await;
    let good = json!({ "nationalId": KARI }).to_string();
    let listing_with = |name, value: &str| {
        let mut request = listing(&world.token(), &good);
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let mut put = listing(&world.token(), &good);
    *put.method_mut() = http::Method::PUT;
    let calls = [
        ("post", "/v1/registrations", listing(&world.token(), &good)),
        ("post", "/v1/registrations", listing(&world.token(), "{}")),
        ("post", "/v1/registrations", listing("bad", &good)),
        (
            "post",
            "/v1/registrations",
            listing(&world.token(), &good.replace(KARI, OLA)),
        ),
        ("post", "/v1/registrations", put),
        (
            "post",
            "/v1/registrations",
            listing_with(header::ACCEPT, "text/html"),
        ),
        (
            "post",
            "/v1/registrations",
            listing_with(header::ACCEPT, "text/event-stream"),
        ),
        (
            "post",
            "/v1/registrations",
            listing_with(header::CONTENT_TYPE, "text/plain"),
        ),
        (
            "post",
            "/v1/registrations",
            listing(&world.token(), &"x".repeat(20_000)),
        ),
        (
            "get",
            "/v1/registers",
            Request::get("/v1/registers").body(Body::empty()).unwrap(),
        ),
        (
            "get",
            "/v1/registers",
            Request::get("/v1/registers")
                .header(header::AUTHORIZATION, format!("Bearer {}", world.token()))
                .body(Body::empty())
                .unwrap(),
        ),
        (
            "get",
            "/readyz",
            Request::get("/readyz").body(Body::empty()).unwrap(),
        ),
        (
            "get",
            "/healthz",
            Request::get("/healthz").body(Body::empty()).unwrap(),
        ),
    ];

    for (method, path, request) in calls {
        let answer = world.send(request).await;
        let responses = &document["paths"][path][method]["responses"];
        let response = &responses[answer.status.as_str()];
        assert!(
            response.is_object(),
            "{path} {} is not told of",
            answer.status
        );
        let essence = answer.content_type().split(';').next().unwrap();
        let content = &response["content"][essence];
        assert!(content.is_object(), "{path} {} {essence}", answer.status);
        if essence.ends_with("json") {
            fits(&document, &content["schema"], &answer.json(), path);
        }
    }
}

fn collect_references(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.push(reference.clone());
            }
            members
                .values()
                .for_each(|value| collect_references(value, references));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| collect_references(value, references)),
        _ => {}
    }
}

/// Checks `value` against the part of JSON Schema that our document uses. Stricter in one way:
/// a member that the schema does not name is an error, or the document would be incomplete.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(&reference[1..]).unwrap();
        return fits(document, target, value, at);
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(
            words.contains(value),
            "{at}: {value} is not one of {words:?}"
        );
    }
    match schema["type"].as_str().expect("every schema has one type") {
        "object" => {
            let members = value.as_object().expect("an object");
            for (name, member) in members {
                let schema = &schema["properties"][name];
                assert!(schema.is_object(), "{at}: `{name}` is not told of");
                fits(document, schema, member, &format!("{at}.{name}"));
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                let there = members.contains_key(name.as_str().unwrap());
                assert!(there, "{at}: {name} is not there");
            }
        }
        "array" => {
            for item in value.as_array().expect("an array") {
                fits(document, &schema["items"], item, at);
            }
        }
        "string" => assert!(value.is_string(), "{at}: {value}"),
        "integer" => assert!(value.is_u64(), "{at}: {value}"),
        "boolean" => assert!(value.is_boolean(), "{at}: {value}"),
        other => panic!("{at}: the checker does not know type {other}"),
    }
}
