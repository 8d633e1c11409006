//! What is said to a register that is absent waits for it.

use super::*;

#[tokio::test]
async fn what_is_said_to_a_register_that_is_absent_waits_sealed_and_a_silence_follows_every_other()
{
    let waiting = crate::gateway::settings::waiting_for(&["dar", "kreft", "hunt"]).await;
    let world = World::with(&["hunt"], Some(Arc::clone(&waiting.settings))).await;
    let open = || To::New(types::CaseKind::Correction);
    // What does not fit into an item does not wait.
    is(
        world.says("hunt", open(), 20_000).await,
        CaseRefusal::FilesCannotWait,
    );
    assert_eq!(waiting.said().await, [[""; 0]]);
    let said = world.says("hunt", open(), 0).await.unwrap();
    assert!(matches!(said, Delivered::Waits));
    assert_eq!(waiting.said().await, [[].as_slice(), &["hunt"]]);
    // Sent again, it is put here once; items go out all the same.
    let again = world.says("hunt", open(), 0).await.unwrap();
    assert!(matches!(again, Delivered::Waits));
    let deletion = To::New(types::CaseKind::Deletion);
    is(
        world.says("hunt", deletion, 0).await,
        CaseRefusal::MessageIdUsed,
    );
    // Whoever is there: taken, refused, or without part in dialogs.
    world.says("kreft", open(), 20_000).await.unwrap();
    let case = vec![7; 16];
    is(
        world.says("kreft", To::Message(case.clone()), 0).await,
        CaseRefusal::Answered,
    );
    is(
        world.says("kreft", To::Appeal(case), 0).await,
        CaseRefusal::NotServed,
    );
    let said = waiting.said().await;
    assert_eq!(said.len(), 7, "{said:?}");
    let saying: Vec<_> = said.iter().filter(|meant| !meant.is_empty()).collect();
    assert_eq!(saying, [&["hunt"]], "{said:?}");
    // An agent that takes no such messages is sent none.
    let hunt = RegisterId::parse("hunt").unwrap();
    let met = waiting.settings.met_for_dialogs(&hunt, false).await;
    met.unwrap();
    is(
        world.says("hunt", open(), 0).await,
        CaseRefusal::NotDelivered,
    );
}

#[tokio::test]
async fn where_a_message_is_is_told_by_its_register_or_by_what_waits_for_that() {
    let waiting = crate::gateway::settings::waiting_for(&["dar", "kreft", "hunt"]).await;
    let world = World::with(&["hunt"], Some(Arc::clone(&waiting.settings))).await;
    let admitted = world.admitted().await;
    let find = async |register: &str, message: u8| {
        world
            .cases
            .find(&admitted, KARI, register, vec![message; 16])
            .await
    };
    assert!(matches!(find("kreft", 1).await, Ok(Delivered::Taken(_))));
    is(find("kreft", 2).await, CaseRefusal::MessageUnknown);
    is(find("hunt", 1).await, CaseRefusal::NotDelivered);
    let kind = types::CaseKind::Correction;
    world.says("hunt", To::New(kind), 0).await.unwrap();
    assert!(matches!(find("hunt", 1).await, Ok(Delivered::Waits)));
    is(find("kreft", 2).await, CaseRefusal::MessageUnknown);
    assert_eq!(waiting.said().await.len(), 1, "asking leaves nothing");
}
