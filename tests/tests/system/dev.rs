//! `innsyn-broker run --dev` as a stranger meets it: an agent made beside it joins and answers.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::check::check;
use innsyn_agent::finding::Severity;
use innsyn_broker::dev;
use innsyn_policy::Clock;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::tunnel::TcpDialler;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn the_agent_that_dev_makes_finds_nothing_wrong_but_that_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    // Ports of our own; the folder is made whole around a configuration that is there.
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    dev::prepare(folder.path(), &SystemClock).unwrap();
    let relay = free_port();
    for (file, gateway) in [("broker.toml", free_port()), ("agent/agent.toml", 0)] {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let text = text
            .replace("127.0.0.1:7443", &format!("127.0.0.1:{relay}"))
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{gateway}"))
            .replace("127.0.0.1:8081", "127.0.0.1:0");
        fs::write(path, text).unwrap();
    }
    let config = dev::prepare(folder.path(), &SystemClock).expect("a second start");
    let stop = CancellationToken::new();
    let running = innsyn_broker::run(config, clock.clone(), axum::Router::new(), stop.clone());
    let looking = async {
        let agent = folder.path().join("agent/agent.toml");
        let findings = check(&agent, &TcpDialler, &clock).await;
        stop.cancel();
        findings
    };
    let both = async { tokio::join!(Box::pin(running), looking) };
    let (ended, findings) = timeout(Duration::from_mins(1), both).await.expect("an end");
    ended.unwrap();
    let worse: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Note)
        .map(|finding| finding.what.as_str())
        .collect();
    assert_eq!(worse.len(), 1, "{findings:?}");
    assert!(worse[0].contains("no rows"), "{worse:?}");
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
