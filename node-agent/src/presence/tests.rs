use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;

fn dials(actions: &[Action], relay: RelayIndex) -> usize {
    let dials = actions.iter().filter(|it| **it == Action::Dial(relay));
    dials.count()
}

#[tokio::test(start_paused = true)]
async fn every_relay_gets_its_spares_at_the_start() {
    let now = Instant::now();
    let mut presence = Presence::new(3, 2, 1);
    let actions = presence.on(Event::Woken, now);
    for relay in 0..3 {
        assert_eq!(dials(&actions, relay), 2);
    }
    assert_eq!(presence.on(Event::Woken, now), []);
    assert_eq!(presence.wakes_at(), None);
}

#[tokio::test(start_paused = true)]
async fn a_spliced_spare_is_replaced_at_once() {
    let now = Instant::now();
    let mut presence = Presence::new(1, 2, 1);
    presence.on(Event::Woken, now);
    assert_eq!(presence.on(Event::Parked(0), now), []);
    assert_eq!(presence.on(Event::Parked(0), now), []);
    assert_eq!(presence.on(Event::Spliced(0), now), [Action::Dial(0)]);
}

/// The waits between attempts at a relay that never answers.
fn waits(seed: u64, attempts: usize) -> Vec<Duration> {
    let mut now = Instant::now();
    let mut presence = Presence::new(1, 1, seed);
    presence.on(Event::Woken, now);
    let mut waits = Vec::new();
    for _ in 0..attempts {
        assert_eq!(presence.on(Event::DialFailed(0), now), []);
        let at = presence.wakes_at().unwrap();
        waits.push(at - now);
        now = at;
        assert_eq!(presence.on(Event::Woken, now), [Action::Dial(0)]);
    }
    waits
}

#[tokio::test(start_paused = true)]
async fn attempts_at_a_dead_relay_slow_down_to_one_a_second() {
    let waits = waits(7, 50);
    let mut full = BACKOFF_MIN;
    for wait in &waits {
        assert!((full / 2..=full).contains(wait), "{wait:?} of {full:?}");
        full = (full * 2).min(BACKOFF_MAX);
    }
    assert!(waits[6..].iter().all(|wait| *wait >= BACKOFF_MAX / 2));
}

#[tokio::test(start_paused = true)]
async fn agents_with_different_seeds_do_not_march_in_step() {
    assert_eq!(waits(7, 20), waits(7, 20));
    assert_ne!(waits(7, 20), waits(8, 20));
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_failed_is_tried_with_one_connection_first() {
    let now = Instant::now();
    let mut presence = Presence::new(1, 3, 1);
    presence.on(Event::Woken, now);
    for _ in 0..3 {
        assert_eq!(presence.on(Event::DialFailed(0), now), []);
    }
    let retry = presence.wakes_at().unwrap();
    assert!(retry - now <= BACKOFF_MIN, "three at once count once");
    assert_eq!(presence.on(Event::Woken, retry), [Action::Dial(0)]);
    assert_eq!(dials(&presence.on(Event::Parked(0), retry), 0), 2);
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_parks_and_drops_is_not_hammered() {
    let mut now = Instant::now();
    let began = now;
    let mut presence = Presence::new(1, 1, 1);
    presence.on(Event::Woken, now);
    for _ in 0..20 {
        presence.on(Event::Parked(0), now);
        assert_eq!(presence.on(Event::Lost(0, Duration::ZERO), now), []);
        now = presence.wakes_at().unwrap();
        assert_eq!(presence.on(Event::Woken, now), [Action::Dial(0)]);
    }
    assert!(now - began > Duration::from_secs(6));
    // One that stood for an hour and then died is tried again soon.
    presence.on(Event::Parked(0), now);
    presence.on(Event::Lost(0, Duration::from_hours(1)), now);
    assert!(presence.wakes_at().unwrap() - now <= BACKOFF_MIN);
}

#[tokio::test(start_paused = true)]
async fn a_draining_relay_is_left_alone_for_a_while_and_the_others_stay() {
    let now = Instant::now();
    let mut presence = Presence::new(2, 1, 1);
    presence.on(Event::Woken, now);
    presence.on(Event::Parked(0), now);
    presence.on(Event::Parked(1), now);
    assert_eq!(presence.on(Event::Drained(0), now), []);
    assert!(presence.wakes_at().unwrap() - now >= BACKOFF_MAX / 2);
    assert_eq!((presence.parked(0), presence.parked(1)), (0, 1));
}

proptest! {
    /// Whatever happens in whatever order: never more than the spares, and never for long fewer.
    #[test]
    fn spares_are_bounded_and_come_back(seed: u64, choices in prop::collection::vec(0..6_u8, 1..200)) {
        const SPARES: usize = 3;
        let mut now = Instant::now();
        let mut presence = Presence::new(2, SPARES, seed);
        // What the tasks would be doing: dialling and parked, for each relay.
        let mut tasks: BTreeMap<RelayIndex, (usize, usize)> = BTreeMap::new();
        let mut carry_out = |event, now, tasks: &mut BTreeMap<_, (usize, usize)>| {
            for Action::Dial(relay) in presence.on(event, now) {
                tasks.entry(relay).or_default().0 += 1;
            }
            for (relay, (dialling, parked)) in tasks.iter() {
                assert!(dialling + parked <= SPARES);
                assert_eq!(presence.parked(*relay), *parked);
            }
            presence.wakes_at()
        };
        let mut wakes_at = carry_out(Event::Woken, now, &mut tasks);
        for (step, choice) in choices.into_iter().enumerate() {
            let relay = step % 2;
            let (dialling, parked) = tasks.entry(relay).or_default();
            let event = match choice {
                0 if *dialling > 0 => { *dialling -= 1; *parked += 1; Event::Parked(relay) }
                1 if *dialling > 0 => { *dialling -= 1; Event::DialFailed(relay) }
                2 if *parked > 0 => { *parked -= 1; Event::Spliced(relay) }
                3 if *parked > 0 => { *parked -= 1; Event::Lost(relay, Duration::ZERO) }
                4 if *parked > 0 => { *parked -= 1; Event::Drained(relay) }
                _ => { now = wakes_at.unwrap_or(now).max(now); Event::Woken }
            };
            wakes_at = carry_out(event, now, &mut tasks);
        }
        // From now on everything goes well.
        for _ in 0..20 {
            now = wakes_at.unwrap_or(now).max(now);
            wakes_at = carry_out(Event::Woken, now, &mut tasks);
            for relay in 0..2 {
                while tasks.get(&relay).is_some_and(|(dialling, _)| *dialling > 0) {
                    let (dialling, parked) = tasks.entry(relay).or_default();
                    *dialling -= 1;
                    *parked += 1;
                    wakes_at = carry_out(Event::Parked(relay), now, &mut tasks);
                }
            }
        }
        prop_assert_eq!(tasks, BTreeMap::from([(0, (0, SPARES)), (1, (0, SPARES))]));
    }
}

#[test]
fn a_presence_that_cannot_be_meant_is_refused() {
    let parse = |text: &str| toml::from_str::<PresenceConfig>(text).map_err(|it| it.to_string());
    let relays = "relays = [{ address = 'relay.example:7443' }]\n";
    let config = parse(relays).unwrap();
    assert_eq!((config.spares, config.relays.len()), (2, 1));
    for (text, complaint) in [
        ("", "relays"),
        ("relays = []", "`relays` has 0 entries"),
        ("relays = [{ address = 'relay' }]", "write `host:port`"),
        (&format!("{relays}spares = 0"), "`spares` is 0"),
        (&format!("{relays}spares = 17"), "`spares` is 17"),
        (&format!("{relays}spare = 2"), "spare"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(complaint), "{text}: {error}");
    }
}

#[test]
fn a_gateway_is_admitted_by_name_and_key_together() {
    let pin = |digit: char| format!("sha256:{}", String::from(digit).repeat(64));
    let text = format!("a = ['{}', '{}']\nb = ['{}']", pin('1'), pin('2'), pin('3'));
    let gateways: PinnedGateways = toml::from_str(&text).unwrap();
    let admits =
        |name: &str, digit| gateways.admits(&name.parse().unwrap(), &pin(digit).parse().unwrap());
    assert!(admits("a", '1') && admits("a", '2') && admits("b", '3'));
    assert!(!admits("a", '3') && !admits("b", '1') && !admits("c", '1'));
    assert!(toml::from_str::<PinnedGateways>("").is_err());
    assert!(toml::from_str::<PinnedGateways>("a = []").is_err());
}
