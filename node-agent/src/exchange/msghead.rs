//! Messages in their head (*Hodemelding* 1.2) with a dialogue in it (*Dialogmelding* 1.1): read
//! and written.
//!
//! The schemas of the five messages are not public, so that only what is described is relied on:
//! head, parties, patient, text, attachments. Where exactly the register's id stands below
//! `RollerRelatertNotat` is not described; it is the one id that is found there.

mod parts;
mod write;

use innsyn_policy::{Environment, NationalId, NumberRules, Timestamp};

use super::apprec::AppRecError;
use super::headers::moment;
use super::xml::{self, Element, XmlError};
use super::{
    AppRec, AppRecVersion, Condition, Conversation, Fault, HerId, MessageId, MessageKind,
    RegisterMessage,
};
use parts::{all_text, attachments, child, her_id_of, optional, register_id, request};

pub(super) use write::{Outgoing, write};

pub(super) const HEAD: &str = "http://www.kith.no/xmlstds/msghead/2006-05-24";
pub(super) const DIALOGUE: &str = "http://www.kith.no/xmlstds/dialog/2013-01-23";
pub(super) const BASE64: &str = "http://www.kith.no/xmlstds/base64container";
/// The code sets of what an id is.
pub(super) const PERSON_ID_TYPES: &str = "2.16.578.1.12.4.1.1.8116";
pub(super) const PARTY_ID_TYPES: &str = "2.16.578.1.12.4.1.1.9051";

/// The most characters that a person may write.
pub(super) const TEXT_MAX: usize = 32_768;

/// How national ids are read here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) rules: NumberRules,
    pub(super) environment: Environment,
}

/// What an envelope held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// Who sent it, as the content says.
    pub(super) from: HerId,
    /// Whom it is for, as the content says.
    pub(super) to: HerId,
    /// What it is.
    pub(super) body: Body,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// One of the five messages.
    Register(Box<RegisterMessage>),
    /// One of the five messages, with something in it that cannot be used.
    Unfit(Unfit),
    /// A receipt for something that we sent.
    AppRec(AppRec),
    /// A message that registers do not take.
    Unsupported,
}

/// A message that is refused for what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    /// Its id.
    pub(super) id: MessageId,
    /// What it asked for.
    pub(super) kind: MessageKind,
    /// When it was made.
    pub(super) made_at: Timestamp,
    /// Whether a receipt is wanted.
    pub(super) wants_receipt: bool,
    /// What its sender is told.
    pub(super) why: AppRecError,
}

/// Reads what an envelope held.
pub(super) fn read(text: &[u8], numbers: Numbers) -> Result<Content, Fault> {
    let root = xml::read(text).map_err(|error| match error {
        XmlError::Malformed | XmlError::Forbidden => Fault::new(
            Condition::NotWellFormedXml,
            "the content is not well-formed XML in UTF-8 without a document type",
        ),
        XmlError::TooLarge => Fault::new(
            Condition::NotWellFormedXml,
            "the content is deeper or larger than any message",
        ),
    })?;
    if root.name == "AppRec"
        && let Some(version) = AppRecVersion::of_namespace(&root.namespace)
    {
        let receipt = AppRec::read(&root, version)?;
        return Ok(Content {
            from: receipt.from,
            to: receipt.to,
            body: Body::AppRec(receipt),
        });
    }
    if root.name != "MsgHead" || root.namespace != HEAD {
        return Err(Fault::new(
            Condition::UnsupportedMessage,
            "the content is neither a message in its head nor a receipt",
        ));
    }
    read_head(&root, numbers)
}

fn read_head(root: &Element, numbers: Numbers) -> Result<Content, Fault> {
    let info = child(root, "MsgInfo")?;
    let process = child(info, "Type")?.attribute("V").unwrap_or_default();
    let from = her_id_of(child(info, "Sender")?)?;
    let to = her_id_of(child(info, "Receiver")?)?;
    let body = match MessageKind::of_process(process) {
        None => Body::Unsupported,
        Some(kind) => read_body(root, info, kind, from, numbers)?,
    };
    Ok(Content { from, to, body })
}

/// A message of a known process: a fault where its head cannot be used at all, unfit where it can
/// but the rest cannot.
fn read_body(
    root: &Element,
    info: &Element,
    kind: MessageKind,
    from: HerId,
    numbers: Numbers,
) -> Result<Body, Fault> {
    let id = MessageId::parse(child(info, "MsgId")?.text())
        .map_err(|_| Fault::field("MsgId is no id"))?;
    let made_at = moment(child(info, "GenDate")?.text())
        .ok_or(Fault::field("GenDate is no time of ISO 8601"))?;
    let wants_receipt = match optional(info, "Ack")?.and_then(|ack| ack.attribute("V")) {
        Some("J") => true,
        None | Some("N") => false,
        Some(_) => return Err(Fault::field("Ack is neither J nor N")),
    };
    let conversation = read_conversation(info)?;
    let read = || -> Result<RegisterMessage, &'static str> {
        let dialogue = parts::dialogue(root)?;
        let text = all_text(dialogue);
        if text.chars().count() > TEXT_MAX {
            return Err("the text is longer than 32768 characters");
        }
        Ok(RegisterMessage {
            id: id.clone(),
            kind,
            from,
            person: person(info, numbers)?,
            register: register_id(dialogue)?,
            request: request(dialogue)?,
            text,
            attachments: attachments(root)?,
            conversation: conversation.clone(),
            made_at,
            wants_receipt,
        })
    };
    Ok(match read() {
        Ok(message) => Body::Register(Box::new(message)),
        Err(why) => Body::Unfit(Unfit {
            id: id.clone(),
            kind,
            made_at,
            wants_receipt,
            why: AppRecError::other(why),
        }),
    })
}

fn read_conversation(info: &Element) -> Result<Conversation, Fault> {
    let Some(conversation) = optional(info, "ConversationRef")? else {
        return Ok(Conversation::default());
    };
    let id = |name| -> Result<Option<MessageId>, Fault> {
        let element = optional(conversation, name)?;
        let text = element.map(Element::text).filter(|text| !text.is_empty());
        let id = text.map(MessageId::parse).transpose();
        id.map_err(|_| Fault::field("an id in ConversationRef is no id"))
    };
    Ok(Conversation {
        parent: id("RefToParent")?,
        first: id("RefToConversation")?,
    })
}

/// The person in the head.
fn person(info: &Element, numbers: Numbers) -> Result<NationalId, &'static str> {
    const NO_PERSON: &str = "the message has no patient with one national id";
    let patient = info.one("Patient").ok().flatten().ok_or(NO_PERSON)?;
    let mut ids = patient.all("Ident").filter(|ident| {
        let kind = ident.one("TypeId").ok().flatten();
        kind.is_some_and(|kind| {
            matches!(kind.attribute("V"), Some("FNR" | "DNR"))
                && kind.attribute("S").is_none_or(|set| set == PERSON_ID_TYPES)
        })
    });
    let (Some(ident), None) = (ids.next(), ids.next()) else {
        return Err(NO_PERSON);
    };
    let id = ident.one("Id").ok().flatten().ok_or(NO_PERSON)?;
    let person = NationalId::parse(id.text(), numbers.rules)
        .map_err(|_| "the patient's national id is none")?;
    let admitted = numbers.environment.admit_citizen(&person);
    admitted.map_err(|_| "the patient's national id is of a kind that is not accepted here")?;
    Ok(person)
}
