//! People who are told by SMS.

use futures::{SinkExt as _, StreamExt as _};
use rusmpp::pdus::{BindTransmitterResp, QuerySmResp, SubmitSm, SubmitSmResp};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::values::{Npi, Ton};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use tokio::io::AsyncReadExt as _;
use tokio_util::codec::Framed;

use super::super::sms::{Login, SmsError, SmsService};
use super::*;

const NUMBER: &str = "+4799900017";

/// How an SMS service answers.
#[derive(Debug, Clone, Copy)]
struct Answers {
    bind: CommandStatus,
    submit: CommandStatus,
    /// Whether it asks whether the other is there, and says what nobody asked for, before each.
    chatters: bool,
    /// Whether it hangs up in the place of an answer to a message, which it has taken.
    hangs_up: bool,
}

const YES: Answers = Answers {
    bind: CommandStatus::EsmeRok,
    submit: CommandStatus::EsmeRok,
    chatters: false,
    hangs_up: false,
};

/// An SMS service in clear.
struct Service {
    port: u16,
    taken: Arc<Mutex<Vec<SubmitSm>>>,
    answers: Arc<Mutex<Answers>>,
    /// How many are bound now, and were at most.
    bound: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let service = Self {
            port: listener.local_addr().unwrap().port(),
            taken: Arc::default(),
            answers: Arc::new(Mutex::new(YES)),
            bound: Arc::default(),
        };
        let (taken, answers) = (Arc::clone(&service.taken), Arc::clone(&service.answers));
        let bound = Arc::clone(&service.bound);
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.unwrap();
                let (taken, answers) = (Arc::clone(&taken), Arc::clone(&answers));
                let bound = Arc::clone(&bound);
                tokio::spawn(async move {
                    let now = bound.0.fetch_add(1, Ordering::SeqCst) + 1;
                    bound.1.fetch_max(now, Ordering::SeqCst);
                    serve(io, &taken, &answers).await;
                    bound.0.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        service
    }

    fn answers(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    fn taken(&self) -> Vec<SubmitSm> {
        self.taken.lock().unwrap().clone()
    }
}

async fn serve(io: tokio::net::TcpStream, taken: &Mutex<Vec<SubmitSm>>, answers: &Mutex<Answers>) {
    let mut commands = Framed::new(io, CommandCodec::new());
    while let Some(Ok(command)) = commands.next().await {
        let answers = *answers.lock().unwrap();
        if answers.chatters && command.id() != CommandId::EnquireLinkResp {
            for pdu in [Pdu::EnquireLink, Pdu::QuerySmResp(QuerySmResp::default())] {
                let said = Command::new(CommandStatus::EsmeRok, 77, pdu);
                commands.send(said).await.unwrap();
            }
        }
        let (status, pdu): (_, Pdu) = match command.pdu() {
            Some(Pdu::BindTransmitter(bind)) => {
                let login = (bind.system_id.as_str(), bind.password.as_str());
                assert_eq!(login, ("innsyn", "secret"));
                (answers.bind, BindTransmitterResp::default().into())
            }
            Some(Pdu::SubmitSm(message)) => {
                if answers.submit == CommandStatus::EsmeRok {
                    taken.lock().unwrap().push(message.clone());
                }
                if answers.hangs_up {
                    return;
                }
                (answers.submit, SubmitSmResp::default().into())
            }
            Some(Pdu::Unbind) => (CommandStatus::EsmeRok, Pdu::UnbindResp),
            _ => continue,
        };
        let said = Command::new(status, command.sequence_number(), pdu);
        if commands.send(said).await.is_err() {
            return;
        }
    }
}

/// Somebody with these addresses; nobody else has any.
struct Has(Vec<Address>);

impl AddressBook for Has {
    fn find(&self, person: &NationalId) -> Vec<Address> {
        if person.expose_str() == KARI {
            self.0.clone()
        } else {
            Vec::new()
        }
    }
}

fn number() -> Address {
    Address::Sms(MobileNumber::parse(NUMBER).unwrap())
}

fn sms(port: u16) -> Sms {
    let service = SmsService {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
    };
    let login = Login::new("innsyn", "secret", "").unwrap();
    Sms::new(service, login, "Helsenorge".parse().unwrap())
}

fn teller(has: Vec<Address>, services: Services, memory: &Path) -> Arc<Teller> {
    let memory = Memory::open(memory).unwrap();
    Teller::new(Box::new(Has(has)), services, memory, NumberRules::default())
}

fn by_sms(service: &Service, memory: &Path) -> Arc<Teller> {
    let services = Services {
        mail: None,
        sms: Some(sms(service.port)),
    };
    teller(vec![number()], services, memory)
}

/// Shows `frame` a while, and it is not done.
async fn is_held(teller: &Arc<Teller>, frame: &node::NoticesResponse) {
    for _ in 0..20 {
        assert!(teller.answer(frame).unwrap().done.is_empty());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_notice_is_one_sms_however_often_it_comes_and_whoever_is_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, service) = (folder.path().join("notified"), Service::start().await);
    let first = by_sms(&service, &memory);
    let frame = frame(&[([1; 32], KARI), ([2; 32], KARI), ([3; 32], "29820050124")]);
    for _ in 0..20 {
        assert!(first.answer(&frame).unwrap().done.is_empty());
    }
    until_done(&first, &frame).await;
    drop(first);
    let second = by_sms(&service, &memory);
    assert_eq!(second.answer(&frame).unwrap().done.len(), 3);

    let taken = service.taken();
    assert_eq!(taken.len(), 2, "and nobody without a number");
    assert_eq!(service.bound.1.load(Ordering::SeqCst), 1, "one at a time");
    for message in &taken {
        assert_eq!(message.destination_addr.as_str(), "4799900017");
        assert_eq!(message.dest_addr_ton, Ton::International);
        assert_eq!(message.dest_addr_npi, Npi::Isdn);
        assert_eq!(message.source_addr.as_str(), "Helsenorge");
        assert_eq!(message.source_addr_ton, Ton::Alphanumeric);
    }
    let without_reference = |message: &SubmitSm| {
        let mut message = message.clone();
        message.clear_tlvs();
        message
    };
    assert_eq!(
        without_reference(&taken[0]),
        without_reference(&taken[1]),
        "the same for all"
    );
    assert_ne!(taken[0], taken[1], "each has a reference of its own");
}

#[tokio::test]
async fn what_the_service_does_not_take_is_tried_again_under_the_same_reference() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, service) = (folder.path().join("notified"), Service::start().await);
    let teller = by_sms(&service, &memory);
    let first = frame(&[([1; 32], KARI)]);
    for answers in [
        Answers {
            bind: CommandStatus::EsmeRbindfail,
            ..YES
        },
        Answers {
            submit: CommandStatus::EsmeRthrottled,
            ..YES
        },
        // Of us, and so of everybody: no reason to give up this person's notice.
        Answers {
            submit: CommandStatus::EsmeRinvsrcadr,
            ..YES
        },
    ] {
        service.answers(answers);
        is_held(&teller, &first).await;
        assert!(service.taken().is_empty(), "{answers:?}");
    }
    // It has taken the message, and nobody heard it say so.
    service.answers(Answers {
        hangs_up: true,
        ..YES
    });
    while service.taken().is_empty() {
        assert!(teller.answer(&first).unwrap().done.is_empty());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    service.answers(YES);
    until_done(&teller, &first).await;
    let taken = service.taken();
    assert!(taken.len() > 1 && taken.iter().all(|it| *it == taken[0]));
}

#[tokio::test]
async fn a_number_that_the_service_never_takes_is_given_up_and_the_other_address_tried() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, service) = (folder.path().join("notified"), Service::start().await);
    service.answers(Answers {
        submit: CommandStatus::EsmeRinvdstadr,
        ..YES
    });
    until_done(&by_sms(&service, &memory), &frame(&[([1; 32], KARI)])).await;

    let server = Server::start().await;
    let services = Services {
        mail: Some(mail(&server)),
        sms: Some(sms(service.port)),
    };
    let addresses = vec![number(), address("kari@example.invalid")];
    let teller = teller(addresses, services, &memory);
    until_done(&teller, &frame(&[([2; 32], KARI)])).await;
    assert_eq!((service.taken().len(), server.taken().len()), (0, 1));
}

#[tokio::test]
async fn somebody_is_told_by_what_they_like_best_of_what_there_is_and_only_so() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("notified");
    let (service, server) = (Service::start().await, Server::start().await);
    let all = || Services {
        mail: Some(mail(&server)),
        sms: Some(sms(service.port)),
    };
    let email = || address("kari@example.invalid");
    let mail_alone = Services {
        mail: Some(mail(&server)),
        sms: None,
    };
    for (key, addresses, services, told) in [
        (1, vec![number(), email()], all(), (1, 0)),
        (2, vec![email(), number()], all(), (1, 1)),
        (3, vec![number(), email()], mail_alone, (1, 2)),
    ] {
        let teller = teller(addresses, services, &memory);
        until_done(&teller, &frame(&[([key; 32], KARI)])).await;
        assert_eq!((service.taken().len(), server.taken().len()), told);
    }
}

#[tokio::test]
async fn a_service_that_is_away_or_chatters_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("notified");
    let first = frame(&[([1; 32], KARI)]);
    // A port that nobody listens at.
    let away = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = away.local_addr().unwrap().port();
    drop(away);
    let services = Services {
        mail: None,
        sms: Some(sms(port)),
    };
    is_held(&teller(vec![number()], services, &memory), &first).await;

    let service = Service::start().await;
    service.answers(Answers {
        chatters: true,
        ..YES
    });
    until_done(&by_sms(&service, &memory), &first).await;
    assert_eq!(service.taken().len(), 1);
}

#[tokio::test]
async fn a_no_without_a_body_is_a_no_as_well() {
    // As many services answer, and as the protocol has it where the status is an error.
    let said = |id: u32, status: u32, number: u32| {
        let words = [16, id, status, number].map(u32::to_be_bytes);
        words.concat()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        let mut heard = [0; 1_024];
        let _bind = io.read(&mut heard).await.unwrap();
        // The yes to a bind names who says it.
        let yes = [&said(0x8000_0002, 0, 1)[4..], b"\0"].concat();
        io.write_all(&17_u32.to_be_bytes()).await.unwrap();
        io.write_all(&yes).await.unwrap();
        let _submit = io.read(&mut heard).await.unwrap();
        io.write_all(&said(0x8000_0004, 0x0b, 2)).await.unwrap();
        let _ended = io.read(&mut heard).await;
    });
    let number = MobileNumber::parse(NUMBER).unwrap();
    let error = sms(port).send(&[1; 32], &number).await.unwrap_err();
    assert_eq!(error, SmsError::Number(0x0b));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_nothing_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let number = MobileNumber::parse(NUMBER).unwrap();
    let error = sms(port).send(&[1; 32], &number).await.unwrap_err();
    assert_eq!(error, SmsError::TimedOut);
    assert!(!error.is_for_ever());
}

#[test]
fn mobile_numbers_are_norwegian_and_say_nothing_of_themselves() {
    let read = MobileNumber::parse(NUMBER).unwrap();
    assert!(!format!("{read:?} {:?}", number()).contains("999"));
    for bad in [
        "4799900017",
        "+4722900017",
        "+47999000170",
        "+479990001",
        "+4699900017",
        "+47 99900017",
        "+479990001x",
        "",
    ] {
        let error = MobileNumber::parse(bad).unwrap_err().to_string();
        assert!(bad.is_empty() || !error.contains(bad));
    }
}

#[test]
fn senders_and_logins_are_what_the_protocol_can_say() {
    use super::super::sms::Sender;
    let sender = |text: &str| text.parse::<Sender>();
    for good in ["Helsenorge", "Helse Norge", "+4799900017", "2097"] {
        assert_eq!(
            sender(good).unwrap().to_string(),
            good.trim_start_matches('+')
        );
    }
    for bad in ["", "Helsenorge.no", "HelsenorgeNo", "Hélse", "+47x", "+"] {
        sender(bad).unwrap_err();
    }
    Login::new("innsyn", "8 chars.", "").unwrap();
    for (id, password) in [
        ("", "x"),
        ("sixteen-in-total", "x"),
        ("innsyn", "9 of them"),
    ] {
        let error = Login::new(id, password, "").unwrap_err();
        assert!(!error.to_string().contains("them"));
    }
}

#[test]
fn what_is_said_of_the_service_is_checked_and_numbers_leave_the_machine_by_no_configuration() {
    let read = |more: &str| {
        let text = format!(
            "sms = {{ host = \"sms.example\", port = 3550, system_id = \"innsyn\", \
             password_file = \"p\"{more} }}\naddress_book = \"a\"\nmemory = \"m\""
        );
        toml::from_str::<NotificationConfig>(&text)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let good = ", security = \"tls\", from = \"Helsenorge\"";
    read(good).unwrap();
    read(&format!(
        "{good}, system_type = \"VMA\", ca_file = \"ca.pem\""
    ))
    .unwrap();
    for (more, why) in [
        (", security = \"none\", from = \"Helsenorge\"", "loopback"),
        (
            ", security = \"starttls\", from = \"Helsenorge\"",
            "starttls",
        ),
        (", security = \"tls\", from = \"Helsenorge.no\"", "sms.from"),
        (
            ", security = \"tls\", from = \"A\", more = 1",
            "unknown field",
        ),
        (
            ", security = \"tls\", from = \"A\", system_type = \"much too long a type\"",
            "system_type",
        ),
    ] {
        let error = read(more).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let nothing = toml::from_str::<NotificationConfig>("address_book = \"a\"\nmemory = \"m\"");
    assert!(nothing.unwrap_err().to_string().contains("e-mail or SMS"));
}
