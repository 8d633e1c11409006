//! Whether a register is worth waiting for. Told events and the time; does no I/O.
//!
//! ```text
//!                     answered (from any)
//!   Reconnecting ───────────────▶ Up ──missed──▶ Unresponsive
//!     ▲   │                        │
//!     └───┼────────── lost ────────┘
//!         │  not parked, or refused (from any)
//!         ├────────────────────────▶ Down
//!         └── relay gone for long ──▶ RelayDown
//! ```
//!
//! While *Reconnecting*, questions wait: a relay that restarts costs nobody an answer that the
//! deadline still allows. Everything after that is reported at once, until the agent answers.

use std::time::Duration;

use innsyn_policy::NoAnswerReason;
use tokio::time::Instant;

/// How long questions wait for a relay to come back.
const RELAY_GRACE: Duration = Duration::from_secs(5);
/// How long after a relay came back its agents may take to park again.
const REPARK_GRACE: Duration = Duration::from_secs(3);

/// How a register stands with the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The link is being made, and may well be up in a moment.
    Reconnecting,
    /// The agent answers.
    Up,
    /// The link stands, but the agent missed a deadline and has not answered since.
    Unresponsive,
    /// The agent is not connected to the relay.
    Down,
    /// No relay can be reached.
    RelayDown,
}

impl Standing {
    /// Why asking is not worth the wait; `None` if it is.
    pub const fn not_worth_waiting(self) -> Option<NoAnswerReason> {
        match self {
            Self::Reconnecting | Self::Up => None,
            Self::Unresponsive => Some(NoAnswerReason::Unresponsive),
            Self::Down => Some(NoAnswerReason::Down),
            Self::RelayDown => Some(NoAnswerReason::RelayDown),
        }
    }

    /// A word for logs and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reconnecting => "reconnecting",
            Self::Up => "up",
            Self::Unresponsive => "unresponsive",
            Self::Down => "down",
            Self::RelayDown => "relay_down",
        }
    }
}

/// What happens to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The agent sent a message.
    Answered,
    /// A listing's deadline came without an answer.
    Missed,
    /// The connection ended.
    Lost,
    /// No relay could be reached.
    RelayUnreachable,
    /// A relay said that the agent is not there.
    NotParked,
    /// The relay or the agent refused us, or is not who it should be.
    Refused,
}

#[derive(Debug)]
pub(super) struct Rules {
    standing: Standing,
    /// Since when it stands so.
    since: Instant,
    /// When a relay was last found unreachable, until a link is up again.
    relay_last_down: Option<Instant>,
}

impl Rules {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            standing: Standing::Reconnecting,
            since: now,
            relay_last_down: None,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    pub(super) fn relay_is_down(&self) -> bool {
        self.relay_last_down.is_some()
    }

    /// Why a question that was waited for got no answer.
    pub(super) fn reason_for_silence(&self) -> NoAnswerReason {
        match self.standing {
            Standing::Reconnecting if self.relay_last_down.is_some() => NoAnswerReason::RelayDown,
            Standing::Reconnecting => NoAnswerReason::Down,
            standing => standing
                .not_worth_waiting()
                .unwrap_or(NoAnswerReason::Timeout),
        }
    }

    pub(super) fn on(&mut self, event: Event, now: Instant) {
        match event {
            Event::Answered => {
                self.relay_last_down = None;
                self.stand(Standing::Up, now);
            }
            Event::Missed if self.standing == Standing::Up => {
                self.stand(Standing::Unresponsive, now);
            }
            Event::Lost if self.standing == Standing::Up => {
                self.stand(Standing::Reconnecting, now);
            }
            // Who was not worth waiting for is not now either, until it answers.
            Event::Missed | Event::Lost => {}
            Event::RelayUnreachable => {
                self.relay_last_down = Some(now);
                let waited_long = now.duration_since(self.since) > RELAY_GRACE;
                if self.standing != Standing::Reconnecting || waited_long {
                    self.stand(Standing::RelayDown, now);
                }
            }
            Event::NotParked => {
                let relay_just_back = self
                    .relay_last_down
                    .is_some_and(|down| now.duration_since(down) <= REPARK_GRACE);
                if relay_just_back {
                    self.stand(Standing::Reconnecting, now);
                } else {
                    self.relay_last_down = None;
                    self.stand(Standing::Down, now);
                }
            }
            Event::Refused => {
                self.relay_last_down = None;
                self.stand(Standing::Down, now);
            }
        }
    }

    fn stand(&mut self, standing: Standing, now: Instant) {
        if self.standing != standing {
            self.standing = standing;
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(events: &[(u64, Event)]) -> Rules {
        let start = Instant::now();
        let mut rules = Rules::new(start);
        for (at_ms, event) in events {
            rules.on(*event, start + Duration::from_millis(*at_ms));
        }
        rules
    }

    #[test]
    fn a_register_that_missed_is_not_waited_for_until_it_answers() {
        use Event::{Answered, Missed};
        let missed = after(&[(0, Answered), (3000, Missed)]);
        assert_eq!(
            missed.standing().not_worth_waiting(),
            Some(NoAnswerReason::Unresponsive)
        );
        let back = after(&[(0, Answered), (3000, Missed), (9000, Answered)]);
        assert_eq!(back.standing().not_worth_waiting(), None);
    }

    #[test]
    fn a_register_that_missed_and_whose_link_is_lost_is_not_waited_for_either() {
        use Event::{Answered, Lost, Missed, NotParked};
        let mut events = vec![(0, Answered), (3000, Missed), (10_000, Lost)];
        assert_eq!(after(&events).standing(), Standing::Unresponsive);
        events.extend([(10_100, NotParked), (11_000, Lost)]);
        assert_eq!(after(&events).standing(), Standing::Down);
        events.push((12_000, Answered));
        assert_eq!(after(&events).standing(), Standing::Up);
    }

    #[test]
    fn a_killed_agent_is_reported_at_once() {
        use Event::{Answered, Lost, NotParked};
        let rules = after(&[(0, Answered), (100, Lost), (101, NotParked)]);
        assert_eq!(
            rules.standing().not_worth_waiting(),
            Some(NoAnswerReason::Down)
        );
    }

    #[test]
    fn questions_wait_for_a_relay_that_restarts_and_for_its_agents_to_park() {
        use Event::{Answered, Lost, NotParked, RelayUnreachable};
        let mut events = vec![(0, Answered), (100, Lost), (101, RelayUnreachable)];
        assert_eq!(after(&events).standing().not_worth_waiting(), None);
        events.extend([
            (2000, RelayUnreachable),
            (2100, NotParked),
            (2500, NotParked),
        ]);
        assert_eq!(after(&events).standing().not_worth_waiting(), None);
        events.push((2700, Answered));
        assert_eq!(after(&events).standing(), Standing::Up);
    }

    #[test]
    fn a_relay_that_stays_away_is_reported_at_once_after_the_grace() {
        use Event::{Answered, Lost, RelayUnreachable};
        let rules = after(&[
            (0, Answered),
            (100, Lost),
            (101, RelayUnreachable),
            (5200, RelayUnreachable),
        ]);
        assert_eq!(
            rules.standing().not_worth_waiting(),
            Some(NoAnswerReason::RelayDown)
        );
    }

    #[test]
    fn an_agent_that_does_not_park_after_the_relay_is_back_is_down() {
        use Event::{Answered, Lost, NotParked, RelayUnreachable};
        let rules = after(&[
            (0, Answered),
            (100, Lost),
            (101, RelayUnreachable),
            (200, NotParked),
            (3200, NotParked),
        ]);
        assert_eq!(
            rules.standing().not_worth_waiting(),
            Some(NoAnswerReason::Down)
        );
    }
}
