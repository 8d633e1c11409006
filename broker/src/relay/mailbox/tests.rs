//! The boxes: what is put there stays, in order, until its agent takes it.

use innsyn_policy::RegisterId;
use innsyn_proto::sealing::ItemKind;
use innsyn_proto::wire::relay::v1::{Deposited, MailboxItem};

use super::MailboxConfig;
use super::service::read;
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
        .take(&[(register("hunt"), [3; NAME_BYTES])])
        .await
        .unwrap();
    assert_eq!(names(&boxes, "kreft", 0).await, [3, 1]);
    boxes
        .take(&[(register("kreft"), [3; NAME_BYTES])])
        .await
        .unwrap();
    assert_eq!(names(&boxes, "kreft", 0).await, [1]);
    assert_eq!(names(&boxes, "hunt", 0).await, [4, 2]);
}

#[tokio::test]
async fn promise_7_the_box_of_an_agent_that_never_comes_keeps_the_newest_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let config = MailboxConfig::Sqlite {
        file: folder.path().join("mailbox.sqlite"),
    };
    let boxes = Boxes::open(&config).await.unwrap();
    for name in 1..=6 {
        boxes.deposit(&[item("kreft", name)]).await.unwrap();
    }
    boxes.deposit(&[item("hunt", 7)]).await.unwrap();
    let all = [&register("kreft"), &register("hunt")];
    boxes.trim(&all, 6).await.unwrap();
    assert_eq!(names(&boxes, "kreft", 0).await, [1, 2, 3, 4, 5, 6]);
    boxes.trim(&all, 2).await.unwrap();
    assert_eq!(names(&boxes, "kreft", 0).await, [5, 6]);
    assert_eq!(names(&boxes, "hunt", 0).await, [7]);
}

/// What somebody deposits who may: sizes in which nothing is hidden are not taken.
#[test]
fn a_deposit_is_of_items_of_one_size_alone() {
    let deposited = |bytes: usize, name: usize| Deposited {
        register_id: "kreft".to_owned(),
        item: Some(MailboxItem {
            name: vec![1; name].into(),
            sealed: vec![0; bytes].into(),
        }),
    };
    let [setting, dialog] = ItemKind::ALL.map(ItemKind::sealed_bytes);
    for bytes in [setting, dialog] {
        let items = vec![deposited(bytes, NAME_BYTES), deposited(bytes, NAME_BYTES)];
        assert!(read(items).is_some_and(|items| items.len() == 2));
    }
    for (one, other, name) in [
        (setting, dialog, NAME_BYTES),
        (dialog, setting, NAME_BYTES),
        (setting, setting + 1, NAME_BYTES),
        (2_048, 2_048, NAME_BYTES),
        (dialog, dialog, NAME_BYTES - 1),
    ] {
        let items = vec![deposited(one, NAME_BYTES), deposited(other, name)];
        assert!(read(items).is_none(), "{one} and {other}");
    }
}
