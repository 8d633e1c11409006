//! The boxes: what is put there stays, in order, until its agent takes it.

use innsyn_policy::RegisterId;
use innsyn_proto::sealing::ItemKind;

use super::MailboxConfig;
use super::store::{Boxes, NAME_BYTES};

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

fn item(of: &str, name: u8) -> (RegisterId, [u8; NAME_BYTES], Vec<u8>) {
    (
        register(of),
        [name; NAME_BYTES],
        vec![name; ItemKind::Setting.sealed_bytes()],
    )
}

async fn names(boxes: &Boxes, of: &str, after: i64) -> Vec<u8> {
    let waiting = boxes.collect(&register(of), after, 10).await.unwrap();
    waiting.iter().map(|waiting| waiting.name[0]).collect()
}

#[tokio::test]
async fn promise_8_items_wait_in_order_until_their_agent_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = MailboxConfig::Sqlite {
        file: folder.path().join("mailbox.sqlite"),
    };
    let boxes = Boxes::open(&config).await.unwrap();
    boxes
        .deposit(&[item("kreft", 3), item("hunt", 4)])
        .await
        .unwrap();
    boxes
        .deposit(&[item("kreft", 1), item("hunt", 2)])
        .await
        .unwrap();
    // Sent again because the answer was lost.
    boxes
        .deposit(&[item("kreft", 1), item("hunt", 2)])
        .await
        .unwrap();
    drop(boxes);

    let boxes = Boxes::open(&config).await.unwrap();
    assert_eq!(names(&boxes, "kreft", 0).await, [3, 1]);
    assert_eq!(names(&boxes, "hunt", 0).await, [4, 2]);
    let first = boxes.collect(&register("kreft"), 0, 1).await.unwrap();
    assert_eq!(names(&boxes, "kreft", first[0].number).await, [1]);
    assert_eq!(first[0].sealed, vec![3; ItemKind::Setting.sealed_bytes()]);

    // Nobody takes out of another's box.
    boxes
        .take(&register("hunt"), &[[3; NAME_BYTES]])
        .await
        .unwrap();
    assert_eq!(names(&boxes, "kreft", 0).await, [3, 1]);
    boxes
        .take(&register("kreft"), &[[3; NAME_BYTES]])
        .await
        .unwrap();
    assert_eq!(names(&boxes, "kreft", 0).await, [1]);
    assert_eq!(names(&boxes, "hunt", 0).await, [4, 2]);
}
