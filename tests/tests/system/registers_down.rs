//! Registers that hang or die: everybody else is answered for, the first listing ends at its
//! deadline and the next ones at once, and who comes back is asked again.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::collections::BTreeMap;
use std::time::Duration;

use innsyn_proto::wire::types::v1::Reason;
use innsyn_sim::caller::Caller;
use innsyn_sim::world::WorldSpec;
use rustix::process::Signal;
#[cfg(feature = "external")]
use tokio::time::Instant;

use super::fleet::{Citizen, Fleet, Listing, until};

/// The deadline of the listings here.
const DEADLINE: Duration = Duration::from_secs(3);
/// How much later than its deadline a listing may end, besides the time for which gateway and
/// test were kept from running. `bench hung` has a tighter bound, under load.
const LATE_MAX: Duration = Duration::from_millis(250);
/// "At once", likewise: clearly not the deadline.
const AT_ONCE: Duration = Duration::from_secs(1);
/// What the gateway logs when it cuts a fan-out off that does not end at its deadline.
const OUTLIVED: &str = "the fan-out outlived its deadline";
/// How long after its registers are back a listing may take to be complete.
const BACK_WITHIN: Duration = Duration::from_secs(10);

struct Story {
    fleet: Fleet,
    caller: Caller,
    citizens: Vec<Citizen>,
}

impl Story {
    async fn begin(invented_registers: usize, connected: usize) -> Self {
        let mut spec = WorldSpec::new(2000, 4);
        spec.invented_registers = invented_registers;
        let fleet = Fleet::start(&spec, connected).await;
        let citizens = fleet.citizens(20);
        let story = Self {
            caller: fleet.caller().await,
            citizens,
            fleet,
        };
        for citizen in &story.citizens {
            let listing = story.fleet.list(&story.caller, citizen, None).await;
            assert!(listing.summary.complete, "{:?}", listing.silent());
        }
        story
    }

    fn signal(&self, registers: &[String], signal: Signal) {
        for register in registers {
            self.fleet.signal(register, signal);
        }
    }

    /// Makes a listing, and says for how long gateway and test were starved meanwhile.
    async fn list(&self, citizen: &Citizen) -> (Listing, Duration) {
        let starved = self.fleet.starved();
        let listing = self.fleet.list(&self.caller, citizen, Some(DEADLINE)).await;
        (listing, self.fleet.starved().saturating_sub(starved))
    }

    /// Makes a listing, which must end at its deadline or before.
    async fn lists_in_time(&self, citizen: &Citizen) -> Listing {
        let (listing, starved) = self.list(citizen).await;
        println!("{:?}, starved for {starved:?}", listing.took);
        assert!(listing.took <= DEADLINE + LATE_MAX + starved);
        let cut_off = self.fleet.gateway_log().contains(OUTLIVED);
        assert!(!cut_off, "{OUTLIVED}");
        listing
    }

    /// The first listing waits for the hanging registers until its deadline; those after it do
    /// not wait.
    async fn the_first_listing_waits_and_the_next_do_not(&self, hanging: &[String]) {
        let (first, next) = self.citizens.split_first().unwrap();
        let listing = self.lists_in_time(first).await;
        assert_eq!(listing.silent(), all(hanging, Reason::Timeout));
        assert!(listing.took >= DEADLINE, "{:?}", listing.took);
        let mut longest = Duration::ZERO;
        for citizen in next {
            let (listing, starved) = self.list(citizen).await;
            // On a slow machine the links are given up meanwhile.
            let mut silent = listing.silent();
            for reason in silent.values_mut().filter(|it| **it == Reason::Down) {
                *reason = Reason::Unresponsive;
            }
            assert_eq!(silent, all(hanging, Reason::Unresponsive));
            longest = longest.max(listing.took.saturating_sub(starved));
        }
        println!("the next {}: at most {longest:?}", next.len());
        assert!(longest < AT_ONCE, "{longest:?}");
    }

    /// Waits until a listing is complete again.
    async fn is_complete_again(&self, what: &str) {
        let citizen = &self.citizens[0];
        let took = until(what, async || {
            let listing = self.fleet.list(&self.caller, citizen, Some(DEADLINE)).await;
            listing.summary.complete
        })
        .await;
        println!("{what}: complete after {took:?}");
        assert!(took < BACK_WITHIN, "{took:?}");
    }
}

fn all(registers: &[String], reason: Reason) -> BTreeMap<&str, Reason> {
    registers.iter().map(|it| (it.as_str(), reason)).collect()
}

#[tokio::test]
async fn hanging_registers_cost_one_listing_its_deadline_and_nobody_an_answer() {
    let story = Story::begin(0, 10).await;
    let registers = story.fleet.registers();
    let hanging = &registers[..3];
    story.signal(hanging, Signal::STOP);
    story
        .the_first_listing_waits_and_the_next_do_not(hanging)
        .await;
    story.signal(hanging, Signal::CONT);
    story.is_complete_again("3 continued").await;
}

#[tokio::test]
async fn killed_registers_are_reported_at_once_and_asked_again_when_they_are_back() {
    let mut story = Story::begin(0, 6).await;
    let registers = story.fleet.registers();
    let killed = &registers[..2];
    for register in killed {
        story.fleet.kill(register).await;
    }
    let (listing, starved) = story.list(&story.citizens[0]).await;
    println!("with 2 killed: {:?}", listing.took);
    assert_eq!(listing.silent(), all(killed, Reason::Down));
    assert!(listing.took < AT_ONCE + starved, "{:?}", listing.took);
    for register in killed {
        story.fleet.restart(register);
    }
    story.is_complete_again("2 started again").await;
}

/// As many as Norway's data sources. They hang for longer than any keep-alive, so that both
/// links and parked connections are given up meanwhile.
#[cfg(feature = "external")]
#[tokio::test]
async fn of_98_registers_ten_hang_and_all_others_answer() {
    let story = Story::begin(15, usize::MAX).await;
    let registers = story.fleet.registers();
    assert_eq!(story.citizens[0].registers(), 98);
    assert_eq!(registers.len(), 92, "the others cannot be asked");
    let hanging = &registers[..10];
    story.signal(hanging, Signal::STOP);
    let stopped = Instant::now();
    story
        .the_first_listing_waits_and_the_next_do_not(hanging)
        .await;
    story.signal(hanging, Signal::CONT);
    story.is_complete_again("10 of 92 continued").await;

    story.signal(hanging, Signal::STOP);
    let citizen = &story.citizens[0];
    until("stopped for long", async || {
        story.lists_in_time(citizen).await;
        stopped.elapsed() > Duration::from_secs(45)
    })
    .await;
    story.signal(hanging, Signal::CONT);
    story
        .is_complete_again("10 of 92 continued after long")
        .await;
}
