//! What a dishonest relay can and cannot do.

use innsyn_proto::tls::{Authority, Credentials, relay_server};
use innsyn_proto::tunnel::word::Word;
use innsyn_proto::tunnel::{Accept, Hello, relay as words};
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A relay that answers gateways itself, with whatever TLS it has, instead of splicing.
fn lying_relay(federation: &Federation, posing_as: Arc<ServerConfig>) -> RelayAddress {
    let files = federation.files("innsyn://relay/test");
    let credentials = Credentials::load(&files.certificate, &files.key).unwrap();
    let authority = Authority::load(&files.federation_ca).unwrap();
    let outer = relay_server(&credentials, &authority, &clock()).unwrap();
    let mut listener = TcpRelayListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let mut io = TlsAcceptor::from(outer).accept(io).await.unwrap();
        let hello = words::hello(&mut io, LONG).await.unwrap();
        assert!(matches!(hello, Hello::Connect(_)));
        words::say(&mut io, Word::Go, LONG).await.unwrap();
        drop(TlsAcceptor::from(posing_as).accept(io).await);
    });
    RelayAddress::new(&address, None).unwrap()
}

#[tokio::test]
async fn promise_2_a_relay_cannot_pose_as_a_node_or_hand_over_the_wrong_one() {
    let federation = Federation::new();
    let gateway = federation.gateway("helsenorge");

    // With its own certificate, for which the gateway has another CA inside than outside.
    let relay = AgentTls::load(&federation.files("innsyn://relay/test"), &clock()).unwrap();
    let address = lying_relay(&federation, relay.inner);
    let fault = connect(&gateway, &address, "kreft").await;
    assert!(
        matches!(fault, Err(ConnectError::InnerTls(TlsFault::UnknownIssuer))),
        "{fault:?}"
    );

    // With another register's agent, or with a gateway's stolen certificate.
    for stolen in ["innsyn://node/msis", "innsyn://gateway/stranger"] {
        let stolen = AgentTls::load(&federation.files(stolen), &clock()).unwrap();
        let address = lying_relay(&federation, stolen.inner);
        let fault = connect(&gateway, &address, "kreft").await;
        assert!(
            matches!(fault, Err(ConnectError::InnerTls(TlsFault::WrongName))),
            "{fault:?}"
        );
    }

    // The right one is believed, so that the refusals above mean something.
    let address = lying_relay(&federation, federation.node("kreft").inner);
    connect(&gateway, &address, "kreft").await.unwrap();
}
