//! A cut network, in simulated time.

use std::io;
use std::net::SocketAddr;

use futures::future::BoxFuture;
use innsyn_proto::tunnel::{Accept, BoxedIo};
use tokio::time::Instant;
use turmoil::net::{TcpListener, TcpStream};

use super::*;

#[derive(Debug)]
struct SimulatedDialler;

impl Dial for SimulatedDialler {
    fn dial<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedIo>> {
        Box::pin(async move { Ok(Box::new(TcpStream::connect(address).await?) as BoxedIo) })
    }
}

struct SimulatedListener(TcpListener);

impl Accept for SimulatedListener {
    async fn accept(&mut self) -> io::Result<(BoxedIo, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        Ok((Box::new(stream), from))
    }
}

const PORT: u16 = 7443;

/// Cut off without a word: both ends find out by themselves, and the agent comes back.
#[test]
fn an_agent_that_was_cut_off_is_reachable_again_after_the_repair() {
    let federation = Arc::new(Federation::new());
    let gateway = federation.gateway("helsenorge");
    let pin = gateway.certificate.pin;
    let address = RelayAddress::new(&format!("relay:{PORT}"), Some("relay.example")).unwrap();
    let mut network = turmoil::Builder::new()
        .rng_seed(1)
        .tick_duration(Duration::from_millis(10))
        .simulation_duration(Duration::from_mins(5))
        .build();

    let at_relay = federation.clone();
    network.host("relay", move || {
        let relay = at_relay.relay();
        async move {
            let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
            let forever = CancellationToken::new();
            relay.serve(SimulatedListener(listener), forever).await;
            Ok(())
        }
    });
    let (at_agent, relay) = (federation, address.clone());
    network.host("agent", move || {
        let tls = at_agent.node("kreft");
        let relay = relay.clone();
        async move {
            let _agent = RunningAgent::start(tls, SimulatedDialler, &[&relay], pin);
            std::future::pending().await
        }
    });
    network.client("gateway", async move {
        let kreft = RegisterId::parse("kreft").unwrap();
        let bound = Duration::from_secs(5);
        let connect =
            async || connect_to_node(&SimulatedDialler, &address, &gateway, &kreft, bound).await;
        let reached_within = async |bound: Duration| {
            let began = Instant::now();
            loop {
                if let Ok(mut io) = connect().await {
                    is_echoed(&mut io).await;
                    return;
                }
                assert!(began.elapsed() < bound, "not reached within {bound:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        reached_within(Duration::from_secs(1)).await;

        turmoil::partition("agent", "relay");
        // The relay finds its parked agents frozen, and says so instead of hanging.
        let refused = connect().await;
        assert!(matches!(
            refused,
            Err(ConnectError::Refused(Refusal::NoParkedConnection))
        ));
        // Long enough for the agent to notice as well and to have tried in vain.
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(connect().await.is_err());

        turmoil::repair("agent", "relay");
        // One attempt that began in the dark may have to end first.
        reached_within(presence::PARK_TIMEOUT + Duration::from_secs(2)).await;
        Ok(())
    });
    network.run().unwrap();
}
