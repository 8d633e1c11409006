//! What strace wrote about an agent, and the order of its system calls.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use innsyn_policy::{Clock as _, Timestamp};
use innsyn_proto::clock::SystemClock;

/// What is shorter is no answer: two layers of TLS alone take 44 bytes, and what HTTP/2 says for
/// its own sake no more than 17.
const ANSWER_BYTES_MIN: i64 = 100;

/// A system call that has returned.
#[derive(Debug)]
pub(super) struct Call {
    began: Timestamp,
    ended: Timestamp,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Something was written to a segment of the log.
    Commit,
    /// A segment was synced.
    Sync,
    /// So many bytes were sent to the relay.
    Send(i64),
}

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// The calls that matter, in the order in which they ended.
pub(super) fn read(trace: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(trace).unwrap();
    let mut unfinished = BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let (thread, line) = line.split_once(' ').unwrap();
        let (at, call) = line.trim_start().split_once(' ').unwrap();
        let at = timestamp(at);
        if let Some(first_half) = call.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (at, first_half));
        } else if call.starts_with("<...") {
            let (began, first_half) = unfinished.remove(thread).unwrap();
            calls.extend(finished(began, at, first_half, call));
        } else {
            calls.extend(finished(at, at, call, call));
        }
    }
    calls
}

fn timestamp(text: &str) -> Timestamp {
    let (seconds, micros) = text.split_once('.').unwrap();
    let number = |text: &str| text.parse::<i64>().unwrap();
    Timestamp::from_micros(number(seconds) * 1_000_000 + number(micros))
}

/// `first_half` names the call and the file, `second_half` has what it returned.
fn finished(began: Timestamp, at: Timestamp, first_half: &str, second_half: &str) -> Option<Call> {
    let (name, rest) = first_half.split_once('(')?;
    let returned: i64 = second_half
        .rsplit_once("= ")?
        .1
        .split(' ')
        .next()?
        .parse()
        .ok()?;
    let file = rest.split([',', ')']).next()?;
    let kind = match name {
        "pwrite64" if file.contains(".seg>") => Kind::Commit,
        "fdatasync" if file.contains(".seg>") && returned == 0 => Kind::Sync,
        "sendto" | "sendmsg" | "write" | "writev"
            if file.contains("<TCP") && returned >= ANSWER_BYTES_MIN =>
        {
            Kind::Send(returned)
        }
        _ => return None,
    };
    Some(Call {
        began,
        ended: at,
        kind,
    })
}

/// Panics unless in each of `listings` a commit was written, then synced, and only then an answer
/// sent. Says how long after the sync the last answer began to be sent, at most.
pub(super) fn hold_against(calls: &[Call], listings: &[Range<Timestamp>]) -> String {
    let in_listing = |listing: &Range<Timestamp>| {
        let within = listing.clone();
        calls
            .iter()
            .filter(move |call| within.contains(&call.began))
            .collect::<Vec<_>>()
    };
    // The first thing of such a size after a sync is the answer; what else is sent then (a head
    // of the log, a second later) has other sizes.
    let mut answer_bytes = BTreeSet::new();
    let mut latest = 0;
    for listing in listings {
        let calls = in_listing(listing);
        let commit = calls.iter().find(|call| call.kind == Kind::Commit);
        let commit = commit.unwrap_or_else(|| panic!("an answer without a commit: {calls:?}"));
        let sync = calls
            .iter()
            .find(|call| call.kind == Kind::Sync && call.began >= commit.ended);
        let sync = sync.unwrap_or_else(|| panic!("a commit without a sync: {calls:?}"));
        let answer = calls
            .iter()
            .find_map(|call| match call.kind {
                Kind::Send(bytes) if call.began >= sync.ended => Some((bytes, call.began)),
                _ => None,
            })
            .unwrap_or_else(|| panic!("no answer after the sync: {calls:?}"));
        answer_bytes.insert(answer.0);
        latest = latest.max(answer.1.as_micros() - sync.ended.as_micros());
    }
    for listing in listings {
        let calls = in_listing(listing);
        let sync = calls.iter().find(|call| call.kind == Kind::Sync).unwrap();
        let early = calls.iter().find(|call| match call.kind {
            Kind::Send(bytes) => call.began < sync.ended && answer_bytes.contains(&bytes),
            Kind::Commit | Kind::Sync => false,
        });
        assert!(early.is_none(), "before the sync returned: {early:?}");
    }
    format!("at most {latest} µs after it, answers of {answer_bytes:?} bytes")
}
