//! The words of the exchange as those of a case, and the other way.

use innsyn_policy::{Act, CASE_TEXT_BYTES_MAX, Case, CaseText, Verdict};
use zeroize::Zeroizing;

use super::super::{Attachment, CaseError, Words};
use crate::exchange::{self, MessageKind, RegisterMessage};

/// What the rest of a text is called that is longer than a case's.
const LONG_TEXT: &str = "melding.txt";
const IN_A_FILE: &str = "Teksten er for lang til å stå her, og ligger ved som melding.txt.\nThe text is too long to \
     stand here, and is attached as melding.txt.";
const NOTHING_WRITTEN: &str = "Innbyggeren skrev ingen tekst.\nThe citizen wrote no text.";
/// The longest name of a file, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// What `message` says, as it stands in a case. A text that is longer than a case's goes into a
/// file; one that is missing says so, since what is asked for is known from the message's kind.
pub(super) fn of(message: &RegisterMessage) -> Result<Words, CaseError> {
    let text = printable(&message.text);
    let mut attachments = Vec::with_capacity(message.attachments.len() + 1);
    let text = match text.trim() {
        "" => NOTHING_WRITTEN,
        text if text.len() <= CASE_TEXT_BYTES_MAX => text,
        text => {
            attachments.push(Attachment {
                name: LONG_TEXT.to_owned(),
                media_type: "text/plain; charset=utf-8".to_owned(),
                content: text.as_bytes().to_vec().into(),
            });
            IN_A_FILE
        }
    };
    let text = CaseText::parse(text)?;
    for (n, file) in (1..).zip(&message.attachments) {
        attachments.push(Attachment {
            name: name_of(&file.description, n),
            media_type: media_type_of(&file.media_type),
            content: file.content.to_vec().into(),
        });
    }
    Ok(Words::new(Some(text), attachments)?)
}

/// Control characters but line ends and tabs become spaces.
fn printable(text: &str) -> Zeroizing<String> {
    let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let shown = text.chars().map(|c| if is_shown(c) { c } else { ' ' });
    Zeroizing::new(shown.collect())
}

fn name_of(description: &str, n: usize) -> String {
    let is_name = |c: char| !c.is_control() && c != '/' && c != '\\';
    let name = description.trim().chars().take(NAME_CHARACTERS_MAX);
    let name: String = name.map(|c| if is_name(c) { c } else { '_' }).collect();
    if name.is_empty() {
        format!("vedlegg-{n}")
    } else {
        name
    }
}

fn media_type_of(media_type: &str) -> String {
    let is_printable = |b: u8| b.is_ascii_graphic() || b == b' ';
    let within = (1..=NAME_CHARACTERS_MAX).contains(&media_type.len());
    if within && media_type.bytes().all(is_printable) {
        media_type.to_owned()
    } else {
        "application/octet-stream".to_owned()
    }
}

/// What the register says in a step, as the person reads it: what was decided, and in whose words.
pub(super) fn answer(act: Act, case: &Case, said: Option<&Words>) -> Zeroizing<String> {
    let decided = match act {
        Act::Answer(Verdict::Accepted) => {
            "Avgjørelse: imøtekommet.\nDecision: accepted.".to_owned()
        }
        Act::Answer(Verdict::Partly) => format!(
            "Avgjørelse: delvis imøtekommet. {APPEAL_NB}\nDecision: accepted in part. {APPEAL_EN}"
        ),
        Act::Answer(Verdict::Refused) => {
            format!("Avgjørelse: avslått. {APPEAL_NB}\nDecision: refused. {APPEAL_EN}")
        }
        Act::Extend => {
            let due = case.deadline().due();
            format!(
                "Fristen for å svare er forlenget til {due}.\nThe time to answer is extended until \
                 {due}."
            )
        }
        Act::Open | Act::Message | Act::Begin | Act::Appeal => String::new(),
    };
    let parts = [decided.as_str(), said.map_or("", Words::text)];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Zeroizing::new(parts.join("\n\n"))
}

const APPEAL_NB: &str = "Er du uenig, kan du klage til registeret én gang, og til Datatilsynet.";
const APPEAL_EN: &str =
    "If you disagree, you can appeal to the register once, and complain to Datatilsynet.";

/// The files of a step, as the exchange sends them.
pub(super) fn files(said: Option<&Words>) -> Vec<exchange::Attachment> {
    let files = said.map_or(&[][..], Words::attachments).iter();
    let file = |file: &Attachment| exchange::Attachment {
        media_type: file.media_type.clone(),
        description: file.name.clone(),
        content: file.content.to_vec().into(),
    };
    files.map(file).collect()
}

/// What is asked for, as the case handler reads it.
pub(super) const fn asked_for(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::HealthData => "insight in the data about the person",
        MessageKind::Uses => "insight in who has used the data",
        MessageKind::Releases => "insight in what was released",
        MessageKind::Error => "something is wrong",
        MessageKind::DeletionOrBlocking => "deletion or blocking",
    }
}
