//! What the case handler reads.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use innsyn_policy::{Act, CaseState, NationalId, Party, Standing, Timestamp, Verdict};
use innsyn_proto::case_receipt::CaseId;

use crate::cases::{Shown, ShownStep, Words};

pub(super) fn list(cases: &[Shown], now: Timestamp) -> String {
    if cases.is_empty() {
        return "no cases wait for an answer\n".to_owned();
    }
    let mut text = String::new();
    for shown in cases {
        let _infallible = writeln!(text, "{}", line(shown, now));
    }
    text
}

fn line(shown: &Shown, now: Timestamp) -> String {
    let case = &shown.case;
    format!(
        "{}  {:<11}  {:<11}  due {}{}",
        shown.id,
        case.kind().name(),
        state(case.state()),
        case.deadline().due(),
        standing(shown, now)
    )
}

fn standing(shown: &Shown, now: Timestamp) -> &'static str {
    match (
        shown.case.standing(now),
        shown.case.state().is_open(),
        shown.case.deadline().is_extended(),
    ) {
        (Standing::Overdue, true, _) => "  OVERDUE",
        (Standing::Overdue, false, _) => "  answered late",
        (Standing::PastTarget, true, _) => "  past the target of 30 days",
        (_, _, true) => "  extended",
        _ => "",
    }
}

const fn state(state: CaseState) -> &'static str {
    match state {
        CaseState::Received => "received",
        CaseState::InProgress => "in progress",
        CaseState::Answered(Verdict::Accepted) => "accepted",
        CaseState::Answered(Verdict::Partly) => "partly",
        CaseState::Answered(Verdict::Refused) => "refused",
        CaseState::Appealed => "appealed",
    }
}

/// Which case is shown.
pub(super) struct About<'a> {
    pub(super) shown: &'a Shown,
    pub(super) person: &'a NationalId,
    /// What it asks for, if it came by the exchange.
    pub(super) came_for: Option<&'static str>,
}

pub(super) fn case(about: &About<'_>, steps: &[ShownStep], now: Timestamp) -> String {
    let person = about.person.expose_str();
    let mut text = format!("{}\nperson {person}\n", line(about.shown, now));
    if let Some(what) = about.came_for {
        let _infallible = writeln!(
            text,
            "came by the exchange, which your answer goes back to: {what}"
        );
    }
    for step in steps {
        let by = match step.step.by {
            Party::Person => "the person".to_owned(),
            Party::Representative => "a representative of the person".to_owned(),
            Party::Clerk => step.clerk.clone().unwrap_or_default(),
        };
        let at = jiff::Timestamp::from_second(step.step.at.as_seconds());
        let at = at.map_or_else(|_| String::new(), |at| at.to_string());
        let _infallible = writeln!(text, "\n{at}  {}, by {by}", done(step.step.act));
        if step.removed {
            text.push_str("  [removed: the case was closed long ago]\n");
        }
        for line in step.words.as_ref().map_or("", Words::text).lines() {
            let _infallible = writeln!(text, "  {line}");
        }
        for file in step.words.as_ref().map_or(&[][..], Words::attachments) {
            let bytes = file.content.len();
            let _infallible = writeln!(
                text,
                "  [{}: {}, {bytes} bytes]",
                file.name, file.media_type
            );
        }
    }
    text
}

const fn done(act: Act) -> &'static str {
    match act {
        Act::Open => "opened",
        Act::Message => "message",
        Act::Begin => "begun",
        Act::Extend => "extended by two months",
        Act::Answer(Verdict::Accepted) => "accepted",
        Act::Answer(Verdict::Partly) => "accepted in part",
        Act::Answer(Verdict::Refused) => "refused",
        Act::Appeal => "appealed",
    }
}

pub(super) fn taken(case: CaseId, act: Act) -> String {
    match act {
        Act::Answer(_) => {
            format!("{case} is answered; the citizen is told that there is a message")
        }
        Act::Extend => format!("{case} is extended; the citizen is told that there is a message"),
        Act::Message => format!("said in {case}; the citizen is told that there is a message"),
        _ => format!("{case} is in progress"),
    }
}

/// Writes the files of a case into `folder`, each under the case's name, step and place: what a
/// citizen calls a file is not what it is called here.
pub(super) fn save(folder: &Path, case: CaseId, steps: &[ShownStep]) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    for (number, step) in (1..).zip(steps) {
        let files = step.words.as_ref().map_or(&[][..], Words::attachments);
        for (place, file) in (1..).zip(files) {
            let path = folder.join(format!("{case}-{number}-{place}"));
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .and_then(|mut to| to.write_all(&file.content))
                .with_context(|| format!("`{}` cannot be written", path.display()))?;
        }
    }
    Ok(())
}

/// The media type by a file's ending; what is not known is bytes.
pub(super) fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    }
}
