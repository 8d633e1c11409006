//! What is said to the server.

use super::*;

#[tokio::test]
async fn a_message_is_taken_to_its_end_and_half_of_one_is_not() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut server = MailServer::listen(address).await.unwrap();

    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"EHLO a\r\nDATA\r\nSubject: half\r\n")
        .await
        .unwrap();
    drop(half);
    let mut whole = TcpStream::connect(address).await.unwrap();
    whole
        .write_all(b"EHLO a\r\nDATA\r\nSubject: whole\r\n\r\n..dot\r\n.\r\nQUIT\r\n")
        .await
        .unwrap();
    let mut said = String::new();
    whole.read_to_string(&mut said).await.unwrap();
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "220 localhost",
            "250-localhost",
            "250 8BITMIME",
            "354 go on",
            "250 taken",
            "221 bye"
        ]
    );
    let patience = Duration::from_secs(10);
    let taken = server.next(patience).await.unwrap();
    assert_eq!(taken, "Subject: whole\n\n.dot\n");
    assert_eq!(server.next(Duration::from_millis(50)).await, None);
}
