//! What is said in one session with an SMS service: rules without sockets.
//!
//! ```text
//!   bind_transmitter ──yes──▶ submit_sm ──yes──▶ taken, and unbind
//!          └──no──────────────────┴──no───▶ failed
//! ```
//!
//! Whatever else the service says is answered as the protocol wants, or passed over. That a session
//! comes to an end is its caller's: it has a limit of time.

use std::fmt;

use rusmpp::pdus::{BindTransmitter, SubmitSm};
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{InterfaceVersion, Npi, Ton, UserMessageReference};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};

use super::super::MobileNumber;
use super::sender::Sender;
use super::{SmsError, text};

/// The numbers of what is said here, by which answers are told apart.
const BIND: u32 = 1;
const SUBMIT: u32 = 2;
const UNBIND: u32 = 3;

/// How a customer is known to the service.
#[derive(Clone)]
pub struct Login {
    system_id: COctetString<1, 16>,
    password: COctetString<1, 9>,
    system_type: COctetString<1, 13>,
}

/// Why a login cannot be used. Quotes no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The name.
    #[error("a `system_id` has 1 to 15 ASCII characters")]
    SystemId,
    /// The password.
    #[error("the password of an SMS service has up to 8 ASCII characters")]
    Password,
    /// The kind of system.
    #[error("a `system_type` has up to 12 ASCII characters")]
    SystemType,
}

/// One session, for one message.
pub(super) struct Session {
    state: State,
    bind: BindTransmitter,
    message: SubmitSm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Binding,
    Submitting,
}

/// What is to be done.
pub(super) enum Next {
    /// Say this, and listen.
    Say(Box<Command>),
    Listen,
    /// The message is taken; this is to be said at last.
    Taken(Box<Command>),
    Failed(SmsError),
}

impl Login {
    /// The login of `system_id`, whom the service may know to be of some `system_type`.
    pub fn new(system_id: &str, password: &str, system_type: &str) -> Result<Self, LoginError> {
        if system_id.is_empty() {
            return Err(LoginError::SystemId);
        }
        Ok(Self {
            system_id: system_id.parse().map_err(|_| LoginError::SystemId)?,
            password: password.parse().map_err(|_| LoginError::Password)?,
            system_type: system_type.parse().map_err(|_| LoginError::SystemType)?,
        })
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

impl Session {
    /// The session in which the message goes from `from` to `number`, known by `reference`.
    pub(super) fn new(login: &Login, from: &Sender, number: &MobileNumber, reference: u16) -> Self {
        let Login {
            system_id,
            password,
            system_type,
        } = login.clone();
        let bind = BindTransmitter::builder()
            .system_id(system_id)
            .password(password)
            .system_type(system_type)
            .interface_version(InterfaceVersion::Smpp3_4)
            .build();
        let mut message = SubmitSm::builder()
            .source_addr_ton(from.ton)
            .source_addr_npi(from.npi)
            .source_addr(address(&from.address))
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .destination_addr(address(number.expose_digits()))
            // The service's own alphabet. ASSUMED: GSM 03.38, as it is nearly everywhere.
            .data_coding(rusmpp::values::DataCoding::McSpecific)
            .short_message(short_message())
            .build();
        message.push_tlv(
            rusmpp::tlvs::MessageSubmissionRequestTlvValue::UserMessageReference(
                UserMessageReference::new(reference),
            ),
        );
        Self {
            state: State::Binding,
            bind,
            message,
        }
    }

    /// What is said first.
    pub(super) fn begin(&self) -> Next {
        Next::Say(Box::new(said(BIND, self.bind.clone())))
    }

    /// What to do now that the service has said `heard`.
    pub(super) fn heard(&mut self, heard: &Command) -> Next {
        let is_yes = heard.status() == CommandStatus::EsmeRok;
        let code = u32::from(heard.status());
        match (self.state, heard.id(), heard.sequence_number()) {
            (State::Binding, CommandId::BindTransmitterResp, BIND) if is_yes => {
                self.state = State::Submitting;
                Next::Say(Box::new(said(SUBMIT, self.message.clone())))
            }
            (State::Binding, CommandId::BindTransmitterResp | CommandId::GenericNack, _) => {
                Next::Failed(SmsError::Login(code))
            }
            (State::Submitting, CommandId::SubmitSmResp, SUBMIT) if is_yes => {
                Next::Taken(Box::new(said(UNBIND, Pdu::Unbind)))
            }
            (State::Submitting, CommandId::SubmitSmResp, SUBMIT) => {
                Next::Failed(if is_of_number(heard.status()) {
                    SmsError::Number(code)
                } else {
                    SmsError::Message(code)
                })
            }
            (State::Submitting, CommandId::GenericNack, _) => Next::Failed(SmsError::Message(code)),
            (_, CommandId::Unbind, _) => Next::Failed(SmsError::Ended),
            (_, CommandId::EnquireLink, number) => {
                Next::Say(Box::new(said(number, Pdu::EnquireLinkResp)))
            }
            _ => Next::Listen,
        }
    }
}

/// Whether the service says that the number is none that it will ever send to.
const fn is_of_number(status: CommandStatus) -> bool {
    matches!(
        status,
        CommandStatus::EsmeRinvdstadr
            | CommandStatus::EsmeRinvdstton
            | CommandStatus::EsmeRinvdstnpi
    )
}

fn said(number: u32, pdu: impl Into<Pdu>) -> Command {
    Command::new(CommandStatus::EsmeRok, number, pdu)
}

#[expect(
    clippy::expect_used,
    reason = "senders and numbers are ASCII and have at most 15 characters"
)]
fn address(text: &str) -> COctetString<1, 21> {
    text.parse().expect("short and ASCII")
}

#[expect(
    clippy::expect_used,
    reason = "the text is a constant, and a test reads it"
)]
fn short_message() -> OctetString<0, 255> {
    let septets = text::septets(text::TEXT).expect("in the alphabet");
    OctetString::from_vec(septets).expect("at most 160")
}
