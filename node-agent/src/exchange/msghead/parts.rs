//! The parts of a message: parties, dialogue, attachments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::super::xml::{Element, TwiceError};
use super::super::{Attachment, Fault, HerId, RequestCode};
use super::{BASE64, DIALOGUE, PARTY_ID_TYPES};

/// The most files that may come with one message.
pub(in super::super) const ATTACHMENTS_MAX: usize = 10;
/// The most bytes of all files of a message together.
pub(in super::super) const ATTACHMENT_BYTES_MAX: usize = 10 << 20;
/// The longest name of a register or a code.
const NAME_MAX: usize = 64;

/// The one child of this name.
pub(super) fn child<'a>(parent: &'a Element, name: &str) -> Result<&'a Element, Fault> {
    optional(parent, name)?.ok_or(Fault::field("an element of the message's head is missing"))
}

/// The one child of this name, if there is one.
pub(super) fn optional<'a>(parent: &'a Element, name: &str) -> Result<Option<&'a Element>, Fault> {
    let twice = |TwiceError| Fault::field("an element of the message's head comes twice");
    parent.one(name).map_err(twice)
}

/// The most specific HER-id of a sender or receiver: the inner organisation's or the person's
/// within it, or the organisation's own.
pub(super) fn her_id_of(party: &Element) -> Result<HerId, Fault> {
    let organisation = child(party, "Organisation")?;
    let inner = optional(organisation, "Organisation")?;
    let person = optional(organisation, "HealthcareProfessional")?;
    for element in [inner, person, Some(organisation)].into_iter().flatten() {
        let mut ids = element.all("Ident").filter_map(her_id);
        match (ids.next(), ids.next()) {
            (Some(id), None) => return Ok(id),
            (Some(_), Some(_)) => return Err(Fault::field("a party has two HER-ids")),
            (None, _) => {}
        }
    }
    Err(Fault::field("a party has no HER-id"))
}

fn her_id(ident: &Element) -> Option<HerId> {
    let kind = ident.one("TypeId").ok()??;
    let is_her = kind.attribute("V") == Some("HER")
        && kind.attribute("S").is_none_or(|set| set == PARTY_ID_TYPES);
    let id = ident.one("Id").ok()??;
    is_her.then(|| HerId::parse(id.text()).ok())?
}

/// The contents of all documents of the message.
fn contents(root: &Element) -> impl Iterator<Item = (&Element, &Element)> {
    root.all("Document").flat_map(|document| {
        let parts = document.all("RefDoc");
        parts.flat_map(move |part| part.all("Content").map(move |content| (part, content)))
    })
}

/// The one dialogue of the message.
pub(super) fn dialogue(root: &Element) -> Result<&Element, &'static str> {
    let mut all = contents(root).flat_map(|(_, content)| {
        let children = content.children.iter();
        children.filter(|child| child.name == "Dialogmelding" && child.namespace == DIALOGUE)
    });
    match (all.next(), all.next()) {
        (Some(dialogue), None) => Ok(dialogue),
        _ => Err("the message does not hold exactly one Dialogmelding 1.1"),
    }
}

/// What the person writes: as a question, as a note, or both.
pub(super) fn all_text(dialogue: &Element) -> Zeroizing<String> {
    let questions = dialogue
        .all("Foresporsel")
        .flat_map(|it| it.all("Sporsmal"));
    let notes = dialogue
        .all("Notat")
        .flat_map(|it| it.all("TekstNotatInnhold"));
    let mut text = Zeroizing::new(String::new());
    for part in questions.chain(notes) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(part.text());
    }
    text
}

/// What is asked for, if the message says so.
pub(super) fn request(dialogue: &Element) -> Result<Option<RequestCode>, &'static str> {
    let mut codes = dialogue
        .all("Foresporsel")
        .flat_map(|request| request.all("TypeForesp"));
    let Some(code) = codes.next() else {
        return Ok(None);
    };
    let (value, set) = (code.attribute("V"), code.attribute("S"));
    let (value, set) = (value.unwrap_or_default(), set.unwrap_or_default());
    if codes.next().is_some() || value.is_empty() || value.len() > NAME_MAX || set.len() > NAME_MAX
    {
        return Err("TypeForesp is not one code");
    }
    Ok(Some(RequestCode {
        code: value.to_owned(),
        code_set: set.to_owned(),
    }))
}

/// The register's id, wherever it stands below `RollerRelatertNotat`, if the message says it.
pub(super) fn register_id(dialogue: &Element) -> Result<Option<String>, &'static str> {
    let roles = ["Foresporsel", "Notat"]
        .into_iter()
        .flat_map(|name| dialogue.all(name))
        .flat_map(|part| part.all("RollerRelatertNotat"));
    let mut found: Option<&str> = None;
    for role in roles {
        for element in role.below() {
            let text = element.text();
            let is_id = ["RegisterID", "Id"].contains(&element.name.as_str());
            if !is_id || text.is_empty() {
                continue;
            }
            if found.is_some_and(|found| found != text) || text.len() > NAME_MAX {
                return Err("RollerRelatertNotat does not name one register");
            }
            found = Some(text);
        }
    }
    Ok(found.map(ToOwned::to_owned))
}

/// The files that come with the message.
pub(super) fn attachments(root: &Element) -> Result<Vec<Attachment>, &'static str> {
    let mut found = Vec::new();
    let mut bytes = 0;
    for (part, content) in contents(root) {
        for child in &content.children {
            if child.name != "Base64Container" || child.namespace != BASE64 {
                continue;
            }
            if found.len() >= ATTACHMENTS_MAX {
                return Err("the message has more than 10 attachments");
            }
            let text: String = child.text().split_ascii_whitespace().collect();
            let content = STANDARD
                .decode(text)
                .map_err(|_| "an attachment is not Base64")?;
            bytes += content.len();
            if bytes > ATTACHMENT_BYTES_MAX {
                return Err("the attachments are larger than 10 MiB together");
            }
            found.push(Attachment {
                media_type: cut(part, "MimeType"),
                description: cut(part, "Description"),
                content: Zeroizing::new(content),
            });
        }
    }
    Ok(found)
}

fn cut(part: &Element, name: &str) -> String {
    let text = part.all(name).next().map_or("", Element::text);
    text.chars().take(256).collect()
}
