//! What is not exported, and what is not imported; in words that say what to do.

use super::own::OwnFault;
use super::*;

/// Why the word was refused.
fn refused(outcome: TransferOutcome) -> String {
    match outcome {
        TransferOutcome::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_an_agent_that_is_current_exports() {
    let story = Story::new();
    let kreft = story.kreft.agent().await;
    let recipient = story.kreft.recipient(&kreft);
    let mut npr = story.npr.agent().await;
    npr.takes(items("npr", 1..=4)).await;
    npr.hears(5);
    let why = refused(npr.exports(&recipient, &story.file).await);
    assert!(why.contains("not current itself"), "{why}");
    npr.takes(items("npr", 5..=5)).await;
    npr.hears(5);
    // To itself, to nobody of the federation, and to whoever took another's words.
    let own = story.npr.recipient(&npr);
    let why = refused(npr.exports(&own, &story.file).await);
    assert!(why.contains("this register itself"), "{why}");
    let strangers = Federation::new();
    let stranger = strangers.place("kreft");
    let why = refused(npr.exports(&stranger.recipient(&kreft), &story.file).await);
    assert!(why.contains("the federation's CA"), "{why}");
    let other = npr.desk.opening().public().to_string();
    let key = kreft.desk.opening().public().to_string();
    let changed = recipient.replace(&key, &other);
    let why = refused(npr.exports(&changed, &story.file).await);
    assert!(why.contains("signature"), "{why}");
    assert!(!story.file.exists());
    let done = npr.exports(&recipient, &story.file).await;
    assert!(matches!(done, TransferOutcome::Done(_)), "{done:?}");
    // What was exported a while ago is still the latest; when nothing was heard for long, it is not.
    npr.clock.advance(Duration::from_secs(61));
    let why = refused(npr.exports(&recipient, &story.file).await);
    assert!(why.contains("not current itself"), "{why}");
}

#[tokio::test]
async fn what_was_said_of_an_unknown_definition_is_not_exported() {
    let mut story = Story::new();
    story.npr.leaving_out = vec![OF_NPR];
    let kreft = story.kreft.agent().await;
    let mut npr = story.whole().await;
    let recipient = story.kreft.recipient(&kreft);
    let why = refused(npr.exports(&recipient, &story.file).await);
    assert!(why.contains(&definition(OF_NPR).to_string()), "{why}");
}

#[tokio::test]
async fn an_export_that_lacks_what_gateways_bring_here_is_refused() {
    // Another writes the consent at the exporting register; then there, a mandate counts less.
    for (elsewhere, issuers, words) in [
        (vec![CONSENT], vec![], "nothing of definition"),
        (vec![], vec!["vergemaal.no"], "mandates of `vergemaal.no`"),
    ] {
        let mut story = Story::new();
        story.npr.elsewhere = elsewhere;
        story.kreft.issuers = issuers.into_iter().map(str::to_owned).collect();
        let mut kreft = story.kreft.agent().await;
        story.exported(&kreft).await;
        let outcome = story.kreft.imports(&mut kreft, &story.file, "").await;
        let why = refused(outcome.unwrap());
        assert!(why.contains(words), "{why}");
        assert_eq!((kreft.applied(), kreft.said(1, OPT_OUT)), (0, None));
        kreft.ends().await;
        assert_eq!(story.kreft.changes(), []);
    }
}

#[tokio::test]
async fn a_file_that_is_anothers_cut_or_changed_is_refused_and_nothing_is_lost() {
    let story = Story::new();
    let mut kreft = story.kreft.agent().await;
    story.exported(&kreft).await;
    let whole = std::fs::read(&story.file).unwrap();
    let mut says = async |bytes: &[u8]| {
        std::fs::write(&story.file, bytes).unwrap();
        let imported = story.kreft.imports(&mut kreft, &story.file, "").await;
        imported.map_err(|error| error.to_string())
    };
    for length in [0, 10, 100, whole.len() - 1] {
        says(&whole[..length]).await.unwrap_err();
    }
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    let error = says(&changed).await.unwrap_err();
    assert!(error.contains("was changed"), "{error}");
    let older = String::from_utf8_lossy(&whole[..25]).replace('1', "0");
    let error = says(older.as_bytes()).await.unwrap_err();
    assert!(error.contains("another format"), "{error}");
    assert!(matches!(says(&whole).await, Ok(TransferOutcome::Done(_))));

    // For another register, and for a key that the register had before.
    let mut hunt = story.federation.place("hunt").agent().await;
    let hunt_place = Place {
        folder: story.kreft.folder.clone(),
        ..story.federation.place("mfr")
    };
    let error = hunt_place.imports(&mut hunt, &story.file, "").await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("for register `kreft`"), "{error}");
    let as_kreft = Place {
        id: "kreft",
        ..hunt_place
    };
    let error = as_kreft.imports(&mut hunt, &story.file, "").await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("another key"), "{error}");
}

#[test]
fn a_list_of_own_settings_says_which_line_is_wrong_and_quotes_nothing() {
    let definitions = definitions(&[]);
    let now = Timestamp::from_seconds(NOW_S);
    let (who, own) = (digits(1), definition(OF_KREFT));
    let read = |line: &str| {
        let list =
            format!("national_id,definition,says,since\n{who},{own},yes,2024-05-02\n{line}\n");
        let kreft = register("kreft");
        let rows = own::rows(list.as_bytes(), &definitions, &kreft, NUMBERS, now);
        rows.collect::<Result<Vec<_>, _>>()
    };
    let wrong = [
        (format!("{who},{own},yes"), OwnFault::Row),
        (format!("123,{own},yes,2024-05-02"), OwnFault::NationalId),
        (
            format!("{},{own},yes,2024-05-02", crate::test_ids::looks_real(1)),
            OwnFault::NotAdmitted,
        ),
        (
            format!("{who},{},yes,2024-05-02", definition(OPT_OUT)),
            OwnFault::NotOwn,
        ),
        (
            format!("{who},{},yes,2024-05-02", definition(OF_NPR)),
            OwnFault::NotOwn,
        ),
        (format!("{who},{own},ja,2024-05-02"), OwnFault::Says),
        (format!("{who},{own},yes,2. mai"), OwnFault::Since),
        (format!("{who},{own},yes,2099-05-02"), OwnFault::Since),
    ];
    for (line, fault) in wrong {
        let error = read(&line).unwrap_err();
        assert_eq!((error.line, error.fault), (3, fault), "{fault:?}");
        assert!(!error.to_string().contains(&who));
    }
    assert_eq!(read("").unwrap().len(), 1);
}
