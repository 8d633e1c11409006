//! Messages that the register sends: answers and status.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use innsyn_policy::{NationalId, NumberKind, Timestamp};

use super::super::apprec::written;
use super::super::xml::Document;
use super::super::{Attachment, Conversation, HerId, MessageId, MessageKind};
use super::{BASE64, DIALOGUE, HEAD, PARTY_ID_TYPES, PERSON_ID_TYPES};

/// A message that is to be sent.
pub(in super::super) struct Outgoing<'a> {
    pub(in super::super) id: &'a MessageId,
    pub(in super::super) kind: MessageKind,
    pub(in super::super) made_at: Timestamp,
    pub(in super::super) from: HerId,
    pub(in super::super) to: HerId,
    pub(in super::super) person: &'a NationalId,
    pub(in super::super) conversation: &'a Conversation,
    pub(in super::super) text: &'a str,
    pub(in super::super) attachments: &'a [Attachment],
}

/// The message as XML. It holds the person's national id, and goes nowhere but into an envelope.
pub(in super::super) fn write(message: &Outgoing<'_>) -> io::Result<Vec<u8>> {
    Document::write("MsgHead", HEAD, |document| {
        document.within("MsgInfo", &[], |document| write_info(document, message))?;
        write_document(document, "H", |document| {
            document.empty("MsgType", &[("V", "XML"), ("DN", "XML-instans")])?;
            document.within("Content", &[], |document| {
                document.within("Dialogmelding", &[("xmlns", DIALOGUE)], |document| {
                    document.within("Notat", &[], |document| {
                        document.text("TekstNotatInnhold", message.text)
                    })
                })
            })
        })?;
        for attachment in message.attachments {
            write_document(document, "V", |document| {
                document.empty("MsgType", &[("V", "A"), ("DN", "Vedlegg")])?;
                document.text("MimeType", &attachment.media_type)?;
                document.text("Description", &attachment.description)?;
                document.within("Content", &[], |document| {
                    document.within("Base64Container", &[("xmlns", BASE64)], |document| {
                        document.plain(&STANDARD.encode(&*attachment.content))
                    })
                })
            })?;
        }
        Ok(())
    })
}

fn write_info(document: &mut Document, message: &Outgoing<'_>) -> io::Result<()> {
    let process = message.kind.process();
    document.empty("Type", &[("V", process), ("DN", process)])?;
    document.text("MIGversion", "v1.2 2006-05-24")?;
    document.text("GenDate", &written(message.made_at))?;
    document.text("MsgId", message.id.as_str())?;
    document.empty("Ack", &[("V", "J"), ("DN", "Ja")])?;
    let references = [
        ("RefToParent", &message.conversation.parent),
        ("RefToConversation", &message.conversation.first),
    ];
    if references.iter().any(|(_, id)| id.is_some()) {
        document.within("ConversationRef", &[], |document| {
            for (name, id) in references {
                if let Some(id) = id {
                    document.text(name, id.as_str())?;
                }
            }
            Ok(())
        })?;
    }
    for (name, her) in [("Sender", message.from), ("Receiver", message.to)] {
        document.within(name, &[], |document| {
            document.within("Organisation", &[], |document| {
                let id = her.to_string();
                document.text("OrganisationName", &format!("HER-id {id}"))?;
                write_ident(document, &id, "HER", PARTY_ID_TYPES)
            })
        })?;
    }
    document.within("Patient", &[], |document| {
        let kind = match message.person.kind() {
            NumberKind::DNumber => "DNR",
            _ => "FNR",
        };
        write_ident(document, message.person.expose_str(), kind, PERSON_ID_TYPES)
    })
}

fn write_document(
    document: &mut Document,
    connection: &str,
    fill: impl FnOnce(&mut Document) -> io::Result<()>,
) -> io::Result<()> {
    document.within("Document", &[], |document| {
        document.empty("DocumentConnection", &[("V", connection)])?;
        document.within("RefDoc", &[], fill)
    })
}

fn write_ident(document: &mut Document, id: &str, kind: &str, set: &str) -> io::Result<()> {
    document.within("Ident", &[], |document| {
        document.text("Id", id)?;
        document.empty("TypeId", &[("V", kind), ("S", set)])
    })
}
