//! Who is told, and that it is remembered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use prost::Message as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

mod sms;

const KARI: &str = "01817010055";

/// An e-mail server that takes messages, and says `answer` to each.
struct Server {
    port: u16,
    taken: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<&'static str>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            taken: Arc::default(),
            answer: Arc::new(Mutex::new("250 ok")),
        };
        let (taken, answer) = (Arc::clone(&server.taken), Arc::clone(&server.answer));
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.unwrap();
                let (taken, answer) = (Arc::clone(&taken), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut io = BufReader::new(io);
                    io.write_all(b"220 test\r\n").await.unwrap();
                    let mut line = String::new();
                    while matches!(io.read_line(&mut line).await, Ok(1..)) {
                        let said = std::mem::take(&mut line);
                        let reply = match said.get(..4).unwrap_or_default() {
                            "EHLO" => "250 test".to_owned(),
                            "DATA" => {
                                io.write_all(b"354 go on\r\n").await.unwrap();
                                let mut message = String::new();
                                while io.read_line(&mut message).await.unwrap() > 0
                                    && !message.ends_with("\r\n.\r\n")
                                {
                                }
                                let answer = *answer.lock().unwrap();
                                if answer.starts_with("250") {
                                    taken.lock().unwrap().push(message);
                                }
                                answer.to_owned()
                            }
                            _ => "250 ok".to_owned(),
                        };
                        io.write_all(format!("{reply}\r\n").as_bytes())
                            .await
                            .unwrap();
                    }
                });
            }
        });
        server
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

struct Book(AtomicUsize);

impl AddressBook for Book {
    fn find(&self, person: &NationalId) -> Vec<Address> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let is_kari = person.expose_str() == KARI;
        is_kari
            .then(|| address("kari@example.invalid"))
            .into_iter()
            .collect()
    }
}

fn address(text: &str) -> Address {
    Address::Mail(text.parse().unwrap())
}

fn mail(server: &Server) -> Mail {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(server.port)
        .timeout(Some(Duration::from_secs(5)))
        .build();
    let from = "Helsenorge <ikke-svar@example.invalid>".parse().unwrap();
    Mail::new(transport, from)
}

fn teller(server: &Server, memory: &Path) -> Arc<Teller> {
    let memory = Memory::open(memory).unwrap();
    let book = Box::new(Book(AtomicUsize::new(0)));
    let services = Services {
        mail: Some(mail(server)),
        sms: None,
    };
    Teller::new(book, services, memory, NumberRules::default())
}

fn frame(notices: &[([u8; 32], &str)]) -> node::NoticesResponse {
    let notice = |(key, person): &([u8; 32], &str)| node::Notice {
        key: Bytes::copy_from_slice(key),
        person: person.parse().unwrap(),
    };
    node::NoticesResponse {
        notices: notices.iter().map(notice).collect(),
        padding: Vec::new(),
    }
}

/// Shows `frame` until all of it is done.
async fn until_done(teller: &Arc<Teller>, frame: &node::NoticesResponse) {
    for _ in 0..1_000 {
        let answer = teller.answer(frame).unwrap();
        assert_eq!(answer.encoded_len(), FRAME_BYTES);
        if answer.done.len() == frame.notices.len() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never done");
}

#[tokio::test]
async fn a_notice_is_sent_once_however_often_it_comes_and_whoever_is_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, server) = (folder.path().join("notified"), Server::start().await);
    let first = teller(&server, &memory);
    let frame = frame(&[([1; 32], KARI), ([2; 32], KARI), ([3; 32], "29820050124")]);
    for _ in 0..20 {
        assert!(first.answer(&frame).unwrap().done.is_empty());
    }
    until_done(&first, &frame).await;
    assert_eq!(server.taken().len(), 2, "and nobody without an address");
    drop(first);

    let second = teller(&server, &memory);
    assert_eq!(second.answer(&frame).unwrap().done.len(), 3);
    assert_eq!(server.taken().len(), 2);
}

#[tokio::test]
async fn every_message_is_the_same_and_names_neither_register_nor_health() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, server) = (folder.path().join("notified"), Server::start().await);
    let teller = teller(&server, &memory);
    until_done(&teller, &frame(&[([1; 32], KARI), ([2; 32], KARI)])).await;
    let without_what_differs = |message: &String| {
        let own = ["Message-ID:", "Date:"];
        let mut lines: Vec<_> = message.lines().map(str::to_owned).collect();
        lines.retain(|line| !own.iter().any(|name| line.starts_with(name)));
        lines
    };
    let taken = server.taken();
    assert_eq!(
        without_what_differs(&taken[0]),
        without_what_differs(&taken[1])
    );
    assert_ne!(taken[0], taken[1], "each has an id of its own");
    for word in ["register", "kreft", "sak", "case", "sykdom", "Innsyn", KARI] {
        assert!(!taken[0].contains(word), "{word}");
    }
}

#[tokio::test]
async fn what_the_server_does_not_take_is_tried_again_and_what_it_never_will_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, server) = (folder.path().join("notified"), Server::start().await);
    let teller = teller(&server, &memory);
    *server.answer.lock().unwrap() = "451 later";
    let first = frame(&[([1; 32], KARI)]);
    for _ in 0..20 {
        assert!(teller.answer(&first).unwrap().done.is_empty());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    *server.answer.lock().unwrap() = "250 ok";
    until_done(&teller, &first).await;
    assert_eq!(server.taken().len(), 1);
    *server.answer.lock().unwrap() = "550 no such person";
    until_done(&teller, &frame(&[([2; 32], KARI)])).await;
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn the_memory_is_bounded_and_survives_a_torn_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notified");
    let memory = Memory::open_with(&path, 10).unwrap();
    for n in 0..25 {
        memory.keep([n; 32]).await.unwrap();
    }
    assert!(memory.holds(&[24; 32]) && memory.holds(&[20; 32]) && !memory.holds(&[0; 32]));
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() <= 10 * 32);
    assert!(
        !bytes.windows(32).any(|w| w == [24; 32]),
        "hashes, not keys"
    );
    bytes.extend_from_slice(&[7; 13]);
    std::fs::write(&path, &bytes).unwrap();
    let memory = Memory::open_with(&path, 10).unwrap();
    assert!(memory.holds(&[24; 32]));
    memory.keep([99; 32]).await.unwrap();
    assert!(Memory::open_with(&path, 10).unwrap().holds(&[99; 32]));
}

#[test]
fn addresses_in_clear_leave_the_machine_by_no_configuration() {
    let read = |host: &str, security: &str, more: &str| {
        let text = format!(
            "smtp = {{ host = \"{host}\", port = 25, security = \"{security}\"{more} }}\n\
             from = \"a@example.invalid\"\naddress_book = \"a\"\nmemory = \"m\""
        );
        toml::from_str::<NotificationConfig>(&text).map(|_| ())
    };
    read("127.0.0.1", "none", "").unwrap();
    read("smtp.example", "tls", "").unwrap();
    let login = ", username = \"a\", password_file = \"p\"";
    read("smtp.example", "starttls", login).unwrap();
    let error = read("smtp.example", "none", "").unwrap_err().to_string();
    assert!(error.contains("loopback"), "{error}");
    let error = read("smtp.example", "tls", ", username = \"a\"").unwrap_err();
    assert!(error.to_string().contains("go together"));
    read("smtp.example", "tls", ", ca_file = \"ca.pem\"").unwrap();
    let error = read("127.0.0.1", "none", ", ca_file = \"ca.pem\"").unwrap_err();
    assert!(error.to_string().contains("over TLS"), "{error}");
    // Who e-mail is from is of no use without a server, nor the other way round.
    let half = "from = \"a@example.invalid\"\naddress_book = \"a\"\nmemory = \"m\"";
    let error = toml::from_str::<NotificationConfig>(half).unwrap_err();
    assert!(error.to_string().contains("go together"), "{error}");
}

#[test]
fn a_file_of_addresses_is_read_whole_or_not_and_no_error_quotes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("addresses.csv");
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        FileOfAddresses::load(&path, NumberRules::default())
    };
    let kari = NationalId::parse(KARI, NumberRules::default()).unwrap();
    let book = load(&format!("{KARI},kari@example.invalid\n\n")).unwrap();
    assert!(book.find(&kari) == [address("kari@example.invalid")]);
    assert!(!format!("{book:?}").contains(KARI));
    // What they like best comes first.
    let number = || Address::Sms(MobileNumber::parse("+4799900017").unwrap());
    let both = load(&format!("{KARI}, +4799900017 ,kari@example.invalid")).unwrap();
    assert!(both.find(&kari) == [number(), address("kari@example.invalid")]);
    let one = load(&format!("{KARI},+4799900017")).unwrap();
    assert!(one.find(&kari) == [number()]);
    for bad in [
        format!("{KARI};x@example.invalid"),
        format!("{KARI},nowhere"),
        format!("{KARI},+4722900017"),
        format!("{KARI},+4799900017,x@example.invalid,y@example.invalid"),
        "1,a@b.c".into(),
    ] {
        let error = load(&bad).unwrap_err().to_string();
        assert!(error.starts_with("line 1"), "{error}");
        assert!(!error.contains(KARI));
    }
}
