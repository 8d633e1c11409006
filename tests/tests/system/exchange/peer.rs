//! helsenorge, as far as a register sees it: it writes messages, and reads what comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::messaging::{
    ApplicationProperties, Body, Data, Header, Message, MessageId, Properties,
};
use fe2o3_amqp::types::primitives::{Binary, OrderedMap, SimpleValue, Symbol, Value};
use fe2o3_amqp::{Connection, Receiver, Sender, Session};
use innsyn_agent::exchange::{SIGNED_AND_ENVELOPED, open, seal};
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;

use super::keys::{Keys, keys};
use super::rabbit::{NAMESPACE, PASSWORD, USER};
use super::{ours, theirs};

/// How long something that must come may take: more than the agent's own limits on dialling,
/// sending and waiting between the two, one after another.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);

/// How long a broker may take to open a register's queues.
const OPENS_WITHIN: Duration = Duration::from_secs(20);

pub(super) struct Peer {
    pair: u32,
    /// How long something that must come may take.
    pub(super) patience: Duration,
    _connection: ConnectionHandle<()>,
    session: SessionHandle<()>,
    receivers: BTreeMap<String, Receiver>,
    senders: BTreeMap<String, Sender>,
}

/// A message that is sent.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) message_id: Option<String>,
    pub(super) to: String,
    pub(super) subject: Option<String>,
    pub(super) reply_to: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) application: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// A message that came.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) message_id: String,
    pub(super) correlation_id: Option<String>,
    pub(super) application: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// Whether the register's queues of `pair` can be opened.
pub(super) async fn opens(port: u16, pair: u32) -> bool {
    let opening = async {
        let mut peer = Peer::connect(port, pair).await;
        for kind in ["async", "sync", "error"] {
            let source = format!("/amq/queue/{}_{kind}", ours(pair));
            let receiver = Receiver::builder()
                .name(format!("looks-{kind}"))
                .source(source)
                // Nothing is to come.
                .credit_mode(CreditMode::Manual)
                .attach(&mut peer.session)
                .await;
            receiver.expect("a queue");
        }
    };
    tokio::time::timeout(OPENS_WITHIN, opening).await.is_ok()
}

impl Peer {
    pub(super) async fn connect(port: u16, pair: u32) -> Self {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("a broker");
        let mut connection = Connection::builder()
            .container_id(format!("helsenorge-{pair}"))
            .scheme("amqp")
            .hostname("localhost")
            .sasl_profile(SaslProfile::Plain {
                username: USER.to_owned(),
                password: PASSWORD.to_owned(),
            })
            .open_with_stream(stream)
            .await
            .expect("logged in");
        let session = Session::begin(&mut connection).await.expect("a session");
        Self {
            pair,
            patience: PATIENCE,
            _connection: connection,
            session,
            receivers: BTreeMap::new(),
            senders: BTreeMap::new(),
        }
    }

    pub(super) const fn pair(&self) -> u32 {
        self.pair
    }

    /// `text`, signed and sealed for the register, with good headers.
    pub(super) fn message(&self, text: &str, id: &str) -> Outgoing {
        self.sealed(sealed(text, keys()), id)
    }

    /// A message with this body and good headers.
    pub(super) fn sealed(&self, body: Vec<u8>, id: &str) -> Outgoing {
        let (ours, theirs) = (ours(self.pair), theirs(self.pair));
        let application = [
            ("fromHerId", theirs.to_string()),
            ("toHerId", ours.to_string()),
            ("applicationTimeStamp", "2026-11-27T10:11:12Z".to_owned()),
        ];
        Outgoing {
            message_id: Some(id.to_owned()),
            to: format!("{ours}_async"),
            subject: Some("DIALOG_INNBYGGER_HREG_MELDE_FEIL".to_owned()),
            reply_to: Some(format!("{theirs}_async")),
            correlation_id: None,
            content_type: Some(SIGNED_AND_ENVELOPED.to_owned()),
            application: application
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            body,
        }
    }

    /// Sends to a queue of the register, and waits until the broker has it.
    pub(super) async fn send(&mut self, kind: &str, message: Outgoing) {
        if !self.senders.contains_key(kind) {
            let target = format!("/exchange/{NAMESPACE}/{}_{kind}", ours(self.pair));
            let sender = Sender::attach(&mut self.session, format!("to-{kind}"), target).await;
            self.senders
                .insert(kind.to_owned(), sender.expect("a link"));
        }
        let mut application = OrderedMap::new();
        for (name, value) in message.application {
            application.insert(name, SimpleValue::String(value));
        }
        let sent = Message::builder()
            .header(Header {
                durable: true,
                ..Header::default()
            })
            .properties(Properties {
                message_id: message.message_id.map(MessageId::String),
                to: Some(message.to),
                subject: message.subject,
                reply_to: message.reply_to,
                correlation_id: message.correlation_id.map(MessageId::String),
                content_type: message.content_type.map(Symbol::from),
                ..Properties::default()
            })
            .application_properties(ApplicationProperties(application))
            .data(Binary::from(message.body))
            .build();
        let sender = self.senders.get_mut(kind).expect("just made");
        let outcome = sender.send(sent).await.expect("an outcome");
        assert!(outcome.is_accepted(), "{outcome:?}");
    }

    /// The next message in a queue of helsenorge's own.
    pub(super) async fn next(&mut self, kind: &str) -> Came {
        let came = self.within(kind, self.patience).await;
        came.unwrap_or_else(|| panic!("nothing came to {kind} of pair {}", self.pair))
    }

    /// The next message, if one comes in time.
    pub(super) async fn within(&mut self, kind: &str, patience: Duration) -> Option<Came> {
        let queue = match kind {
            super::rabbit::DEAD => kind.to_owned(),
            kind => format!("{}_{kind}", theirs(self.pair)),
        };
        if !self.receivers.contains_key(kind) {
            let source = format!("/amq/queue/{queue}");
            let name = format!("from-{queue}");
            let receiver = Receiver::attach(&mut self.session, name, source).await;
            self.receivers
                .insert(kind.to_owned(), receiver.expect("a queue"));
        }
        let receiver = self.receivers.get_mut(kind).expect("just made");
        let delivery = tokio::time::timeout(patience, receiver.recv::<Body<Value>>()).await;
        let delivery = delivery.ok()?.expect("a delivery");
        receiver.accept(&delivery).await.expect("settled");
        let message = delivery.into_message();
        let properties = message.properties.unwrap_or_default();
        let text = |id: Option<MessageId>| match id {
            Some(MessageId::String(text)) => Some(text),
            _ => None,
        };
        let application = message
            .application_properties
            .map(|all| all.0)
            .unwrap_or_default();
        Some(Came {
            message_id: text(properties.message_id).unwrap_or_default(),
            correlation_id: text(properties.correlation_id),
            application: application
                .into_iter()
                .filter_map(|(name, value)| match value {
                    SimpleValue::String(value) => Some((name, value)),
                    _ => None,
                })
                .collect(),
            body: match message.body {
                Body::Data(parts) => parts
                    .into_iter()
                    .flat_map(|Data(part)| part.into_vec())
                    .collect(),
                _ => Vec::new(),
            },
        })
    }

    /// That nothing comes for a while.
    pub(super) async fn nothing(&mut self, kind: &str) {
        let came = self.within(kind, Duration::from_secs(2)).await;
        assert!(came.is_none(), "{came:?}");
    }
}

/// `text`, signed by helsenorge and sealed for the register.
pub(super) fn sealed(text: &str, keys: &Keys) -> Vec<u8> {
    let mut random: StdRng = rand::make_rng();
    let now = SystemClock.now();
    let to = keys.our_decryption.certificate();
    seal(text.as_bytes(), &keys.their_signing, to, now, &mut random).expect("sealed")
}

impl Came {
    /// What is in the envelope, as text.
    pub(super) fn opened(&self) -> String {
        let mut random: StdRng = rand::make_rng();
        let decryption = [keys().their_decryption.clone()];
        let signers = [keys().our_signing.certificate()];
        let text = open(&self.body, &decryption, &signers, &mut random).expect("an envelope");
        String::from_utf8(text.to_vec()).expect("text")
    }

    /// That it is a receipt, of which message and with which status; its own id comes last.
    pub(super) fn receipt(&self) -> (String, String, String) {
        let text = self.opened();
        assert!(text.contains("<AppRec "), "{text}");
        let between = |begin: &str, end: &str, from: &str| {
            let rest = from.split_once(begin).expect("it begins").1;
            rest.split_once(end).expect("it ends").0.to_owned()
        };
        let original = text.split_once("<OriginalMsgId>").expect("an original").1;
        (
            between("<Id>", "</Id>", original),
            between("<Status V=\"", "\"", &text),
            between("<Id>", "</Id>", &text),
        )
    }

    /// The condition of an error, and the message that it is about.
    pub(super) fn error(&self) -> (&str, &str) {
        assert!(self.body.is_empty());
        for name in [
            "receiverTimeStamp",
            "errorDescription",
            "errorConditionData",
        ] {
            assert!(self.application.contains_key(name), "{name}");
        }
        (
            &self.application["errorCondition"],
            &self.application["originalMessageId"],
        )
    }
}

impl Peer {
    /// Replies to a request of the register.
    pub(super) async fn reply(&mut self, mut reply: Outgoing, request: &str) {
        reply.correlation_id = Some(request.to_owned());
        self.send("syncreply", reply).await;
    }
}
