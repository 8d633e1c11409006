//! Messages of the exchange become cases and steps, once; what the register says goes back, once.

use std::sync::atomic::AtomicUsize;

use innsyn_policy::UseKind;
use innsyn_proto::wire::types::v1 as types;
use types::CaseAct as A;
use types::CaseKind as K;

use super::*;
use crate::exchange::{
    Answer, AnswerError, Conversation, HerId, Inbox as _, MessageId as ExchangeId, MessageKind,
    NotReceived, RegisterMessage, StoreError,
};

const HELSENORGE: &str = "90002";

/// An exchange that takes answers, or does not.
#[derive(Default)]
struct Given {
    all: Mutex<Vec<Answer>>,
    fails: AtomicBool,
}

impl GivesAnswers for Given {
    fn give<'a>(&'a self, answer: &'a Answer) -> BoxFuture<'a, Result<(), AnswerError>> {
        let given = if self.fails.load(Ordering::SeqCst) {
            Err(StoreError::Unknown.into())
        } else {
            self.all.lock().unwrap().push(answer.clone());
            Ok(())
        };
        Box::pin(std::future::ready(given))
    }
}

/// A log of use that can be shown, or not.
#[derive(Default)]
struct Shows {
    shown: AtomicUsize,
    fails: AtomicBool,
}

impl ShowsUses for Shows {
    fn uses<'a>(
        &'a self,
        _id: QuestionId,
        _request: &'a Request,
    ) -> BoxFuture<'a, Result<UsesTable, ShowUsesError>> {
        let shown = if self.fails.load(Ordering::SeqCst) {
            Err(ShowUsesError::Unavailable("told to fail".into()))
        } else {
            self.shown.fetch_add(1, Ordering::SeqCst);
            Ok(UsesTable {
                csv: b"tidspunkt\n".to_vec(),
                is_whole: true,
            })
        };
        Box::pin(std::future::ready(shown))
    }
}

fn message(n: usize, kind: MessageKind, id: &str) -> RegisterMessage {
    RegisterMessage {
        id: ExchangeId::parse(id).unwrap(),
        kind,
        from: HerId::parse(HELSENORGE).unwrap(),
        person: person(n),
        register: None,
        request: None,
        text: "Datoen er feil.".to_owned().into(),
        attachments: Vec::new(),
        conversation: Conversation::default(),
        made_at: Timestamp::from_seconds(1_799_999_000),
        wants_receipt: true,
    }
}

fn following(before: &str, message: RegisterMessage) -> RegisterMessage {
    RegisterMessage {
        conversation: Conversation {
            parent: Some(ExchangeId::parse(before).unwrap()),
            first: None,
        },
        ..message
    }
}

impl Agent {
    async fn receives(&self, message: &RegisterMessage) -> CaseId {
        let received = self.cases.receive(message).await.unwrap();
        CaseId::parse(&received.receipt).unwrap()
    }

    async fn acts(&self, n: usize, case: CaseId) -> Vec<types::CaseAct> {
        let told = self.cases.get(&own(n), case, None).await.unwrap();
        told.steps.iter().map(types::CaseStep::act).collect()
    }
}

#[tokio::test]
async fn each_of_the_five_messages_opens_a_case_of_its_kind_however_often_it_comes() {
    let place = Place::new();
    let agent = place.agent().await;
    let mut opened = Vec::new();
    for kind in MessageKind::all() {
        opened.push(agent.receives(&message(1, kind, kind.process())).await);
    }
    agent.close().await;
    let agent = place.agent().await;
    for (kind, case) in MessageKind::all().zip(&opened) {
        // Ids are compared without regard to case.
        let id = kind.process().to_ascii_lowercase();
        assert_eq!(agent.receives(&message(1, kind, &id)).await, *case);
    }
    let mut listed = agent.cases.list(&own(1)).await.unwrap();
    listed.sort_by_key(|case| opened.iter().position(|it| it.0[..] == case.case_id[..]));
    let kinds: Vec<_> = listed.iter().map(types::CaseSummary::kind).collect();
    let (insight, correction) = (K::Insight, K::Correction);
    assert_eq!(kinds, [insight, insight, insight, correction, K::Blocking]);
    assert!(agent.cases.list(&own(2)).await.unwrap().is_empty());
    let shown = agent.desk.came_for(opened[4]).await.unwrap();
    assert_eq!(shown, Some("deletion or blocking"));
    agent.close().await;
    let entries = place.entries();
    assert!(entries.iter().all(|entry| entry.kind() == UseKind::Dialog));
    let by_exchange = entries
        .iter()
        .filter(|entry| entry.organisation.as_str() == "her:90002");
    assert_eq!(
        by_exchange.count(),
        5,
        "one entry for each, also when it comes again"
    );
}

#[tokio::test]
async fn a_message_that_follows_is_a_step_of_its_case_and_an_appeal_where_that_is_answered() {
    let place = Place::new();
    let agent = place.agent().await;
    let (first, error) = ("first", MessageKind::Error);
    let case = agent.receives(&message(1, error, first)).await;
    let second = following(first, message(1, error, "second"));
    assert_eq!(agent.receives(&second).await, case);
    let refused = Act::Answer(Verdict::Refused);
    assert_eq!(
        agent.clerk(case, refused, "Datoen er riktig.").await,
        Outcome::Taken
    );
    // It follows the register's own answer.
    let given = Given::default();
    agent.cases.give_answers(&given).await.unwrap();
    let answer = given.all.lock().unwrap()[0].clone();
    let third = following(answer.id.as_str(), message(1, error, "third"));
    assert_eq!(agent.receives(&third).await, case);
    assert_eq!(
        agent.acts(1, case).await,
        [A::Open, A::Message, A::Refuse, A::Appeal]
    );
    assert_eq!(agent.receives(&second).await, case);
    assert_eq!(agent.acts(1, case).await.len(), 4, "nothing twice");

    // Another person's, another kind's and another party's messages do not follow.
    let others = [
        following(first, message(2, error, "a")),
        following(first, message(1, MessageKind::HealthData, "b")),
        RegisterMessage {
            from: HerId::parse("90003").unwrap(),
            ..following(first, message(1, error, "c"))
        },
    ];
    for other in &others {
        assert_ne!(agent.receives(other).await, case);
    }
    // What was appealed before is refused, and the sender told what is left.
    let accepted = Act::Answer(Verdict::Accepted);
    assert_eq!(agent.clerk(case, accepted, "").await, Outcome::Taken);
    let late = following(first, message(1, error, "late"));
    let Err(NotReceived::Refused(why)) = agent.cases.receive(&late).await else {
        panic!("refused");
    };
    assert!(why.contains("Datatilsynet"), "{why}");
}

#[tokio::test]
async fn what_the_register_says_is_given_to_the_exchange_once_and_nobody_is_notified_twice() {
    let place = Place::new();
    let agent = place.agent().await;
    let case = agent
        .receives(&message(1, MessageKind::Error, "first"))
        .await;
    let own_case = agent.opens(1, CaseKind::Correction, 9).await.case;
    assert_eq!(agent.clerk(case, Act::Begin, "").await, Outcome::Taken);
    assert_eq!(
        agent.clerk(case, Act::Extend, "Vi må spørre.").await,
        Outcome::Taken
    );
    let partly = Act::Answer(Verdict::Partly);
    assert_eq!(
        agent.clerk(case, partly, "Året er rettet.").await,
        Outcome::Taken
    );
    assert_eq!(
        agent.clerk(own_case, Act::Message, "Hva er riktig?").await,
        Outcome::Taken
    );
    assert_eq!(
        agent.cases.notices_waiting().await.unwrap(),
        1,
        "of the case that came otherwise"
    );

    let given = Given::default();
    given.fails.store(true, Ordering::SeqCst);
    agent.cases.give_answers(&given).await.unwrap();
    agent.close().await;
    let agent = place.agent().await;
    given.fails.store(false, Ordering::SeqCst);
    agent.cases.give_answers(&given).await.unwrap();
    agent.cases.give_answers(&given).await.unwrap();
    let all = given.all.lock().unwrap().clone();
    let texts: Vec<_> = all.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("forlenget til 2027-04-15"), "{texts:?}");
    assert!(
        texts[1].starts_with("Avgjørelse: delvis imøtekommet."),
        "{texts:?}"
    );
    assert!(texts[1].ends_with("Året er rettet."), "{texts:?}");
    for answer in &all {
        assert_eq!(answer.to.to_string(), HELSENORGE);
        assert_eq!(answer.in_reply_to.as_str(), "first");
    }
    assert_ne!(all[0].id, all[1].id);

    // An exchange that has forgotten the message is not asked for ever.
    let old = agent.receives(&message(1, MessageKind::Error, "old")).await;
    assert_eq!(agent.clerk(old, Act::Message, "Hei.").await, Outcome::Taken);
    given.fails.store(true, Ordering::SeqCst);
    place.clock.advance(Duration::from_hours(25));
    agent.cases.give_answers(&given).await.unwrap();
    given.fails.store(false, Ordering::SeqCst);
    agent.cases.give_answers(&given).await.unwrap();
    assert_eq!(given.all.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn words_of_the_exchange_fit_into_a_case_or_are_refused_with_what_would_fit() {
    let place = Place::new();
    let agent = place.agent().await;
    let file = |description: &str, media_type: &str, bytes: usize| crate::exchange::Attachment {
        media_type: media_type.to_owned(),
        description: description.to_owned(),
        content: vec![7; bytes].into(),
    };
    let long = "Å".repeat(3_000);
    let odd = RegisterMessage {
        text: long.clone().into(),
        attachments: vec![file("a/b\u{7}", "", 3), file(" ", "text/plain", 4)],
        ..message(1, MessageKind::Error, "odd")
    };
    let case = agent.receives(&odd).await;
    let told = agent.cases.get(&own(1), case, Some(1)).await.unwrap();
    let files = &told.steps[0].attachments;
    let named: Vec<_> = files
        .iter()
        .map(|it| (it.name.as_str(), it.media_type.as_str()))
        .collect();
    let text = "text/plain; charset=utf-8";
    let expected = [
        ("melding.txt", text),
        ("a_b_", "application/octet-stream"),
        ("vedlegg-2", "text/plain"),
    ];
    assert_eq!(named, expected);
    assert_eq!(files[0].content, long.as_bytes());
    let silent = RegisterMessage {
        text: " \n".to_owned().into(),
        ..message(1, MessageKind::HealthData, "silent")
    };
    agent.receives(&silent).await;
    let large = RegisterMessage {
        attachments: vec![file(
            "stor.pdf",
            "application/pdf",
            ATTACHMENTS_BYTES_MAX + 1,
        )],
        ..message(1, MessageKind::Error, "large")
    };
    let Err(NotReceived::Refused(why)) = agent.cases.receive(&large).await else {
        panic!("refused");
    };
    assert!(why.contains("262144"), "{why}");
    assert_eq!(agent.cases.list(&own(1)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_fault_of_ours_takes_nothing_and_holds_the_queue() {
    let place = Place::new();
    let agent = place.agent().await;
    place.disk.fail_syncs(Some(std::io::ErrorKind::Other));
    let taken = agent
        .cases
        .receive(&message(1, MessageKind::Error, "first"))
        .await;
    assert!(matches!(taken, Err(NotReceived::Ours(_))), "{taken:?}");
    let person = agent.cases.records.key().code(&person(1));
    let kept = store::cases_of(agent.cases.records.pool(), person).await;
    assert!(kept.unwrap().is_empty());
}

#[tokio::test]
async fn insight_in_use_is_begun_from_the_log_once_and_waits_for_a_case_handler() {
    let place = Place::new();
    let shows = Arc::new(Shows::default());
    let agent = place.agent_of(None, Some(shows.clone())).await;
    let asked = message(1, MessageKind::Uses, "bruk");
    shows.fails.store(true, Ordering::SeqCst);
    let taken = agent.cases.receive(&asked).await;
    assert!(matches!(taken, Err(NotReceived::Ours(_))), "{taken:?}");
    shows.fails.store(false, Ordering::SeqCst);
    let case = agent.receives(&asked).await;
    assert_eq!(agent.receives(&asked).await, case);
    assert_eq!(agent.cases.take_words().await.unwrap(), 1);
    assert_eq!(agent.receives(&asked).await, case);
    assert_eq!(agent.cases.take_words().await.unwrap(), 0);
    assert_eq!(shows.shown.load(Ordering::SeqCst), 1);
    assert_eq!(agent.acts(1, case).await, [A::Open, A::Message]);
    let [listed] = &agent.cases.list(&own(1)).await.unwrap()[..] else {
        panic!("one case");
    };
    assert_eq!(listed.state(), types::CaseState::Received, "it waits");
    let given = Given::default();
    agent.cases.give_answers(&given).await.unwrap();
    let answer = given.all.lock().unwrap()[0].clone();
    assert_eq!(answer.attachments[0].description, "bruk.csv");
    assert_eq!(&**answer.attachments[0].content, b"tidspunkt\n");
    // Other insight is for a case handler alone.
    agent
        .receives(&message(1, MessageKind::HealthData, "helse"))
        .await;
    assert_eq!(agent.cases.take_words().await.unwrap(), 0);
}
