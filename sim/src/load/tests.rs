//! What a report says of known times.

use std::time::Duration;

use tokio::time::Instant;

use super::{Done, Listed, Tally};

#[test]
fn a_report_tells_the_times_that_were_taken() {
    let due = Instant::now();
    let mut tally = Tally::new().unwrap();
    for ms in 1..=1_000 {
        let listed = Listed {
            complete: ms % 2 == 0,
            at_deadline: ms > 900,
            answered_after_us: vec![ms * 500],
            ..Listed::default()
        };
        tally.count(Done {
            due,
            ended: due + Duration::from_millis(ms),
            result: Ok(listed),
        });
    }
    let report = tally.report(Duration::from_secs(10));
    assert_eq!(report.failed, 0);
    assert_eq!(
        (report.listings, report.incomplete, report.at_deadline),
        (1_000, 500, 100)
    );
    for (told, real) in [
        (report.listing_ms.p50, 500.0),
        (report.listing_ms.p99, 990.0),
        (report.listing_ms.max, 1_000.0),
        (report.at_deadline_ms.p50, 950.0),
        (report.answer_ms.p50, 250.0),
        (report.per_second, 100.0),
    ] {
        assert!((told - real).abs() / real < 0.002, "{told} is not {real}");
    }
}
