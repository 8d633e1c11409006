use std::time::Duration;

use innsyn_policy::RegisterId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::agent::Summons;
use super::word::Word;
use super::*;

const BOUND: Duration = Duration::from_secs(2);

fn kreft() -> RegisterId {
    RegisterId::parse("kreft").unwrap()
}

async fn hello_of(bytes: &[u8]) -> Result<Hello, TunnelError> {
    let (mut near, mut far) = duplex(64);
    near.write_all(bytes).await.unwrap();
    drop(near);
    relay::hello(&mut far, BOUND).await
}

#[tokio::test]
async fn a_hello_is_read_as_it_was_said() {
    for hello in [Hello::Park, Hello::Connect(kreft())] {
        assert_eq!(hello_of(&hello.encode()).await.unwrap(), hello);
    }
}

#[tokio::test]
async fn a_hello_that_is_not_one_is_refused_by_what_is_wrong_with_it() {
    let refusal = async |bytes: &[u8]| relay::refusal_for(&hello_of(bytes).await.unwrap_err());
    assert_eq!(refusal(&[2, b'P']).await, Some(Refusal::UnknownVersion));
    assert_eq!(
        refusal(b"GET / HTTP/1.1").await,
        Some(Refusal::UnknownVersion)
    );
    assert_eq!(refusal(&[1, b'X']).await, Some(Refusal::Malformed));
    assert_eq!(refusal(&[1, b'C', 0]).await, Some(Refusal::Malformed));
    assert_eq!(refusal(&[1, b'C', 33]).await, Some(Refusal::Malformed));
    assert_eq!(refusal(b"\x01C\x02K!").await, Some(Refusal::Malformed));
    assert_eq!(refusal(&[1]).await, None);
}

#[test]
fn every_word_has_a_byte_of_its_own() {
    use Word as W;
    let words = [W::Parked, W::Ping, W::Pong, W::Go, W::Accept, W::Drain]
        .into_iter()
        .chain(Refusal::ALL.map(W::Refused));
    for word in words {
        assert_eq!(Word::from_byte(word.byte()).unwrap(), word);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_given_up() {
    let (mut near, mut far) = duplex(64);
    let silent = |error| matches!(error, TunnelError::Silent(BOUND));
    assert!(silent(relay::hello(&mut far, BOUND).await.unwrap_err()));
    assert!(silent(relay::summon(&mut far, BOUND).await.unwrap_err()));
    assert_eq!(near.read_u8().await.unwrap(), Word::Go.byte());
    assert!(silent(agent::park(&mut near, BOUND).await.unwrap_err()));
    assert!(silent(agent::wait(&mut near, BOUND).await.unwrap_err()));
}

#[tokio::test]
async fn a_parked_agent_answers_pings_and_takes_a_gateway_to_the_byte() {
    let (mut agent_io, mut relay_io) = duplex(64);
    let agent = tokio::spawn(async move {
        agent::park(&mut agent_io, BOUND).await.unwrap();
        assert_eq!(
            agent::wait(&mut agent_io, BOUND).await.unwrap(),
            Summons::Gateway
        );
        agent::accept(&mut agent_io, BOUND).await.unwrap();
        let mut first = [0; 5];
        agent_io.read_exact(&mut first).await.unwrap();
        first
    });
    assert_eq!(
        relay::hello(&mut relay_io, BOUND).await.unwrap(),
        Hello::Park
    );
    relay::say(&mut relay_io, Word::Parked, BOUND)
        .await
        .unwrap();
    // The answer to this ping is still under way when the gateway comes.
    relay::say(&mut relay_io, Word::Ping, BOUND).await.unwrap();
    relay::summon(&mut relay_io, BOUND).await.unwrap();
    relay_io.write_all(b"inner").await.unwrap();
    assert_eq!(&agent.await.unwrap(), b"inner");
}

#[tokio::test]
async fn a_gateway_is_told_why_not() {
    for refusal in Refusal::ALL {
        let (mut near, mut far) = duplex(64);
        relay::say(&mut far, Word::Refused(refusal), BOUND)
            .await
            .unwrap();
        let error = gateway::ask_for(&mut near, &kreft()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused(r) if r == refusal));
    }
}

#[test]
fn a_relay_is_named_by_its_host_unless_another_name_is_given() {
    let name = |address, server_name| {
        RelayAddress::new(address, server_name).map(|relay| relay.server_name.to_str().into_owned())
    };
    assert_eq!(name("relay.example:7443", None).unwrap(), "relay.example");
    assert_eq!(name("127.0.0.1:7443", None).unwrap(), "127.0.0.1");
    assert_eq!(name("[::1]:7443", None).unwrap(), "::1");
    assert_eq!(name("10.0.0.1:1", Some("r.example")).unwrap(), "r.example");
    assert!(name("relay.example", None).is_err());
    assert!(name("relay.example:port", None).is_err());
    assert!(name("a b:1", None).is_err());
}
