//! The rules apart from sockets: configuration, pace, registry.

use std::time::Duration;

use innsyn_policy::RegisterId;
use tokio::time::Instant;

use super::super::config::{GatewayEntry, RelayConfig};
use super::super::limits::Pace;
use super::super::registry::Registry;

fn parse(rest: &str) -> Result<RelayConfig, String> {
    let files = "listen = '127.0.0.1:0'\ncertificate = 'c'\nkey = 'k'\nfederation_ca = 'f'\n";
    toml::from_str(&format!("{files}{rest}")).map_err(|error| error.to_string())
}

#[test]
fn a_gateway_is_named_or_pinned() {
    let pin = format!("sha256:{}", "0a".repeat(32));
    let config = parse(&format!("gateways = ['helsenorge', '{pin}']")).unwrap();
    assert_eq!(
        config.gateways,
        [
            GatewayEntry::Name("helsenorge".parse().unwrap()),
            GatewayEntry::Pin(pin.parse().unwrap())
        ]
    );
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    for (text, complaint) in [
        ("", "gateways"),
        ("gateways = []", "name at least one"),
        ("gateways = ['Helsenorge']", "`Helsenorge` in `gateways`"),
        ("gateways = ['sha256:00']", "no public-key pin"),
        ("gateways = ['a']\nregisters = ['Ø']", "`Ø` in `registers`"),
        ("gateways = ['a']\ngateway = 'b'", "gateway"),
        ("gateways = ['a']\n[limits]\nparked_max = 3", "parked_max"),
        (
            "gateways = ['a']\n[limits]\nconnections_max = 0",
            "`connections_max` is 0",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(complaint), "{text}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_let_in_at_the_configured_pace() {
    let now = Instant::now();
    let mut pace = Pace::new(10, now);
    let waits: Vec<_> = (0..20).map(|_| pace.take(now)).collect();
    assert!(waits[..10].iter().all(Duration::is_zero));
    assert_eq!(waits[10], Duration::from_millis(100));
    assert_eq!(waits[19], Duration::from_secs(1));
    // A quiet time saves up one second's worth and no more.
    let later = now + Duration::from_hours(1);
    assert!((0..10).all(|_| pace.take(later).is_zero()));
    assert!(!pace.take(later).is_zero());
}

#[test]
fn the_registry_gives_each_connection_once_and_the_latest_first() {
    let kreft = RegisterId::parse("kreft").unwrap();
    let msis = RegisterId::parse("msis").unwrap();
    let mut registry = Registry::new(2);
    let first = registry.park(&kreft, 'a').unwrap();
    registry.park(&kreft, 'b').unwrap();
    assert_eq!(registry.park(&kreft, 'c'), Err(vec!['a', 'b']));
    registry.park(&msis, 'm').unwrap();
    assert_eq!(registry.take(&kreft), Some('b'));
    registry.remove(&kreft, first);
    registry.remove(&kreft, first);
    assert_eq!(registry.take(&kreft), None);
    assert_eq!(registry.take(&msis), Some('m'));
}
