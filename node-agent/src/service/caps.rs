//! How much one gateway may ask, per minute and per day.
//!
//! A stolen gateway must not be an oracle for the nation: whatever it is allowed to ask, it can
//! only ask so much. Counted in fixed windows of the agent's own clock; told the time.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// What one gateway may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Questions in any one minute.
    pub per_minute: u32,
    /// Questions in any one day.
    pub per_day: u32,
}

/// What one gateway has asked.
#[derive(Debug)]
pub(crate) struct Asked {
    caps: Caps,
    minute: Window,
    day: Window,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    questions: u32,
}

impl Window {
    /// Questions so far in the window that `now` is in.
    fn at(&mut self, now: Instant, length: Duration) -> &mut u32 {
        if now.duration_since(self.began) >= length {
            *self = Self {
                began: now,
                questions: 0,
            };
        }
        &mut self.questions
    }
}

impl Asked {
    pub(crate) fn new(caps: Caps, now: Instant) -> Self {
        let window = || Window {
            began: now,
            questions: 0,
        };
        Self {
            caps,
            minute: window(),
            day: window(),
        }
    }

    /// Counts one question; whether it is within the caps. One over the cap is not counted, so
    /// that a flood does not lengthen its own punishment.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let minute = self.minute.at(now, MINUTE);
        let day = self.day.at(now, DAY);
        let within = *minute < self.caps.per_minute && *day < self.caps.per_day;
        if within {
            *minute += 1;
            *day += 1;
        }
        within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(asked: &mut Asked, now: Instant, questions: u32) -> u32 {
        (0..questions)
            .filter(|_| asked.admit(now))
            .count()
            .try_into()
            .unwrap()
    }

    #[test]
    fn a_minute_has_room_for_so_many_and_the_next_minute_again() {
        let start = Instant::now();
        let mut asked = Asked::new(
            Caps {
                per_minute: 10,
                per_day: 1000,
            },
            start,
        );
        assert_eq!(admitted(&mut asked, start, 25), 10);
        assert_eq!(admitted(&mut asked, start + Duration::from_secs(59), 5), 0);
        assert_eq!(admitted(&mut asked, start + Duration::from_mins(1), 25), 10);
    }

    #[test]
    fn a_day_has_room_for_so_many_whatever_the_minutes_allow() {
        let start = Instant::now();
        let mut asked = Asked::new(
            Caps {
                per_minute: 10,
                per_day: 25,
            },
            start,
        );
        let total: u32 = (0..60)
            .map(|minute| admitted(&mut asked, start + MINUTE * minute, 10))
            .sum();
        assert_eq!(total, 25);
        assert_eq!(admitted(&mut asked, start + DAY, 10), 10);
    }
}
