//! A listing over gRPC, on the port that HTTP has too.

use std::net::SocketAddr;

use axum::body::Body;
use futures::TryStreamExt as _;
use http::Request;
use innsyn_proto::wire::citizen::v1::citizen_service_client::CitizenServiceClient;
use innsyn_proto::wire::citizen::v1::list_registrations_response::Update;
use innsyn_proto::wire::citizen::v1::{ListRegistersRequest, ListRegistrationsRequest};
use innsyn_proto::wire::types::v1::{Outcome, Reason};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_types::StatusExt as _;

use super::support::*;
use crate::gateway::fanout::Readiness;
use crate::gateway::serve;

/// Serves the world on loopback until the guard is dropped.
async fn serve(world: &World) -> (SocketAddr, DropGuard) {
    use axum::serve::Listener as _;
    let listener = serve::bind(world.config.listen).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let (router, limits) = (world.router.clone(), world.config.limits);
    tokio::spawn(serve::serve(
        listener,
        router,
        None,
        limits,
        shutdown.clone(),
    ));
    (address, shutdown.drop_guard())
}

async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

fn call<T>(message: T, token: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

fn about(national_id: &str) -> ListRegistrationsRequest {
    ListRegistrationsRequest {
        national_id: national_id.to_owned(),
        deadline_ms: None,
        omit_catalogue: false,
    }
}

#[tokio::test]
async fn every_register_streams_as_it_comes_and_the_summary_last() {
    let world = World::new().await;
    let (address, _serving) = serve(&world).await;
    let mut client = CitizenServiceClient::new(channel(address).await);

    let call = call(about(KARI), &world.token());
    let stream = client.list_registrations(call).await.unwrap().into_inner();
    let mut updates: Vec<_> = stream
        .map_ok(|response| response.update.unwrap())
        .try_collect()
        .await
        .unwrap();

    let Some(Update::Summary(summary)) = updates.pop() else {
        panic!("the summary comes last");
    };
    assert_eq!(
        (summary.registers, summary.asked, summary.answered),
        (7, 5, 4)
    );
    let rows: Vec<_> = updates
        .into_iter()
        .map(|update| match update {
            Update::Registration(row) => row,
            Update::Summary(_) => panic!("the summary comes once"),
        })
        .collect();
    let ids: Vec<_> = rows.iter().map(|row| row.register_id.as_str()).collect();
    assert_eq!(ids, ["sju", "seks", "fem", "fire", "tre", "to", "en"]);
    assert_eq!(rows[1].outcome(), Outcome::NoAnswer);
    assert_eq!(rows[1].reason(), Reason::Timeout);
    assert!(rows[1].use_log_leaf.is_empty());
    assert_eq!(rows[6].outcome(), Outcome::Registered);
    assert_eq!(rows[6].registered_since.as_deref(), Some("2012-03-04"));
    assert_eq!(rows[6].use_log_leaf, [7; 32]);
    assert_eq!(rows[6].register.as_ref().unwrap().name_en, "Register en");
}

#[tokio::test]
async fn a_refusal_carries_its_stable_reason() {
    let world = World::new().await;
    let (address, _serving) = serve(&world).await;
    let mut client = CitizenServiceClient::new(channel(address).await);
    let late = ListRegistrationsRequest {
        deadline_ms: Some(11_000),
        ..about(KARI)
    };
    let table = [
        (
            about(KARI),
            "garbage".to_owned(),
            Code::Unauthenticated,
            "TOKEN_REFUSED",
        ),
        (
            about(OLA),
            world.token(),
            Code::PermissionDenied,
            "SUBJECT_MISMATCH",
        ),
        (
            about("01817010056"),
            world.token(),
            Code::InvalidArgument,
            "NATIONAL_ID_CONTROL_DIGITS",
        ),
        (
            late,
            world.token(),
            Code::InvalidArgument,
            "DEADLINE_OUT_OF_BOUNDS",
        ),
    ];

    for (message, token, code, reason) in table {
        let status = client
            .list_registrations(call(message, &token))
            .await
            .unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!(status.code(), code);
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (reason, "innsyn")
        );
    }
    assert_eq!(world.registers.asked(), 0);
}

#[tokio::test]
async fn the_catalogue_health_and_reflection_are_there() {
    let world = World::new().await;
    let (address, _serving) = serve(&world).await;
    let channel = channel(address).await;

    let registers = CitizenServiceClient::new(channel.clone())
        .list_registers(call(ListRegistersRequest {}, &world.token()))
        .await
        .unwrap()
        .into_inner()
        .registers;
    assert_eq!(registers.len(), 7);

    let mut health = HealthClient::new(channel.clone());
    let whole_server = || HealthCheckRequest {
        service: String::new(),
    };
    let serving = health.check(whole_server()).await.unwrap().into_inner();
    assert_eq!(serving.status(), ServingStatus::Serving);
    world.registers.are(Readiness {
        registers_connected: 0,
        registers_expected: 5,
        relay_reachable: false,
    });
    let serving = health.check(whole_server()).await.unwrap().into_inner();
    assert_eq!(serving.status(), ServingStatus::NotServing);

    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(futures::stream::iter([list]))
        .await
        .unwrap()
        .into_inner();
    let Some(ServerReflectionResponse {
        message_response: Some(MessageResponse::ListServicesResponse(services)),
        ..
    }) = answers.message().await.unwrap()
    else {
        panic!("a list of services");
    };
    let names: Vec<_> = services.service.iter().map(|s| s.name.as_str()).collect();
    assert!(
        names.contains(&"innsyn.citizen.v1.CitizenService"),
        "{names:?}"
    );
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    assert!(!names.contains(&"innsyn.node.v1.NodeService"), "{names:?}");
}

#[tokio::test]
async fn http_1_shares_the_port() {
    let world = World::new().await;
    let (address, _serving) = serve(&world).await;

    let answer = post_by_hand(address, &world.token()).await;

    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\"registers\":7"), "{answer}");
}

/// A plain HTTP/1.1 exchange, written by hand.
async fn post_by_hand(address: SocketAddr, token: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let body = json!({ "nationalId": KARI }).to_string();
    let request = format!(
        "POST /v1/registrations HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_unknown_grpc_method_is_told_so_in_grpc() {
    let world = World::new().await;

    let request = Request::post("/innsyn.citizen.v2.CitizenService/ListRegistrations")
        .header("content-type", "application/grpc")
        .body(Body::empty())
        .unwrap();
    let answer = world.send(request).await;

    assert_eq!(answer.headers["grpc-status"], "12");
}
