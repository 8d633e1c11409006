use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::FutureExt as _;
use innsyn_policy::{Clock, ManualClock, Presence, Timestamp};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::finding::{Finding, Severity};
use crate::subjects::Found;
use crate::test_ids::{NUMBERS, clearance, digits, person};

const HOUR: Duration = Duration::from_hours(1);

const MANIFEST: &str = r#"
    [persons]
    files = ["persons.csv"]
    columns = { national_id = "fnr" }
"#;

/// An intake with a key of its own that tells nobody how far it is.
pub(super) fn intake(numbers: Numbers) -> Intake {
    intake_told_to(numbers, Silent)
}

/// The same, telling `progress`.
pub(super) fn intake_told_to(numbers: Numbers, progress: impl Progress + 'static) -> Intake {
    Intake::new(&Arc::new(key()), numbers, Arc::new(progress))
}

#[derive(Debug, Clone)]
struct SharedClock(Arc<ManualClock>);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

fn clock() -> SharedClock {
    SharedClock(Arc::new(ManualClock::new(Timestamp::from_seconds(0))))
}

fn key() -> SubjectKey {
    SubjectKey::generate(&mut StdRng::seed_from_u64(1), None)
}

fn write_persons(folder: &Path, persons: &[usize]) {
    let rows: Vec<_> = persons.iter().map(|n| digits(*n)).collect();
    fs::write(
        folder.join("persons.csv"),
        format!("fnr\n{}\n", rows.join("\n")),
    )
    .expect("a file");
}

async fn open(folder: &Path, clock: &SharedClock) -> Arc<SubjectsStore<SharedClock>> {
    let source = Arc::new(FolderSource::new(folder));
    SubjectsStore::open(
        source,
        key(),
        NUMBERS,
        HOUR,
        clock.clone(),
        Arc::new(Silent),
    )
    .await
    .expect("a good folder")
}

fn is_here(store: &SubjectsStore<SharedClock>, who: usize) -> bool {
    store.current().find(&clearance(person(who))) == Found::Registered(Presence::default())
}

fn folder_with(persons: &[usize]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("manifest.toml"), MANIFEST).expect("a file");
    write_persons(folder.path(), persons);
    folder
}

#[tokio::test]
async fn a_changed_file_is_read_once_it_stands_still() {
    let folder = folder_with(&[0]);
    let store = open(folder.path(), &clock()).await;
    assert_eq!(store.refresh().await.expect("fine"), Refreshed::Unchanged);
    let held = store.current();

    write_persons(folder.path(), &[0, 1]);
    assert_eq!(store.refresh().await.expect("fine"), Refreshed::Settling);
    write_persons(folder.path(), &[0, 1, 2]);
    assert_eq!(store.refresh().await.expect("fine"), Refreshed::Settling);
    assert!(!is_here(&store, 1), "served from a file in the making");
    assert_eq!(store.refresh().await.expect("fine"), Refreshed::Reloaded);

    assert!(is_here(&store, 1) && is_here(&store, 2));
    assert_eq!(store.refresh().await.expect("fine"), Refreshed::Unchanged);
    // Who took the data before the change keeps them until the end of the batch.
    assert_eq!(held.find(&clearance(person(1))), Found::Absent);
}

#[tokio::test]
async fn a_changed_manifest_is_a_change() {
    let folder = folder_with(&[0]);
    let store = open(folder.path(), &clock()).await;
    fs::write(
        folder.path().join("others.csv"),
        format!("fnr\n{}\n", digits(5)),
    )
    .expect("a file");
    let manifest = MANIFEST.replace("persons.csv", "others.csv");
    fs::write(folder.path().join("manifest.toml"), manifest).expect("a file");

    store.refresh().await.expect("fine");
    store.refresh().await.expect("fine");

    assert!(is_here(&store, 5) && !is_here(&store, 0));
}

#[tokio::test]
async fn a_failed_reload_keeps_the_old_data_and_says_since_when() {
    let folder = folder_with(&[0]);
    let clock = clock();
    let store = open(folder.path(), &clock).await;
    assert_eq!(store.status().failing, None);

    fs::write(folder.path().join("persons.csv"), "other\n1\n").expect("a file");
    store.refresh().await.expect("seen to change");
    clock.0.advance(Duration::from_secs(5));
    store.refresh().await.expect_err("no such column");
    clock.0.advance(Duration::from_secs(5));
    store.refresh().await.expect_err("no such column");

    assert!(is_here(&store, 0));
    let failing = store.status().failing.expect("it fails");
    assert_eq!(failing.since, Timestamp::from_seconds(5));
    assert!(
        failing.reason.contains("no column `fnr`"),
        "{}",
        failing.reason
    );

    write_persons(folder.path(), &[1]);
    store.refresh().await.expect("seen to change");
    store.refresh().await.expect("good again");
    assert_eq!(store.status().failing, None);
    assert!(is_here(&store, 1) && !is_here(&store, 0));
}

#[tokio::test]
async fn an_export_that_came_out_empty_is_not_believed() {
    let folder = folder_with(&[0]);
    let store = open(folder.path(), &clock()).await;

    fs::write(folder.path().join("persons.csv"), "fnr\n").expect("a file");
    store.refresh().await.expect("seen to change");
    let error = store.refresh().await.expect_err("nobody left");

    assert!(matches!(error, SourceError::Emptied { before: 1 }));
    assert!(is_here(&store, 0));
}

#[tokio::test]
async fn settings_are_stale_when_the_source_was_not_seen_for_too_long() {
    let folder = folder_with(&[0]);
    let clock = clock();
    let store = open(folder.path(), &clock).await;
    let settings = |store: &SubjectsStore<SharedClock>| {
        let data = store.current();
        data.settings_of(&person(0), clock.now()) == HeldSettings::Stale
    };

    clock.0.advance(HOUR);
    assert!(!settings(&store), "an hour is allowed");
    clock.0.advance(Duration::from_secs(1));
    assert!(settings(&store), "more is not");

    store.refresh().await.expect("the folder stands unchanged");
    assert!(!settings(&store), "seen again");
    fs::remove_file(folder.path().join("persons.csv")).expect("removed");
    clock.0.advance(HOUR + Duration::from_secs(1));
    store.refresh().await.expect_err("the file is gone");
    assert!(settings(&store), "a failed look is no look");
}

#[tokio::test]
async fn a_source_that_is_not_there_at_the_start_is_an_error() {
    let source = Arc::new(FolderSource::new("/nonexistent/export"));
    let store = SubjectsStore::open(source, key(), NUMBERS, HOUR, clock(), Arc::new(Silent));

    let error = store.await.expect_err("no folder").to_string();

    assert_eq!(
        error,
        "`/nonexistent/export/manifest.toml` cannot be read: \
         No such file or directory (os error 2)"
    );
}

/// A source that is read anew each time, as a database is; it tells how often it was.
#[derive(Debug)]
struct Database(watch::Sender<usize>);

impl Source for Database {
    fn load(&self, mut intake: Intake) -> BoxFuture<'_, Result<Loaded, SourceError>> {
        let id = digits(*self.0.borrow());
        let fields = PersonFields {
            id: Some(&id),
            ..PersonFields::default()
        };
        let loaded = intake.person(fields, &config::StatusValues::default());
        self.0.send_modify(|loads| *loads += 1);
        async { loaded.and_then(|()| intake.finish()) }.boxed()
    }

    fn fingerprint(&self) -> BoxFuture<'_, Result<Option<Fingerprint>, SourceError>> {
        async { Ok(None) }.boxed()
    }
}

#[tokio::test]
async fn a_database_is_read_at_every_refresh_until_shutdown() {
    let (loads, mut seen) = watch::channel(0);
    let source = Arc::new(Database(loads));
    let store = SubjectsStore::open(source, key(), NUMBERS, HOUR, clock(), Arc::new(Silent))
        .await
        .expect("a database");
    assert!(is_here(&store, 0));

    let shutdown = CancellationToken::new();
    let refreshing = store.spawn_refresh(Duration::from_millis(1), shutdown.clone());
    seen.wait_for(|loads| *loads >= 3)
        .await
        .expect("it is read");
    shutdown.cancel();
    refreshing.await.expect("it ends");

    assert!(!is_here(&store, 0));
    assert!((1..*seen.borrow()).any(|who| is_here(&store, who)));
}

fn config(text: &str) -> Result<SourceConfig, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

async fn findings(text: &str) -> Vec<Finding> {
    let config = config(text).expect("a valid section");
    check(
        &config,
        NUMBERS,
        &mut StdRng::seed_from_u64(1),
        Arc::new(Silent),
    )
    .await
}

#[tokio::test]
async fn check_tells_in_words_what_is_wrong_with_the_rows() {
    let folder = folder_with(&[0, 0]);
    let path = folder.path().join("persons.csv");
    let rows = format!("fnr\n{}\n{}\n\n123\n", digits(0), digits(0));
    fs::write(path, rows).expect("a file");

    let found = findings(&format!(
        "kind = 'folder'\npath = '{}'",
        folder.path().display()
    ))
    .await;

    let words: Vec<_> = found.iter().map(|f| (f.severity, &*f.what)).collect();
    assert_eq!(
        words,
        [
            (Severity::Note, "the source has 3 rows about 1 people"),
            (
                Severity::Warning,
                "0 rows have no national id and 1 have one that is none; they are left out"
            ),
            (
                Severity::Note,
                "1 rows are about somebody who already had one and were merged"
            ),
        ]
    );
}

#[tokio::test]
async fn check_tells_what_to_do_about_a_missing_folder_and_a_bad_key() {
    let found = findings("kind = 'folder'\npath = '/nonexistent'").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Error);
    assert_eq!(
        found[0].what_to_do,
        "create `/nonexistent/manifest.toml`, or correct the path"
    );

    let folder = folder_with(&[0]);
    let key = folder.path().join("key");
    fs::write(&key, "a1b2\n").expect("a file");
    let text = format!(
        "kind = 'folder'\npath = '{}'\npseudonym_key_file = '{}'",
        folder.path().display(),
        key.display()
    );
    let found = findings(&text).await;
    let words = found.iter().map(ToString::to_string).collect::<String>();
    assert!(words.contains("other accounts may read it"), "{words}");
    assert!(words.contains("this one has 2"), "{words}");
    assert!(!words.contains("a1b2"), "{words}");
}

#[test]
fn a_source_section_is_checked_when_it_is_read() {
    let postgres = "kind = 'postgres'\nhost = 'db.example'\ndatabase = 'd'\nuser = 'u'\n\
        persons = { table = 't', columns = { national_id = 'fnr' } }\n";
    let wrong = [
        (
            format!("{postgres}tls = 'disabled'"),
            "`db.example` is neither",
        ),
        (format!("{postgres}tls = 'required'"), "needs `ca_file`"),
        (
            format!("{postgres}tls = 'required'\nca_file = 'ca'\nrefresh_s = 0"),
            "`refresh_s` is 0",
        ),
        (
            format!("{postgres}tls = 'required'\nca_file = 'ca'\npoll_s = 1"),
            "unknown field `poll_s`",
        ),
        (
            format!("{postgres}tls = 'required'\nca_file = 'ca'").replace("'fnr'", "''"),
            "`persons.columns.national_id` is empty",
        ),
        (
            "kind = 'folder'\npath = 'p'\nfolder = 'q'".to_owned(),
            "unknown field `folder`",
        ),
        ("kind = 'oracle'".to_owned(), "unknown variant `oracle`"),
    ];
    for (text, words) in wrong {
        let error = config(&text).expect_err(words);
        assert!(error.contains(words), "`{words}` is not in `{error}`");
    }

    let good = config(&format!("{postgres}tls = 'disabled'").replace("db.example", "::1"));
    let good = good.expect("loopback may be in clear");
    assert_eq!(good.refresh, Duration::from_mins(1));
    let folder = config("kind = 'folder'\npath = 'export'").expect("a folder");
    assert_eq!(
        folder.relative_to(Path::new("/etc/innsyn")).place,
        Place::Folder("/etc/innsyn/export".into())
    );
}
