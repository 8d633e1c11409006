//! What is wrong with the source, in plain words: its part of `innsyn-agent check`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rand::CryptoRng;

use super::about::AboutPerson;
use super::config::{Place, SourceConfig};
use super::folder::FolderSource;
use super::intake::{Intake, LoadReport, Numbers};
use super::progress::Progress;
use crate::config::InsightTable;
use crate::finding::Finding;
use crate::research;

/// From this share on (one in so many rows), malformed ids are more than slips of the pen.
const MANY: u64 = 100;

/// Reads the whole source as the agent would and tells what is wrong with it. No finding of
/// severity error means that the agent could serve from it.
pub async fn check(
    config: &SourceConfig,
    numbers: Numbers,
    rng: &mut impl CryptoRng,
    progress: Arc<dyn Progress>,
) -> Vec<Finding> {
    let mut findings = secrets(config);
    let loaded = match config.subject_key(rng) {
        Ok(key) => {
            let intake = Intake::new(&Arc::new(key), numbers, Arc::clone(&progress));
            config.source().load(intake).await
        }
        Err(error) => Err(error),
    };
    progress.finish();
    match loaded {
        Ok(loaded) => {
            findings.extend(of_report(&loaded.report));
            match &config.place {
                Place::Folder(path) => {
                    let source = FolderSource::new(path);
                    findings.extend(research::data::check(&source, &loaded, numbers));
                }
                Place::Postgres(config) => {
                    if let Some(section) = &config.research {
                        findings.extend(research::data::database::check(config, section).await);
                    }
                }
            }
        }
        Err(error) => findings.extend(error.findings()),
    }
    findings
}

/// Looks whether `tables`, which people are shown of the source, can be read as they are named.
pub async fn check_shown(config: &SourceConfig, tables: &[InsightTable]) -> Vec<Finding> {
    match AboutPerson::try_tables(config, &tables.into()).await {
        Ok(()) => vec![Finding::note(
            "the tables that people are shown can be read",
            "",
        )],
        Err(error) => {
            let of_insight = |finding: Finding| Finding {
                what: format!("`[insight]`: {}", finding.what),
                ..finding
            };
            error.findings().into_iter().map(of_insight).collect()
        }
    }
}

/// Secrets that more accounts than the agent's can read.
fn secrets(config: &SourceConfig) -> Vec<Finding> {
    let mut files: Vec<&Path> = config
        .pseudonym_key_file
        .iter()
        .map(|file| &**file)
        .collect();
    if let Place::Postgres(postgres) = &config.place {
        let roles = postgres.research.iter();
        let roles = roles.flat_map(|research| [&research.keeper, &research.reader]);
        let passwords = roles.map(|role| &role.password_file);
        let passwords = passwords.chain([&postgres.password_file]);
        files.extend(passwords.flatten().map(|file| &**file));
    }
    files
        .into_iter()
        .filter(|path| is_open_to_others(path))
        .map(|path| {
            let path = path.display();
            Finding::warning(
                format!("`{path}` holds a secret, and other accounts may read it"),
                format!("run: chmod 600 '{path}'"),
            )
        })
        .collect()
}

fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

fn of_report(report: &LoadReport) -> Vec<Finding> {
    let mut findings = vec![Finding::note(
        format!(
            "the source has {} rows about {} people",
            report.rows, report.persons
        ),
        "",
    )];
    if report.rows == 0 {
        findings.push(Finding::warning(
            "the source has no rows: everybody would be told that they are not registered",
            "see whether the export or view is complete",
        ));
    }
    let unusable = report.missing + report.malformed;
    if unusable > 0 {
        let what = format!(
            "{} rows have no national id and {} have one that is none; they are left out",
            report.missing, report.malformed
        );
        let what_to_do = "look for them in the source: 11 digits whose control digits match; a \
            spreadsheet may have dropped leading zeros";
        findings.push(if unusable > report.rows / MANY {
            Finding::warning(what, what_to_do)
        } else {
            Finding::note(what, what_to_do)
        });
    }
    let counts = [
        (
            report.wrong_environment,
            "rows have a number of the wrong kind (synthetic in production, or real in a test \
             system); they are left out",
            "see that `environment` is right",
        ),
        (
            report.unknown_status,
            "rows have a status in neither list; those people count as registered",
            "add the values to `status.registered` or `status.deleted`",
        ),
        (
            report.unread_dates,
            "dates cannot be read, or lie outside 1900 to 2079; those people count without",
            "write dates as YYYY-MM-DD",
        ),
        (
            report.undefined_settings,
            "settings have no defined meaning; secondary use of those people's data is refused",
            "see which kinds, purposes and dates the table has",
        ),
        (
            report.settings_of_nobody,
            "settings have no usable national id and count for nobody",
            "look for them in the source: a person may have said no there",
        ),
    ];
    findings.extend(
        counts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, what, to_do)| Finding::warning(format!("{count} {what}"), to_do)),
    );
    if let Some(reason) = &report.settings_unreadable {
        findings.push(Finding::warning(
            format!("the settings cannot be read, so all secondary use is refused: {reason}"),
            "correct it; a person's own insight is not affected",
        ));
    }
    let quiet = [
        (
            report.auxiliary,
            "rows have an H- or FH-number and are left out",
        ),
        (
            report.duplicates,
            "rows are about somebody who already had one and were merged",
        ),
    ];
    findings.extend(
        quiet
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| Finding::note(format!("{count} {what}"), "")),
    );
    findings
}
