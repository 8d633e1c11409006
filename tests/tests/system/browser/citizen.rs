//! The citizen's own pages in a real browser: settings, who has used their data, and cases.

use serde_json::Value;

use super::*;

/// What is on a page, whatever page it is: what can be operated and by what name, what is shown, and
/// text that is too pale to be read.
const PAGE_PROBE: &str = r#"<script>
  const shown = element => element.checkVisibility();
  const listing = document.querySelector(".following");
  const roots = listing ? [document, listing.shadowRoot] : [document];
  const all = which => roots.flatMap(root => [...root.querySelectorAll(which)]).filter(shown);
  const texts = which => all(which).map(element => element.innerText);
  const light = colour => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = element => {
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const says = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  const pale = all("body *").filter(element => says(element) && !["STYLE", "SCRIPT", "OPTION"].includes(element.tagName))
    .filter(element => contrast(element) < 4.5).map(element => element.innerText);
  const fields = all("input:not([type=hidden]), select, textarea");
  const choose = id => { document.getElementById(id).checked = true; };
  const seen = {
    lang: document.documentElement.lang,
    heading: texts("h1"),
    current: texts("nav [aria-current=page]"),
    switches: all("[role=switch]").map(one => [
      document.getElementById(one.getAttribute("aria-labelledby")).innerText,
      one.getAttribute("aria-checked")]),
    squares: all(".cells i, .following > i").length,
    filled: all(".cells i.has, .following > i.has").length,
    status: texts("[role=status]").concat(listing ? texts(".following > section") : []),
    alerts: texts("[role=alert]"),
    proof: texts(".proof"),
    events: all(".event").length,
    badges: texts(".badge"),
    steps: texts(".step"),
    pale,
    nameless: fields.filter(field => field.labels.length === 0).map(field => field.name),
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  };
  if (document.getElementById("kind-research")) {
    choose("kind-research");
    seen.research = texts(".event");
  }
  const pre = document.createElement("pre");
  pre.id = "seen";
  pre.textContent = JSON.stringify(seen)
    .replace(/[<>&\u00a0]/g, one => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
  document.body.append(pre);
</script>"#;

/// A person's pages in a demo.
struct Pages {
    url: String,
    person: String,
    role: &'static str,
    folder: tempfile::TempDir,
}

impl Pages {
    /// What the page answers to a form.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let whose = [("person", &*self.person), ("role", self.role)];
        let all = whose.iter().chain(fields);
        let form = reqwest::Url::parse_with_params(&self.url, all).unwrap();
        let body = form.query().unwrap().to_owned();
        posted(&format!("{}{path}", self.url), body).await
    }

    /// What a browser makes of it; whatever it is, it can be read, operated and named.
    fn look(&self, page: &str) -> Value {
        let seen: Value = seen(self.folder.path(), page, PAGE_PROBE);
        assert_eq!(seen["lang"], "nb");
        for fault in ["pale", "nameless"] {
            assert_eq!(seen[fault], serde_json::json!([]), "{fault}");
        }
        assert_eq!(seen["wide"], false, "wider than the window");
        seen
    }

    async fn see(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.look(&self.post(path, fields).await)
    }
}

/// The texts under `name`.
fn texts(seen: &Value, name: &str) -> Vec<String> {
    let texts = seen[name].as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

fn said(seen: &Value, name: &str, what: &str) {
    let texts = texts(seen, name);
    assert!(
        texts.iter().any(|text| text.contains(what)),
        "{what}: {seen}"
    );
}

#[tokio::test]
async fn the_citizens_pages_show_a_setting_that_follows_a_log_that_holds_and_a_dialog() {
    let mut demo = Demo::start(&["--persons", "2000", "--listen", "127.0.0.1:0"]);
    demo.wait_for("--as poa");
    let says = demo.says();
    let (_, rest) = says.split_once("Open ").unwrap();
    let url = rest.split_whitespace().next().unwrap().to_owned();
    let folder = tempdir().unwrap();
    let chooser = dom(&folder.path().join("profile"), &url);
    let pages = Pages {
        person: hidden(&chooser, "person").to_owned(),
        role: "oneself",
        url,
        folder,
    };
    settings(&pages).await;
    uses(&pages).await;
    cases(&pages).await;

    // Who has a power of attorney may look, and not say yes or no.
    let proxy = Pages {
        role: "poa",
        ..pages
    };
    let refused = proxy.see("/demo/settings/change", &opt_out("true")).await;
    said(&refused, "alerts", "Avslått");
    demo.interrupt();
}

/// What somebody sees who clicks through the pages.
#[tokio::test]
async fn a_citizen_clicks_through_settings_the_log_of_use_and_a_case() {
    let mut demo = Demo::start(&["--persons", "2000", "--listen", "127.0.0.1:0"]);
    demo.wait_for("--as poa");
    let says = demo.says();
    let (_, rest) = says.split_once("Open ").unwrap();
    let url = rest.split_whitespace().next().unwrap();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let clicked = Command::new(top.join(".venv/bin/python"))
        .arg(top.join("tests/clients/citizen_pages.py"))
        .args([url, &format!("/usr/bin/{}", super::program())])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&clicked.stderr);
    assert!(clicked.status.success(), "{complaints}");
    let saw: Value = serde_json::from_slice(&clicked.stdout).unwrap();

    assert_eq!(
        saw["settings"],
        serde_json::json!({ "before": "false", "after": "true" })
    );
    for reading in ["first", "second"] {
        let proof = saw["uses"][reading].as_str().unwrap();
        assert!(
            proof.contains("76 registre har vist loggen sin, og alt stemmer"),
            "{proof}"
        );
    }
    let checks = saw["uses"]["checks"].as_str().unwrap();
    assert!(checks.contains("er også andre registre vitner"), "{checks}");
    said(&saw["uses"], "research", "Forskning: personen ble talt med");
    assert_eq!(texts(&saw["uses"], "research").len(), 1);
    let case = &saw["case"];
    assert!(
        case["opened"]["badge"]
            .as_str()
            .unwrap()
            .starts_with("Mottatt")
    );
    assert!(
        case["answered"]["badge"]
            .as_str()
            .unwrap()
            .starts_with("Avslått")
    );
    said(&case["answered"], "steps", "<img src=x onerror=");
    said(
        &case["answered"],
        "steps",
        "Folkeregisteret sier noe annet.",
    );
    assert_eq!(case["taken"], Value::Null, "words are words");
    // Neither the page nor the browser had anything to complain about, and nobody is in the address.
    assert_eq!(saw["complaints"], serde_json::json!([]));
    assert!(!saw["address"].as_str().unwrap().contains('?'));
    demo.interrupt();
}

fn opt_out(active: &str) -> [(&'static str, &str); 2] {
    [
        ("definition", innsyn_sim::world::OPT_OUT),
        ("active", active),
    ]
}

async fn settings(pages: &Pages) {
    let before = pages.see("/demo/settings", &[]).await;
    said(&before, "current", "Mine innstillinger");
    let switches = before["switches"].as_array().unwrap();
    assert_eq!(switches.len(), 3, "{before}");
    assert!(switches.iter().all(|one| one[1] == "false"), "{before}");

    let page = pages.post("/demo/settings/change", &opt_out("true")).await;
    let (begun, _) = page.split_once("<i slot=").unwrap();
    let begun = pages.look(begun);
    assert_eq!(
        (&begun["squares"], &begun["filled"]),
        (&77.into(), &0.into())
    );
    said(&begun, "status", "Registrene følger");
    let followed = pages.look(&page);
    // One register is down, and the page says so.
    let filled = (&followed["squares"], &followed["filled"]);
    assert_eq!(filled, (&77.into(), &76.into()));
    said(&followed, "status", "Gjelder ved 76 av 77 registre");
    said(&followed, "status", "Norsk tvillingregister er ikke der nå");

    let after = pages.see("/demo/settings", &[]).await;
    let switches = after["switches"].as_array().unwrap();
    let on = switches.iter().filter(|one| one[1] == "true");
    let on: Vec<&str> = on.map(|one| one[0].as_str().unwrap()).collect();
    assert_eq!(on.len(), 1, "{after}");
    assert!(on[0].starts_with("Reservasjon mot"), "{on:?}");
    assert_eq!(after["filled"], 76);
}

async fn uses(pages: &Pages) {
    let page = pages.post("/demo/uses", &[]).await;
    let first = pages.look(&page);
    said(
        &first,
        "proof",
        "76 registre har vist loggen sin, og alt stemmer",
    );
    said(&first, "proof", "Svarte ikke: Norsk tvillingregister");
    let research = texts(&first, "research");
    let all = first["events"].as_u64().unwrap();
    assert!(
        !research.is_empty() && (research.len() as u64) < all,
        "{first}"
    );
    for event in &research {
        assert!(
            event.contains("Forskning: personen ble talt med"),
            "{event}"
        );
        assert!(event.contains("tillatelse helsedataservice.example/demo-1"));
    }

    // Held to what they showed; and to what they did not.
    let receipts = hidden(&page, "receipts").replace("&quot;", "\"");
    let again = pages.see("/demo/uses", &[("receipts", &receipts)]).await;
    said(&again, "proof", "alt stemmer");
    let kept: Vec<String> = serde_json::from_str(&receipts).unwrap();
    assert_eq!(kept.len(), 76);
    let forged = kept.iter().map(|receipt| {
        let is_kreft = receipt.contains("register: kreft\n");
        let newest = receipt.lines().find(|line| line.starts_with("newest: "));
        let forged = receipt.replace(newest.unwrap(), "newest: 99999");
        if is_kreft { forged } else { receipt.clone() }
    });
    let forged = serde_json::to_string(&forged.collect::<Vec<_>>()).unwrap();
    let wrong = pages.see("/demo/uses", &[("receipts", &forged)]).await;
    said(&wrong, "alerts", "Loggen hos 1 register stemmer ikke");
    said(&wrong, "alerts", "Kreftregisteret: receipt:");

    let table = pages.post("/demo/uses/file", &[("form", "csv")]).await;
    assert!(table.starts_with("register,name,at,"), "{table}");
    let bundle = pages.post("/demo/uses/file", &[("form", "fhir")]).await;
    assert!(bundle.contains("AuditEvent"), "{bundle}");
}

async fn cases(pages: &Pages) {
    let asked = "Fødselsåret mitt er <b>feil</b>.";
    let opening = [
        ("register", "kreft"),
        ("kind", "correction"),
        ("message", "0102030405060708090a0b0c0d0e0f10"),
        ("text", asked),
    ];
    let page = pages.post("/demo/cases/open", &opening).await;
    let opened = pages.look(&page);
    said(
        &opened,
        "status",
        "Registeret har det, og har signert en kvittering",
    );
    said(&opened, "badges", "Mottatt");
    said(&opened, "steps", asked);
    assert!(page.contains("innsyn case receipt 1"), "{page}");
    assert!(page.contains("Svar innen"), "{page}");

    // Sent again, it is one case.
    pages.post("/demo/cases/open", &opening).await;
    let listed = pages.post("/demo/cases", &[]).await;
    assert_eq!(
        listed.matches("name=\"register\" value=\"kreft\"").count(),
        1
    );
    pages.look(&listed);

    let case = hidden(&page, "case").to_owned();
    let which = [("register", "kreft"), ("case", &*case)];
    let with = |more: &[(&'static str, &'static str)]| [&which[..], more].concat();
    let unreasoned = with(&[("verdict", "refused"), ("text", " ")]);
    let refused = pages.see("/demo/cases/answer", &unreasoned).await;
    assert!(!texts(&refused, "alerts").is_empty(), "a no needs a reason");
    said(&refused, "badges", "Mottatt");
    let why = "Folkeregisteret sier noe annet.";
    let answer = with(&[("verdict", "refused"), ("text", why)]);
    let answered = pages.see("/demo/cases/answer", &answer).await;
    said(&answered, "status", "is answered");
    said(&answered, "badges", "Avslått");
    said(&answered, "steps", why);
    let appeal = with(&[
        ("act", "appeal"),
        ("message", "1102030405060708090a0b0c0d0e0f10"),
        ("text", "Se dåpsattesten."),
    ]);
    let appealed = pages.see("/demo/cases/say", &appeal).await;
    said(&appealed, "badges", "Påklaget");
    assert_eq!(texts(&appealed, "steps").len(), 3);
}
