//! Memory, time, places, and calls that end.

use innsyn_policy::NotCountedReason;
use tokio::sync::Notify;
use wire::Refusal as R;

use super::super::refused::Refused;
use super::super::running::{Running, Until};
use super::*;

/// So little memory that a million persons are taken in some hundreds of spans, with a pass over
/// the files for each.
const LITTLE: usize = SCAN_BYTES + 1_000_000 / 8 + 27_000;
const MILLION: u32 = 1_000_000;

/// A register of a million, with a view that takes long to count in so little memory.
fn long(timeout: Duration, begins: impl Fn() + Send + Sync + 'static) -> World {
    let limits = Limits {
        memory_bytes: LITTLE,
        timeout,
        at_once: 1,
    };
    World::with(limits, PLENTY, |folder, data| {
        let rows = (0..300_000_u64).map(|row| row * 7_919 % u64::from(MILLION));
        let rows: Vec<u32> = rows.map(|row| u32::try_from(row).unwrap()).collect();
        let view = stored(folder, "long", &rows);
        data.views.push(view.description.clone());
        data.snapshot.persons = MILLION;
        data.snapshot.views.push(view);
        data.included = PersonSet::everybody(MILLION);
        data.begins = Box::new(begins);
    })
}

#[tokio::test]
async fn a_call_that_ends_stops_the_engine() {
    let begun = Arc::new(Notify::new());
    let begins = Arc::clone(&begun);
    let world = long(ENOUGH.timeout, move || begins.notify_one());
    let request = wire::ComputeRequest {
        query: Some(born_in("long", 1940..2000)),
        ..world.request()
    };
    let answers = world.call(request).await.unwrap();
    begun.notified().await;
    drop(answers);

    // The only place is free again long before the engine would have come to its end.
    let soon = wire::ComputeRequest {
        deadline_ms: 10_000,
        ..world.request()
    };
    world.part(soon).await;
    let cancelled = UseDecision::NotCounted(NotCountedReason::Cancelled);
    let logged = world.logged();
    assert!(logged.contains(&(cancelled, "cancelled".to_owned())));
    assert!(logged.contains(&(UseDecision::Answered, "answered".to_owned())));
}

#[tokio::test]
async fn a_query_that_needs_more_time_than_it_may_have_is_too_large() {
    let world = long(Duration::from_millis(1), || {});
    let request = wire::ComputeRequest {
        query: Some(born_in("long", 1940..2000)),
        ..world.request()
    };
    assert_eq!(world.refusal(request).await, R::TooLarge);
    let too_large = UseDecision::NotCounted(NotCountedReason::TooLarge);
    assert_eq!(world.logged(), [(too_large, "too_slow".to_owned())]);
}

#[tokio::test]
async fn a_query_that_needs_more_memory_than_it_may_have_is_too_large() {
    for (memory_bytes, is_enough) in [(SCAN_BYTES, false), (SCAN_BYTES + (1 << 20), true)] {
        let limits = Limits {
            memory_bytes,
            ..ENOUGH
        };
        let world = World::with(limits, PLENTY, |_, _| {});
        if is_enough {
            world.part(world.request()).await;
            continue;
        }
        assert_eq!(world.refusal(world.request()).await, R::TooLarge);
        let too_large = UseDecision::NotCounted(NotCountedReason::TooLarge);
        assert_eq!(world.logged(), [(too_large, "MEMORY".to_owned())]);
    }
}

fn until(cancel: &CancellationToken) -> Until<'_> {
    Until {
        cancel,
        deadline: Instant::now() + Duration::from_mins(1),
    }
}

#[tokio::test]
async fn so_many_run_so_many_wait_and_more_are_refused() {
    let running = Running::new(ENOUGH);
    let cancel = CancellationToken::new();
    let first = running.place(until(&cancel)).await.unwrap();
    let mut waiting: Vec<_> = (0..16)
        .map(|_| Box::pin(running.place(until(&cancel))))
        .collect();
    for place in &mut waiting {
        assert!(futures::poll!(place).is_pending());
    }
    let more = running.place(until(&cancel)).await;
    assert!(matches!(more, Err(Refused::Busy { waiting_max: 16 })));

    drop(first);
    let second = waiting.remove(0).await.unwrap();
    assert!(futures::poll!(&mut waiting[0]).is_pending());
    cancel.cancel();
    let ended = waiting.remove(0).await;
    assert!(matches!(ended, Err(Refused::Cancelled)));
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn who_waits_longer_than_the_gateway_is_refused() {
    let running = Running::new(ENOUGH);
    let cancel = CancellationToken::new();
    let _first = running.place(until(&cancel)).await.unwrap();
    let second = running.place(until(&cancel)).await;
    assert!(matches!(second, Err(Refused::PastDeadline)));
}
