//! Queries that wait for the steward.

use innsyn_policy::{Clock as _, NotCountedReason, OutsidePermit};
use tokio::time::timeout;
use wire::Refusal as R;

use super::super::super::steward::queue::{Decided, Decision, Kept, Said};
use super::super::super::steward::{Steward, StewardRefusal, switch};
use super::*;

/// A wait that only a failing test sits out.
const LONG: Duration = Duration::from_secs(20);
const ASK: &str = "[[rule]]\ndecision = \"ask\"\n";

impl World {
    fn steward(&self) -> Steward {
        Steward::in_folder(self.folder.path())
    }

    fn queue(&self) -> Vec<Kept> {
        let steward = self.steward();
        let rules = steward.rules().unwrap().digest();
        steward.queue().all(&rules, self.clock.now()).unwrap()
    }

    /// The steward decides about all that waits.
    fn decides(&self, said: Said) {
        let steward = self.steward();
        let rules = steward.rules().unwrap().digest();
        for kept in self.queue() {
            let decided = Decided {
                said,
                at: self.clock.now(),
                stands_for: Duration::from_hours(24),
                by: "kari".to_owned(),
                reason: None,
                rules: &rules,
            };
            let decision = Decision::about(&kept.query, decided);
            steward.queue().decide(&kept.name, &decision).unwrap();
        }
    }
}

/// A world whose steward asks, and which tells when a query begins to be counted.
fn asking() -> (World, Arc<std::sync::atomic::AtomicUsize>) {
    let begun = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let begins = Arc::clone(&begun);
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.begins = Box::new(move || {
            begins.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        });
    });
    world.steward_says(ASK);
    (world, begun)
}

/// The first message, which says that the query is held.
async fn held(answers: &mut Answers) {
    let first = timeout(LONG, answers.next()).await.expect("a message");
    let first = first.unwrap().unwrap().message;
    assert!(matches!(first, Some(Message::Held(_))), "{first:?}");
}

/// All other messages.
async fn rest(answers: Answers) -> Vec<Message> {
    let messages = answers.map(|answer| answer.unwrap().message.unwrap());
    let messages = timeout(LONG, messages.collect()).await;
    messages.expect("the call ends")
}

#[tokio::test]
async fn a_query_is_held_until_the_steward_approves_it_and_nobody_is_looked_at_before() {
    let (world, begun) = asking();
    let mut answers = world.call(world.request()).await.unwrap();
    held(&mut answers).await;
    let queue = world.queue();
    let [kept] = queue.as_slice() else {
        panic!("one query waits, not {queue:?}");
    };
    assert_eq!(kept.query.permit, "helsedata.no/2026-017");
    assert_eq!(kept.query.purpose, "research");
    assert_eq!(kept.query.variables, ["persons.born_year", "persons.sex"]);
    assert!(kept.query.words_en.contains("Data: "), "{kept:?}");
    assert!(kept.query.words_nb.contains("alle"), "{kept:?}");
    let told = serde_json::to_string(&kept.query).unwrap();
    assert!(!told.contains(person(0).expose_str()));
    assert_eq!(begun.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(world.logged(), []);

    world.decides(Said::Approved);
    let messages = rest(answers).await;
    let [Message::Running(_), Message::Part(_)] = messages.as_slice() else {
        panic!("that it runs and the part, not {messages:?}");
    };
    assert_ne!(begun.load(std::sync::atomic::Ordering::SeqCst), 0);
    // The same again is answered at once, also by an agent that was started anew.
    let mut world = world;
    world.restart();
    let messages = world.ask(world.request()).await;
    assert!(matches!(
        messages.as_slice(),
        [Message::Running(_), Message::Part(_)]
    ));
    // Under another permit it is another query.
    let another = Terms {
        id: PermitId::new(ISSUER, "2026-018").unwrap(),
        ..terms()
    };
    let mut answers = world.call(world.request_under(another)).await.unwrap();
    held(&mut answers).await;
}

#[tokio::test]
async fn a_query_that_the_steward_denies_is_refused_now_and_when_it_comes_again() {
    let (world, begun) = asking();
    let mut answers = world.call(world.request()).await.unwrap();
    held(&mut answers).await;
    world.decides(Said::Denied);
    let messages = rest(answers).await;
    assert_eq!(messages, [Message::Refusal(R::Steward.into())]);
    assert_eq!(world.refusal(world.request()).await, R::Steward);
    let steward = UseDecision::NotCounted(NotCountedReason::Steward);
    let denied = (steward, "steward".to_owned());
    assert_eq!(world.logged(), [denied.clone(), denied]);
    assert_eq!(begun.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_kill_switch_ends_queries_that_wait_for_the_steward() {
    for is_file in [true, false] {
        let (world, _) = asking();
        let mut answers = world.call(world.request()).await.unwrap();
        held(&mut answers).await;
        if is_file {
            world.steward().switch().stop("now").unwrap();
        } else {
            world.steward_says(&format!("stopped = true\n{ASK}"));
        }
        let messages = rest(answers).await;
        assert_eq!(messages, [Message::Refusal(R::Steward.into())]);
        let stopped = UseDecision::NotCounted(NotCountedReason::Stopped);
        assert_eq!(world.logged(), [(stopped, "stopped".to_owned())]);
    }
}

#[tokio::test]
async fn the_kill_switch_ends_a_query_that_runs_before_its_run_does() {
    // A run that ends only when it is told that it may; were it waited for, so would this test.
    let (let_go, gone) = std::sync::mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let begun = Arc::new(tokio::sync::Notify::new());
    let begins = Arc::clone(&begun);
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.begins = Box::new(move || {
            begins.notify_one();
            let _ = locked(&gone).recv();
        });
    });
    let answers = world.call(world.request()).await.unwrap();
    begun.notified().await;
    std::fs::write(world.folder.path().join(switch::FILE), "").unwrap();
    let messages = rest(answers).await;
    assert!(matches!(
        messages.as_slice(),
        [Message::Running(_), Message::Refusal(refusal)] if *refusal == i32::from(R::Steward)
    ));
    let stopped = UseDecision::NotCounted(NotCountedReason::Stopped);
    assert_eq!(world.logged(), [(stopped, "stopped".to_owned())]);
    let_go.send(()).unwrap();
}

#[tokio::test]
async fn the_kill_switch_ends_a_query_that_waits_for_a_place() {
    let (let_go, gone) = std::sync::mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let begun = Arc::new(tokio::sync::Notify::new());
    let begins = Arc::clone(&begun);
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.begins = Box::new(move || {
            begins.notify_one();
            let _ = locked(&gone).recv();
        });
    });
    let first = world.call(world.request()).await.unwrap();
    begun.notified().await;
    let second = world.call(world.request()).await.unwrap();
    world.steward_says("stopped = true");
    assert_eq!(rest(second).await, [Message::Refusal(R::Steward.into())]);
    assert_eq!(rest(first).await.len(), 2);
    let_go.send(()).unwrap();
}

#[tokio::test]
async fn a_query_whose_time_passes_stays_with_the_steward() {
    let (world, _) = asking();
    let soon = wire::ComputeRequest {
        deadline_ms: 1,
        ..world.request()
    };
    let messages = world.ask(soon).await;
    let [Message::Held(_), Message::Refusal(refusal)] = messages.as_slice() else {
        panic!("that it is held, and that nobody has decided, not {messages:?}");
    };
    assert_eq!(*refusal, i32::from(R::Held));
    let steward = UseDecision::NotCounted(NotCountedReason::Steward);
    assert_eq!(world.logged(), [(steward, "held".to_owned())]);
    world.decides(Said::Approved);
    world.part(world.request()).await;
}

#[tokio::test]
async fn a_call_that_ends_leaves_its_query_with_the_steward() {
    let (world, _) = asking();
    let mut answers = world.call(world.request()).await.unwrap();
    held(&mut answers).await;
    drop(answers);
    assert_eq!(world.queue().len(), 1);
    world.decides(Said::Approved);
    world.part(world.request()).await;
}

#[tokio::test]
async fn the_steward_is_not_asked_about_a_query_outside_its_permit() {
    let (world, _) = asking();
    let mut request = world.request();
    request.smallest_cell = 4;
    assert_eq!(world.refusal(request).await, R::OutsidePermit);
    let field = OutsidePermit::SmallestCell;
    let named = (UseDecision::OutsidePermit(field), field.label().to_owned());
    assert_eq!(world.logged(), [named]);
    assert!(world.queue().is_empty());
}

#[tokio::test]
async fn a_query_is_charged_when_it_is_counted_and_not_while_it_waits_for_the_steward() {
    let (world, _) = asking();
    let small = Terms {
        budget_queries: 1,
        ..terms()
    };
    let mut waiting = world
        .call(world.request_under(small.clone()))
        .await
        .unwrap();
    held(&mut waiting).await;
    let mut other = world.request_under(small);
    other.query = Some(born_in("persons", 1950..1960));
    let mut others = world.call(other).await.unwrap();
    held(&mut others).await;
    world.decides(Said::Approved);
    let mut ends = [rest(waiting).await, rest(others).await].map(|mut all| all.pop().unwrap());
    ends.sort_by_key(|end| matches!(end, Message::Part(_)));
    let [Message::Refusal(refusal), Message::Part(_)] = &ends else {
        panic!("one is answered and one over its budget, not {ends:?}");
    };
    assert_eq!(*refusal, i32::from(R::OverBudget));
}

#[test]
fn what_the_steward_has_not_decided_is_told_apart_from_a_no() {
    use super::super::refused::Refused;
    let told = |refusal: StewardRefusal| Refused::from(refusal).told();
    assert_eq!(told(StewardRefusal::NotDecided), R::Held);
    assert_eq!(told(StewardRefusal::DeniedByHand), R::Steward);
}
