//! What is wrong with the published views, in plain words: their part of `innsyn-agent check`.

use std::io;

use tokio_util::sync::CancellationToken;

use super::error::{ViewError, ViewFault};
use super::rows::People;
use super::stored::{self, ViewReport};
use super::view::{self, PublishedView};
use crate::finding::Finding;
use crate::sources::{FolderSource, Loaded, Numbers};

/// From this share on (one in so many rows), rows of nobody are more than stray ones.
const MANY: u64 = 100;

/// Makes every view of `source` ready, as the agent would, and keeps nothing of it; `loaded` are
/// the source's people, whose ids were read as `numbers` says.
pub fn check(source: &FolderSource, loaded: &Loaded, numbers: Numbers) -> Vec<Finding> {
    let views = match source.views() {
        Ok(views) => views,
        Err(error) => return error.findings(),
    };
    let people = People {
        subjects: &loaded.subjects,
        numbers,
    };
    let views = view::all(views).into_iter();
    let tried = views.map(|view| view.and_then(|view| try_out(source, &view, people)));
    tried
        .flat_map(|tried| match tried {
            Ok((name, report)) => of_report(&name, report),
            Err(error) => vec![error.finding()],
        })
        .collect()
}

fn try_out(
    source: &FolderSource,
    view: &PublishedView,
    people: People<'_>,
) -> Result<(String, ViewReport), ViewError> {
    let name = &view.description.name;
    let written = source
        .stamp_of(&view.files)
        .map_err(ViewFault::from)
        .and_then(|files| {
            stored::write(view, &files, people, io::sink(), &CancellationToken::new())
        });
    match written {
        Ok((_, report)) => Ok((name.clone(), report)),
        Err(fault) => Err(fault.of(name)),
    }
}

fn of_report(view: &str, report: ViewReport) -> Vec<Finding> {
    let ready = Finding::note(
        format!(
            "view `{view}` can be published: {} rows about {} people",
            report.rows - report.rows_of_nobody,
            report.persons
        ),
        "",
    );
    let mut findings = vec![ready];
    if report.rows_of_nobody > 0 {
        let what = format!(
            "view `{view}` has {} rows about nobody who is registered; they are left out",
            report.rows_of_nobody
        );
        let what_to_do = "see whether `id_column` is right and the people are exported as well";
        findings.push(if report.rows_of_nobody > report.rows / MANY {
            Finding::warning(what, what_to_do)
        } else {
            Finding::note(what, what_to_do)
        });
    }
    findings
}
