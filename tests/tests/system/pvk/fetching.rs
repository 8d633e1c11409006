//! Everything that PVK has, at the start and again; and a few of it, compared.

use std::sync::Arc;

use innsyn_agent::check::check;
use innsyn_agent::finding::Severity;
use innsyn_policy::Clock;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::tunnel::TcpDialler;
use innsyn_sim::world::OPT_OUT;

use super::super::fleet::until;
use super::world::{NEVER, OFTEN, ONCE, REGISTER, Set};

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_nobody_is_counted_before_everything_is_here_and_then_whoever_may_be() {
    const RESERVED: u32 = 25;
    let set = Set::up(OFTEN).await;
    let reserved: Vec<_> = set
        .people()
        .into_iter()
        .take(RESERVED.try_into().unwrap())
        .collect();
    let pvk = Arc::clone(&set.pvk.pvk);
    pvk.trouble(|it| {
        it.mute = true;
        it.pages_max = Some(2);
    });
    pvk.page_persons(10);
    for person in &reserved {
        pvk.says(person.id.expose_str(), OPT_OUT, true);
    }
    let mut story = set.start().await;

    // The third page never comes: what is on the first two changes nothing, and nobody is counted.
    until("fetching fails", async || {
        story.metric("not_fetched_total").await > 1
    })
    .await;
    assert_eq!(story.counted().await, None);
    assert!(story.warns("secondary use is refused").await);
    assert!(story.warns("are not fetched").await);
    assert_eq!(story.metric("fetched_total").await, 0);

    pvk.trouble(|it| it.pages_max = None);
    let without = story.counts().await;
    assert_eq!(story.warnings().await, Vec::<String>::new());
    // Three pages, with one token of HelseID.
    assert_eq!(story.helseid.helseid.issued(), 1);

    // Taken back there while nothing is pushed: the next list has them no more, and each is asked
    // about.
    for person in &reserved {
        pvk.says(person.id.expose_str(), OPT_OUT, false);
    }
    let ends = tokio::time::Instant::now() + super::super::fleet::LONG;
    while story.counts().await != without + u64::from(RESERVED) {
        assert!(tokio::time::Instant::now() < ends, "taken back in vain");
    }
    story.log_names_nobody();
    let changes = story.logged().await.len();
    assert_eq!(changes, 2 * reserved.len(), "each is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_a_token_is_used_until_it_ends_and_a_proof_has_what_pvk_wants_in_it() {
    let set = Set::up(OFTEN).await;
    set.helseid.helseid.lifetime_s(6);
    let pvk = Arc::clone(&set.pvk.pvk);
    pvk.trouble(|it| it.nonce = Some("the-first".to_owned()));
    let story = set.start().await;
    let fetched = async |times: u64| {
        until("it is fetched", async || {
            story.metric("fetched_total").await >= times
        })
        .await;
    };
    fetched(2).await;
    pvk.trouble(|it| it.nonce = Some("the-second".to_owned()));
    fetched(8).await;
    assert_eq!(story.metric("not_fetched_total").await, 0);
    let issued = story.helseid.helseid.issued();
    assert!(
        (2..=5).contains(&issued),
        "{issued} tokens for eight fetches"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_when_pvk_is_silent_for_too_long_nobody_is_counted() {
    let mut story = Set::up(OFTEN).await.start().await;
    let before = story.counts().await;
    story.pvk.pvk.trouble(|it| it.down = true);
    let ends = tokio::time::Instant::now() + super::super::fleet::LONG;
    while story.counted().await.is_some() {
        assert!(tokio::time::Instant::now() < ends, "it still counts");
    }
    let why = story.part().await.unwrap_err().to_string();
    assert!(why.contains("SettingsTooOld"), "{why}");
    assert!(story.warns("secondary use is refused").await);
    assert!(story.warns("503").await, "{:?}", story.warnings().await);
    story.pvk.pvk.trouble(|it| it.down = false);
    assert_eq!(story.counts().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn area_2_pvk_what_differs_is_found_and_the_stricter_one_stands() {
    let mut story = Set::up(ONCE).await.start().await;
    let before = story.counts().await;
    let [stays, becomes] = [0, 1].map(|n: usize| story.people()[n]);
    story.says(&stays, true);
    story.says(&becomes, true);
    story.says(&becomes, false);
    story.received(3).await;
    assert_eq!(story.counted().await, Some(before - 1));
    until("they are compared", async || {
        story.metric("compared_total").await > 2
    })
    .await;
    assert_eq!(story.metric("differed_total").await, 0);

    // Two changes that are never pushed: one loosens, one does not.
    story.pvk.pvk.trouble(|it| it.mute = true);
    story.says(&stays, false);
    story.says(&becomes, true);
    until("both are found", async || {
        story.metric("differed_total").await > 1
    })
    .await;
    assert_eq!(story.counted().await, Some(before - 2));
    until("it is told", async || {
        story.warns("other than Personvernkomponenten's").await
    })
    .await;

    // Forgotten there: it stands here all the same.
    story.pvk.pvk.forgets(becomes.id.expose_str(), OPT_OUT);
    until("it is found again", async || {
        story.metric("differed_total").await > 5
    })
    .await;
    assert_eq!(story.counted().await, Some(before - 2));
    story.log_names_nobody();
}

#[tokio::test(flavor = "multi_thread")]
async fn check_looks_at_the_section() {
    let set = Set::up(NEVER).await;
    let config = set.prepared.world.agent_config(REGISTER);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let says = async || {
        let all = check(&config, &TcpDialler, &clock).await;
        let all = all.into_iter();
        let of_pvk = all.filter(|it| {
            let it = it.to_string();
            it.contains("Personvernkomponenten") || it.contains("pvk.")
        });
        of_pvk
            .map(|it| (it.severity, it.to_string()))
            .collect::<Vec<_>>()
    };
    let [(severity, what)] = says().await.try_into().unwrap();
    assert_eq!(severity, Severity::Note, "{what}");

    set.pvk.pvk.trouble(|it| it.down = true);
    let [(severity, what)] = says().await.try_into().unwrap();
    assert_eq!(severity, Severity::Error);
    assert!(what.contains("503"), "{what}");
    set.pvk.pvk.trouble(|it| it.down = false);

    let whole = std::fs::read_to_string(&config).unwrap();
    for (from, to, words) in [
        (
            "client_id = \"innsyn-npr\"",
            "client_id = \"another\"",
            "invalid_client",
        ),
        (
            "key_file = \"helseid.key\"",
            "key_file = \"key.pem.none\"",
            "cannot be read",
        ),
        ("pvk-ca.pem", "relay-ca.pem", "HelseID does not answer"),
        ("pvk-ca.pem", "none.pem", "pvk.ca_file"),
        ("../../sts/jwks.json", "jwks.none", "pvk.receiver.jwks"),
        (
            "definitions = [\"7e1d7a52",
            "definitions = [\"00000000",
            "does not have",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        std::fs::write(&config, whole.replace(from, to)).unwrap();
        let errors = says().await.into_iter();
        let errors = errors.filter(|(severity, _)| *severity == Severity::Error);
        let [(_, what)] = errors.collect::<Vec<_>>().try_into().unwrap();
        assert!(what.contains(words), "{to}: {what}");
    }
}
