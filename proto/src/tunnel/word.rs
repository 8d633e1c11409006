//! The words themselves: bytes, and what they mean.

use std::io;
use std::time::Duration;

use innsyn_policy::RegisterId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The version of these words. The first byte that whoever dials a relay sends.
pub const VERSION: u8 = 1;

/// The longest name that `Connect` can carry, bytes.
const REGISTER_LEN_MAX: u8 = 32;

const PARK: u8 = b'P';
const CONNECT: u8 = b'C';
const MAILBOX: u8 = b'M';

/// What somebody who has dialled a relay wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hello {
    /// An agent: keep this connection until a gateway asks for my register.
    Park,
    /// A gateway: splice me to this register's agent.
    Connect(RegisterId),
    /// An agent or a gateway: let me speak to your mailbox.
    Mailbox,
}

impl Hello {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Park => vec![VERSION, PARK],
            Self::Mailbox => vec![VERSION, MAILBOX],
            Self::Connect(register) => {
                let name = register.as_str().as_bytes();
                let len = u8::try_from(name.len()).unwrap_or(u8::MAX);
                [&[VERSION, CONNECT, len], name].concat()
            }
        }
    }

    /// Reads one from `io`, and no byte after it.
    pub async fn read(io: &mut (impl AsyncRead + Unpin)) -> Result<Self, TunnelError> {
        let mut head = [0; 2];
        io.read_exact(&mut head).await?;
        match head {
            [VERSION, PARK] => Ok(Self::Park),
            [VERSION, MAILBOX] => Ok(Self::Mailbox),
            [VERSION, CONNECT] => {
                let len = io.read_u8().await?;
                if len > REGISTER_LEN_MAX {
                    return Err(TunnelError::Malformed);
                }
                let mut name = vec![0; usize::from(len)];
                io.read_exact(&mut name).await?;
                std::str::from_utf8(&name)
                    .ok()
                    .and_then(|name| RegisterId::parse(name).ok())
                    .map(Self::Connect)
                    .ok_or(TunnelError::Malformed)
            }
            [VERSION, _] => Err(TunnelError::Malformed),
            [version, _] => Err(TunnelError::UnknownVersion(version)),
        }
    }
}

/// One byte between a relay and somebody who has said [`Hello`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Relay to agent: you are parked.
    Parked,
    /// Relay to agent: are you there?
    Ping,
    /// Agent to relay: I am here.
    Pong,
    /// Relay to agent: a gateway is here. Relay to gateway: the next byte reaches the agent.
    Go,
    /// Agent to relay: I take the gateway; the next byte is the inner layer's.
    Accept,
    /// Relay to agent: I am going away, park elsewhere.
    Drain,
    /// Relay to anybody: no, and here is why; the connection is closed after it.
    Refused(Refusal),
}

impl Word {
    /// Its byte.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Parked => b'K',
            Self::Ping => b'?',
            Self::Pong => b'!',
            Self::Go => b'G',
            Self::Accept => b'A',
            Self::Drain => b'D',
            Self::Refused(refusal) => refusal.byte(),
        }
    }

    /// The word that `byte` stands for.
    pub fn from_byte(byte: u8) -> Result<Self, TunnelError> {
        use Word as W;
        [W::Parked, W::Ping, W::Pong, W::Go, W::Accept, W::Drain]
            .into_iter()
            .chain(Refusal::ALL.into_iter().map(W::Refused))
            .find(|word| word.byte() == byte)
            .ok_or(TunnelError::Malformed)
    }

    /// Sends the word at once (TLS would keep it in a buffer).
    pub async fn send(self, io: &mut (impl AsyncWrite + Unpin)) -> Result<(), TunnelError> {
        io.write_all(&[self.byte()]).await?;
        Ok(io.flush().await?)
    }

    /// Reads one word, and no byte after it. Cancel safe.
    pub async fn read(io: &mut (impl AsyncRead + Unpin)) -> Result<Self, TunnelError> {
        Self::from_byte(io.read_u8().await?)
    }
}

/// Why a relay says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No agent of this register is parked here, or none that is parked answers.
    #[error("the register's agent is not connected to this relay")]
    NoParkedConnection,
    /// The relay serves a closed list of registers, and this is not among them.
    #[error("the relay does not serve this register")]
    UnknownRegister,
    /// The certificate is genuine, but the relay's configuration does not name this gateway.
    #[error("the relay does not trust this gateway; name it in the relay's configuration")]
    NotTrusted,
    /// A gateway tried to park, a node to connect, or a relay did either.
    #[error("the certificate is for another role; a node parks and a gateway connects")]
    WrongRole,
    /// A limit of the relay is reached, for example connections parked for one register.
    #[error("the relay has reached a limit; try later or elsewhere")]
    Overloaded,
    /// The relay does not speak our version of these words.
    #[error("the relay does not speak this version of the tunnel")]
    UnknownVersion,
    /// The relay did not understand.
    #[error("the relay did not understand what was asked")]
    Malformed,
    /// The relay is going away.
    #[error("the relay is going away; use another")]
    Draining,
    /// The relay keeps nothing for agents.
    #[error("the relay has no mailbox; give it one in its configuration, or use another")]
    NoMailbox,
}

impl Refusal {
    /// Every refusal, in order.
    pub const ALL: [Self; 9] = [
        Self::NoParkedConnection,
        Self::UnknownRegister,
        Self::NotTrusted,
        Self::WrongRole,
        Self::Overloaded,
        Self::UnknownVersion,
        Self::Malformed,
        Self::Draining,
        Self::NoMailbox,
    ];

    const fn byte(self) -> u8 {
        match self {
            Self::NoParkedConnection => b'n',
            Self::UnknownRegister => b'u',
            Self::NotTrusted => b't',
            Self::WrongRole => b'r',
            Self::Overloaded => b'o',
            Self::UnknownVersion => b'v',
            Self::Malformed => b'm',
            Self::Draining => b'd',
            Self::NoMailbox => b'x',
        }
    }

    /// A short fixed label for a metric or a log field.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoParkedConnection => "no_parked_connection",
            Self::UnknownRegister => "unknown_register",
            Self::NotTrusted => "not_trusted",
            Self::WrongRole => "wrong_role",
            Self::Overloaded => "overloaded",
            Self::UnknownVersion => "unknown_version",
            Self::Malformed => "malformed",
            Self::Draining => "draining",
            Self::NoMailbox => "no_mailbox",
        }
    }
}

/// What goes wrong while these words are spoken.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The relay said no.
    #[error("the relay refused: {0}")]
    Refused(Refusal),
    /// The other side speaks another version.
    #[error("version {0} of the tunnel is not known here")]
    UnknownVersion(u8),
    /// The other side said something that is no word, or not here.
    #[error("the other side said something that has no meaning here")]
    Malformed,
    /// The other side said nothing for too long.
    #[error("the other side said nothing for {0:?}")]
    Silent(Duration),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[from] io::Error),
}

/// Runs `step`, but for no longer than `bound`.
pub(crate) async fn within<T>(
    bound: Duration,
    step: impl Future<Output = Result<T, TunnelError>>,
) -> Result<T, TunnelError> {
    timeout(bound, step)
        .await
        .unwrap_or(Err(TunnelError::Silent(bound)))
}
