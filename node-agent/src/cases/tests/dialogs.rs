//! What citizens do: once, logged, and by right.

use innsyn_proto::wire::types::v1 as types;

use super::*;

const CORRECTION: To = To::New(CaseKind::Correction);

#[tokio::test]
async fn a_dialog_goes_there_and_back_with_a_receipt_at_each_step() {
    let place = Place::new();
    let agent = place.agent().await;
    let opened = agent.opens(1, CaseKind::Correction, 1).await;
    let receipt = CaseReceipt::read(&opened.receipt, &log_key()).unwrap();
    assert_eq!(receipt.case, opened.case);
    assert_eq!(receipt.step, 1);
    assert_eq!(receipt.due.to_string(), "2027-02-15");
    assert_eq!(
        receipt.content,
        words("Fødselsåret er feil.").digest(MessageId([1; 16]))
    );

    place.clock.advance(Duration::from_hours(24));
    assert_eq!(
        agent.clerk(opened.case, Act::Begin, "").await,
        Outcome::Taken
    );
    agent
        .says(1, To::Message(opened.case), 2, "Jeg er født i 1950.")
        .await
        .unwrap();
    let answer = Act::Answer(Verdict::Refused);
    let why = "Vi har sjekket mot Folkeregisteret.";
    assert_eq!(agent.clerk(opened.case, answer, why).await, Outcome::Taken);
    let [listed] = &agent.cases.list(&own(1)).await.unwrap()[..] else {
        panic!("one case");
    };
    assert_eq!(listed.state(), types::CaseState::Refused);
    assert_eq!(listed.steps, 4);
    assert!(agent.cases.list(&own(2)).await.unwrap().is_empty());

    let told = agent.cases.get(&own(1), opened.case, None).await.unwrap();
    let said: Vec<_> = told.steps.iter().map(|step| step.text.as_str()).collect();
    assert_eq!(
        said,
        ["Fødselsåret er feil.", "", "Jeg er født i 1950.", why]
    );
    for (number, step) in (1..).zip(&told.steps) {
        let receipt = CaseReceipt::read(&step.receipt, &log_key()).unwrap();
        assert_eq!((receipt.step, receipt.case), (number, opened.case));
    }
    let other = agent.cases.get(&own(2), opened.case, None).await;
    assert!(matches!(other, Err(CaseError::NoSuchCase)));

    agent
        .says(1, To::Appeal(opened.case), 3, "Folkeregisteret tar feil.")
        .await
        .unwrap();
    let accepted = Act::Answer(Verdict::Accepted);
    assert_eq!(agent.clerk(opened.case, accepted, "").await, Outcome::Taken);
    let again = agent.says(1, To::Appeal(opened.case), 4, "Nei.").await;
    assert!(matches!(
        again,
        Err(CaseError::Step(StepError::AppealedBefore))
    ));
    agent.close().await;
    // Six steps, two lists, two readings, and the appeal that came too late.
    assert_eq!(place.entries().len(), 6 + 2 + 2 + 1);
}

#[tokio::test]
async fn a_message_sent_again_gets_the_receipt_that_it_had_and_leaves_no_second_case() {
    let place = Place::new();
    let agent = place.agent().await;
    let first = agent.opens(1, CaseKind::Correction, 1).await;
    place.clock.advance(Duration::from_hours(48));
    let second = agent.opens(1, CaseKind::Correction, 1).await;
    assert_eq!(first.receipt, second.receipt);
    agent.close().await;

    let agent = place.agent().await;
    let third = agent.opens(1, CaseKind::Correction, 1).await;
    assert_eq!(first.receipt, third.receipt);
    assert_eq!(agent.cases.list(&own(1)).await.unwrap().len(), 1);
    // The id is this message's, in this case, of this person.
    for (to, text) in [
        (CORRECTION, "Noe annet."),
        (To::New(CaseKind::Deletion), "Fødselsåret er feil."),
        (To::Message(first.case), "Fødselsåret er feil."),
    ] {
        let other = agent.says(1, to, 1, text).await;
        assert!(matches!(other, Err(CaseError::MessageIdUsed)), "{to:?}");
    }
    let others = agent.opens(2, CaseKind::Correction, 1).await;
    assert_ne!(others.case, first.case);
}

#[tokio::test]
async fn without_the_log_of_use_nothing_is_taken_and_nothing_told() {
    let place = Place::new();
    let agent = place.agent().await;
    let opened = agent.opens(1, CaseKind::Correction, 1).await;
    place.disk.fail_syncs(Some(std::io::ErrorKind::Other));
    let taken = agent.says(1, CORRECTION, 2, "Noe annet.").await;
    assert!(matches!(taken, Err(CaseError::Log(_))));
    let told = agent.cases.list(&own(1)).await;
    assert!(matches!(told, Err(CaseError::Log(_))));
    let told = agent.cases.get(&own(1), opened.case, None).await;
    assert!(matches!(told, Err(CaseError::Log(_))));
    let case = store::cases_of(
        agent.cases.records.pool(),
        agent.cases.records.key().code(&person(1)),
    );
    assert_eq!(case.await.unwrap().len(), 1, "the one from before");
}

/// The agent dies at every operation of the log's disk in turn; the citizen sends the message again
/// until there is a receipt.
#[tokio::test]
async fn promise_8_a_case_is_opened_once_wherever_the_agent_dies() {
    let mut died = 0;
    for operations in 0.. {
        let mut place = Place::new();
        let agent = place.agent().await;
        agent.opens(2, CaseKind::Insight, 9).await;
        place.disk.crash_after(operations);
        let taken = agent.says(1, CORRECTION, 1, "Fødselsåret er feil.").await;
        let receipt = taken.map(|taken| taken.receipt);
        if !place.disk.has_crashed() {
            assert!(receipt.is_ok());
            break;
        }
        died += 1;
        agent.cases.records.close().await;
        agent.desk.close().await;
        drop(agent);
        place.disk = place.disk.after_crash();
        let agent = place.agent().await;
        let again = agent
            .says(1, CORRECTION, 1, "Fødselsåret er feil.")
            .await
            .unwrap();
        if let Ok(receipt) = receipt {
            assert_eq!(again.receipt, receipt, "acknowledged, so it stands");
        }
        assert_eq!(agent.cases.list(&own(1)).await.unwrap().len(), 1);
        let leaf = CaseReceipt::read(&again.receipt, &log_key())
            .unwrap()
            .use_log_leaf;
        agent.close().await;
        let leaves: Vec<_> = place
            .entries()
            .iter()
            .map(Entry::to_bytes)
            .map(|bytes| tlog_tiles::record_hash(&bytes).0)
            .collect();
        assert!(leaves.contains(&leaf), "the step's entry is in the log");
    }
    assert!(died > 1, "the disk was never in use");
}

#[tokio::test]
async fn who_acts_for_another_is_in_the_log_beside_them_and_who_may_not_as_well() {
    let place = Place::new();
    let agent = place.agent().await;
    let mandate = |areas: Vec<Area>, days: i64| Representation::PowerOfAttorney {
        areas: areas.into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(1_700_000_000),
            until: Timestamp::from_seconds(1_800_000_000 + days * 86_400),
        },
    };
    let (all, act) = (Area::AllInsight, Area::Dialogs);
    for (n, (areas, days, to, expected)) in [
        (vec![all.clone(), act.clone()], 1, CORRECTION, None),
        (vec![all.clone()], 1, To::New(CaseKind::Insight), None),
        (vec![all.clone()], 1, CORRECTION, Some("withheld")),
        (vec![all, act.clone()], 0, CORRECTION, Some("denied")),
        (vec![act], 1, CORRECTION, Some("denied")),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = asks(20, n, mandate(areas, days));
        let text = words("For en annen.");
        let said = agent.cases.say(&asked, to, MessageId([1; 16]), &text).await;
        let said = said.map(|_| ());
        let is_refused = matches!(said, Err(CaseError::NotConducted(_)));
        assert_eq!(is_refused, expected.is_some(), "row {n}: {said:?}");
        let cases = agent.cases.list(&own(n)).await.unwrap();
        assert_eq!(cases.len(), usize::from(expected.is_none()), "row {n}");
    }
    agent.close().await;
    let (entries, keys) = (place.entries(), keys());
    let tagger = keys.tagger();
    for (n, expected) in ["answered", "answered", "withheld", "denied", "denied"]
        .into_iter()
        .enumerate()
    {
        // Each row was followed by the person's own list.
        let entry = &entries[2 * n];
        let decision = match entry.decision {
            UseDecision::Answered => "answered",
            UseDecision::Withheld(_) => "withheld",
            UseDecision::Denied(_) => "denied",
            _ => "another",
        };
        assert_eq!(decision, expected, "row {n}");
        assert_eq!(entry.caller, tagger.caller(&person(20)));
        let crate::uselog::EntrySubject::Person(tag, done, _) = entry.subject else {
            panic!("about a person");
        };
        assert_eq!(tag, tagger.subject(&person(n)));
        assert_eq!(done, innsyn_policy::PersonUse::Dialog);
    }
}

#[tokio::test]
async fn one_person_has_so_many_open_cases_and_no_more() {
    let place = Place::new();
    let agent = place.agent().await;
    for n in 0..u8::try_from(OPEN_CASES_OF_PERSON_MAX).unwrap() {
        agent.opens(1, CaseKind::Insight, n + 1).await;
    }
    let more = agent.says(1, CORRECTION, 200, "En til.").await;
    assert!(matches!(more, Err(CaseError::TooMany)));
    agent.opens(2, CaseKind::Insight, 200).await;
}

#[tokio::test]
async fn promise_3_the_files_hold_neither_persons_nor_what_they_say() {
    let place = Place::new();
    let agent = place.agent().await;
    let file = Attachment {
        name: "hemmelig-navn.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        content: "hemmelig innhold".into(),
    };
    let text = CaseText::parse("hemmelig melding").unwrap();
    let secret = Words::new(Some(text), vec![file]).unwrap();
    let asked = own(1);
    let said = agent
        .cases
        .say(&asked, CORRECTION, MessageId([1; 16]), &secret)
        .await;
    let case = said.unwrap().case;
    agent
        .clerk_says(case, Act::Message, "hemmelig svar")
        .await
        .unwrap();
    let read = |place: &Place| {
        let files = std::fs::read_dir(place.records().0).unwrap();
        let files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.collect::<Vec<_>>().concat()
    };
    let waiting = read(&place);
    agent.cases.take_words().await.unwrap();
    let told = agent.cases.get(&own(1), case, Some(1)).await.unwrap();
    assert_eq!(told.steps[0].attachments[0].content, b"hemmelig innhold");
    agent.close().await;
    for bytes in [waiting, read(&place)] {
        assert!(
            bytes.windows(5).any(|w| w == b"kreft" || w == b"cases"),
            "something is read"
        );
        for secret in ["hemmelig", "saksbehandler", person(1).expose_str()] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
}

/// A correction is the register's to make, outside Innsyn: no file of this module knows of a source
/// or writes a file, and the module is given neither.
#[test]
fn a_correction_never_writes_register_data_there_is_no_way_to_them() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases");
    let mut files = vec![folder.with_extension("rs")];
    for within in ["", "clerk"] {
        let entries = std::fs::read_dir(folder.join(within)).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| {
        file.extension().is_some_and(|it| it == "rs") && !file.ends_with("tests.rs")
    });
    assert!(files.len() > 8);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for way in ["sources", "subjects", "tokio_postgres", "fs::", "config"] {
                assert!(!line.contains(way), "{}: {line}", file.display());
            }
        }
    }
}
