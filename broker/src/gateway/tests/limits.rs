//! The port's own limits, and how it closes.

use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener as _;
use futures::StreamExt as _;
use http::StatusCode;
use innsyn_proto::wire::citizen::v1::ListRegistrationsRequest;
use innsyn_proto::wire::citizen::v1::citizen_service_client::CitizenServiceClient;
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::support::*;
use crate::gateway::config::TlsFiles;
use crate::gateway::serve;

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let world = World::with_config("limits = { header_timeout_ms = 100 }").await;
    let listener = serve::bind(world.config.listen).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let _guard = shutdown.clone().drop_guard();
    let router = world.router.clone();
    tokio::spawn(serve::serve(
        listener,
        router,
        None,
        world.config.limits,
        shutdown,
    ));

    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 64];
    let read = stream.read(&mut buffer);
    let read = tokio::time::timeout(Duration::from_secs(5), read).await;

    assert_eq!(read.expect("it is closed in time").unwrap_or(0), 0);
}

#[tokio::test]
async fn a_shutdown_lets_a_listing_under_way_end() {
    let world = World::new().await;
    let let_go = Arc::new(Notify::new());
    let held = let_go.clone();
    world.registers.answer_with(move || {
        let held = held.clone();
        let rest = async move {
            held.notified().await;
            futures::stream::iter((1..7).map(update))
        };
        futures::stream::iter([update(0)])
            .chain(futures::stream::once(rest).flatten())
            .boxed()
    });
    let listener = serve::bind(world.config.listen).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let (router, limits) = (world.router.clone(), world.config.limits);
    let serving = tokio::spawn(serve::serve(
        listener,
        router,
        None,
        limits,
        shutdown.clone(),
    ));
    let channel = Channel::from_shared(endpoint.clone()).unwrap();
    let mut client = CitizenServiceClient::new(channel.connect().await.unwrap());
    let mut request = tonic::Request::new(ListRegistrationsRequest {
        national_id: KARI.to_owned(),
        deadline_ms: Some(10_000),
        omit_catalogue: true,
    });
    let bearer = format!("Bearer {}", world.token()).parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let mut updates = client
        .list_registrations(request)
        .await
        .unwrap()
        .into_inner();
    assert!(updates.message().await.unwrap().is_some());

    shutdown.cancel();
    let_go.notify_one();
    let mut rest = 0;
    while updates.message().await.unwrap().is_some() {
        rest += 1;
    }
    drop(client);
    serving.await.unwrap();

    assert_eq!(rest, 7);
    let refused = Channel::from_shared(endpoint).unwrap().connect().await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn tls_serves_a_listing_on_both_http_versions() {
    let world = World::new().await;
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let files = TlsFiles {
        certificate_file: world.folder().join("cert.pem"),
        key_file: world.folder().join("key.pem"),
    };
    std::fs::write(&files.certificate_file, certificate.pem()).unwrap();
    std::fs::write(&files.key_file, key.serialize_pem()).unwrap();
    let listener = serve::bind(world.config.listen).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    let _guard = shutdown.clone().drop_guard();
    let tls = Some(serve::tls(&files).unwrap());
    let (router, limits) = (world.router.clone(), world.config.limits);
    tokio::spawn(serve::serve(listener, router, tls, limits, shutdown));

    for (alpn, version) in [
        (&b"h2"[..], http::Version::HTTP_2),
        (&b"http/1.1"[..], http::Version::HTTP_11),
    ] {
        let client = client(certificate.der().clone(), alpn);
        let answer = client
            .post(format!("https://localhost:{port}/v1/registrations"))
            .bearer_auth(world.token())
            .json(&json!({ "nationalId": KARI }))
            .send()
            .await
            .unwrap();

        assert_eq!(answer.version(), version);
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

fn client(root: rustls_pki_types::CertificateDer<'static>, alpn: &[u8]) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap()
}
