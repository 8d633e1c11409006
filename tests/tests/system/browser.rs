//! The demo's pages in a real browser: a person is chosen, and every register fills in.
//!
//! The page has no script. To see what the browser makes of it, a copy of it gets one that lists
//! the cards which are shown.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use innsyn_sim::processes::http;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::tempdir;

use super::demo::Demo;

mod citizen;

/// Where Debian and others put it.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Lists what is shown, as JSON in an element of its own.
const PROBE: &str = r#"<script>
  const shown = element => element.checkVisibility();
  const cards = [...document.querySelectorAll("details.register")].filter(shown);
  const root = document.querySelector(".listing").shadowRoot;
  const waiting = [...root.querySelectorAll("ul.waiting li")].filter(shown);
  const groups = [...root.querySelectorAll("section.group")].filter(shown);
  const seen = document.createElement("pre");
  seen.id = "seen";
  seen.textContent = JSON.stringify({
    cards: cards.map(card => ({
      name: card.querySelector("b").textContent,
      group: card.assignedSlot?.closest("section")?.querySelector("h2").innerText ?? null,
    })),
    waiting: waiting.map(place => place.textContent),
    groups: groups.map(group => group.querySelector("h2").innerText),
    summary: root.querySelector("slot[name=summary]").assignedElements().length,
  });
  document.body.append(seen);
</script>"#;

/// The same of a researcher's page.
const RESEARCH_PROBE: &str = r#"<script>
  const shown = element => element.checkVisibility();
  const all = (root, which) => [...root.querySelectorAll(which)].filter(shown);
  const root = document.querySelector(".run").shadowRoot;
  const hatched = cell => getComputedStyle(cell).backgroundImage.includes("gradient");
  const seen = document.createElement("pre");
  seen.id = "seen";
  seen.textContent = JSON.stringify({
    steps: all(document, ".run > i").length,
    waiting: all(root, "ul.waiting li").length,
    numbers: all(document, "td.number").filter(cell => !hatched(cell)).map(cell => cell.innerText),
    hatched: all(document, "td.number").filter(hatched).map(cell => cell.innerText),
    bars: all(document, ".chart rect[class^=series]").length - all(document, ".key rect[class]").length,
    hidden_bars: all(document, ".chart rect.hidden").length,
    coverage: all(document, ".coverage").map(element => element.innerText).join(),
  });
  document.body.append(seen);
</script>"#;

#[derive(Debug, Deserialize)]
struct ResearchSeen {
    steps: usize,
    waiting: usize,
    numbers: Vec<String>,
    hatched: Vec<String>,
    bars: usize,
    hidden_bars: usize,
    coverage: String,
}

#[derive(Debug, Deserialize)]
struct Seen {
    cards: Vec<Card>,
    waiting: Vec<String>,
    groups: Vec<String>,
    summary: usize,
}

#[derive(Debug, Deserialize)]
struct Card {
    name: String,
    group: Option<String>,
}

/// The browser that is here.
fn program() -> &'static str {
    let is_here = |program: &&&str| {
        let mut asked = Command::new(program);
        asked
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    };
    let here = PROGRAMS.iter().find(is_here);
    here.expect("no Chromium; tests/run installs it")
}

/// The document at `url` after the browser has loaded it.
fn dom(profile: &Path, url: &str) -> String {
    let output = Command::new(program())
        .args(["--headless", "--no-sandbox", "--disable-gpu"])
        .args(["--disable-background-networking", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", url])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What `probe` sees of `page`, which may be only the beginning of one.
fn seen<T: DeserializeOwned>(folder: &Path, page: &str, probe: &str) -> T {
    let file = folder.join("page.html");
    fs::write(&file, format!("{page}{probe}")).unwrap();
    let dom = dom(
        &folder.join("profile"),
        &format!("file://{}", file.display()),
    );
    let json = dom
        .split_once("<pre id=\"seen\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"))
        .unwrap_or_else(|| panic!("the probe did not run: {dom}"))
        .0;
    serde_json::from_str(&json.replace("&amp;", "&")).unwrap()
}

/// The value of the first hidden field `name`.
fn hidden<'a>(dom: &'a str, name: &str) -> &'a str {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = dom.split_once(&field).expect("a hidden field");
    rest.split_once('"').unwrap().0
}

/// What the demo's page at `url` answers to a form.
async fn posted(url: &str, body: String) -> String {
    let answer = http()
        .unwrap()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let allowed = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(allowed.starts_with("default-src 'none'; "), "{allowed}");
    assert!(!allowed.contains("script"), "{allowed}");
    let page = answer.text().await.unwrap();
    assert!(
        !page.contains("<script"),
        "the page works without JavaScript"
    );
    page
}

#[tokio::test]
async fn promise_1_the_page_shows_each_of_83_registers_in_one_group() {
    let mut demo = Demo::start(&["--persons", "2000", "--listen", "127.0.0.1:0"]);
    demo.wait_for("--as poa");
    let says = demo.says();
    let (_, rest) = says.split_once("Open ").unwrap();
    let url = rest.split_whitespace().next().unwrap();
    let folder = tempdir().unwrap();

    let chooser = dom(&folder.path().join("profile"), url);
    assert_eq!(
        chooser.matches("action=\"/demo/listing\"").count(),
        9,
        "{chooser}"
    );
    assert!(chooser.contains("<html lang=\"nb\">"));
    let form = [
        ("person", hidden(&chooser, "person")),
        ("role", hidden(&chooser, "role")),
    ];
    let body: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let page = posted(&format!("{url}/demo/listing"), body.join("&")).await;

    let whole: Seen = seen(folder.path(), &page, PROBE);
    assert_eq!(whole.cards.len(), 83, "{whole:?}");
    let mut names: Vec<_> = whole.cards.iter().map(|card| &card.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 83);
    assert!(
        whole.cards.iter().all(|card| card.group.is_some()),
        "{whole:?}"
    );
    assert_eq!((whole.waiting.len(), whole.summary), (0, 1));
    assert!(
        whole
            .groups
            .iter()
            .any(|group| group.contains("Registrert"))
    );
    assert!(
        whole
            .groups
            .iter()
            .any(|group| group.contains("Svarte ikke"))
    );

    // As far as it has come after 30 registers, the others are waited for.
    let (end, _) = page.match_indices("</details>").nth(29).unwrap();
    let half: Seen = seen(folder.path(), &page[..end + "</details>".len()], PROBE);
    assert_eq!(
        (half.cards.len(), half.waiting.len(), half.summary),
        (30, 53, 0)
    );
    for card in &half.cards {
        assert!(
            !half.waiting.contains(&card.name),
            "waited for, and answered: {card:?}"
        );
    }

    demo.interrupt();
}

#[tokio::test]
async fn promise_6_the_researchers_page_hatches_what_is_hidden_and_names_who_is_silent() {
    let mut demo = Demo::start(&["--persons", "2000", "--listen", "127.0.0.1:0"]);
    demo.wait_for("--as poa");
    let says = demo.says();
    let (_, rest) = says.split_once("Open ").unwrap();
    let url = rest.split_whitespace().next().unwrap();
    let folder = tempdir().unwrap();

    let chooser = dom(&folder.path().join("profile"), &format!("{url}/research"));
    let forms = chooser.matches("action=\"/demo/research\"").count();
    assert_eq!(forms, 7, "six questions and SQL: {chooser}");
    assert!(chooser.contains("<code>treatments</code>"), "{chooser}");
    assert!(chooser.contains("Norsk tvillingregister"), "{chooser}");

    // By year, which the demo itself has not asked.
    let page = posted(&format!("{url}/demo/research"), "ready=1".to_owned()).await;
    let whole: ResearchSeen = seen(folder.path(), &page, RESEARCH_PROBE);
    assert_eq!((whole.steps, whole.waiting), (76, 0), "{whole:?}");
    assert!(whole.coverage.contains("75 av 76"), "{whole:?}");
    assert!(whole.coverage.contains("Norsk tvillingregister"));
    assert!(!whole.numbers.is_empty());
    let shown = whole
        .numbers
        .iter()
        .filter_map(|number| number.parse::<u64>().ok());
    assert_eq!(
        (whole.bars, whole.hidden_bars),
        (shown.clone().count(), whole.hatched.len())
    );
    for count in shown {
        assert!(count >= 5 && count.is_multiple_of(5), "{count}");
    }

    // As far as it has come after ten registers, of which the silent one, who is told at once, is
    // not waited for.
    let (end, _) = page.match_indices("</i>").nth(9).unwrap();
    let begun: ResearchSeen = seen(folder.path(), &page[..end + "</i>".len()], RESEARCH_PROBE);
    assert_eq!((begun.steps, begun.waiting), (10, 66), "{begun:?}");
    assert!(begun.numbers.is_empty(), "a table before all have counted");

    // So few that something is hidden.
    let page = posted(&format!("{url}/demo/research"), "ready=0".to_owned()).await;
    let few: ResearchSeen = seen(folder.path(), &page, RESEARCH_PROBE);
    assert!(!few.hatched.is_empty(), "{few:?}");
    assert!(few.hatched.iter().all(|cell| cell == "skjult"), "{few:?}");
    assert_eq!(few.hidden_bars, few.hatched.len());

    // The researcher's papers are for nobody else.
    let (_, rest) = says.split_once("mine = \"").unwrap();
    let mine = rest.split_once('"').unwrap().0;
    for paper in ["token", "permit"] {
        let mode = fs::metadata(format!("{mine}.{paper}")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{paper}");
    }
    demo.interrupt();
}
