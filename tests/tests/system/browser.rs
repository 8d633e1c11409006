//! The demo's page in a real browser: a person is chosen, and every register fills in.
//!
//! The page has no script. To see what the browser makes of it, a copy of it gets one that lists
//! the cards which are shown.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use innsyn_sim::processes::http;
use serde::Deserialize;
use tempfile::tempdir;

use super::demo::Demo;

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

/// The document at `url` after the browser has loaded it.
fn dom(profile: &Path, url: &str) -> String {
    let program = PROGRAMS
        .iter()
        .find(|program| {
            let mut asked = Command::new(program);
            asked
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            asked.status().is_ok_and(|status| status.success())
        })
        .expect("no Chromium; tests/run installs it");
    let output = Command::new(program)
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

/// What the browser shows of `page`, which may be only the beginning of one.
fn seen(folder: &Path, page: &str) -> Seen {
    let file = folder.join("page.html");
    fs::write(&file, format!("{page}{PROBE}")).unwrap();
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
    let answer = http()
        .unwrap()
        .post(format!("{url}/demo/listing"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let page = answer.text().await.unwrap();
    assert!(
        !page.contains("<script"),
        "the page works without JavaScript"
    );

    let whole = seen(folder.path(), &page);
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
    let half = seen(folder.path(), &page[..end + "</details>".len()]);
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
