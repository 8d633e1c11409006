//! Somebody acts for somebody else: a setting that a proxy changes, with the signed mandate that every
//! register checks for itself.

use std::fs;

use innsyn_policy::{Area, Clock as _, Mandate, MandateKind, Timestamp, Validity};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::mandate::{MandateSigner, SignedMandate};
use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_sim::caller::{Caller, Question, Saying};
use innsyn_sim::country::{Asking, Role};
use innsyn_sim::permit::PUBLIC_KEY_FILE;
use innsyn_sim::sts;
use innsyn_sim::world::{OPT_OUT, World, WorldSpec};
use rand::rngs::StdRng;

use super::federation::spec_of_today;
use super::fleet::{Prepared, until};

/// The register that trusts the issuer of mandates, and one that trusts none.
const TRUSTS: &str = "kreft";
const TRUSTS_NONE: &str = "npr";
const ISSUER: &str = "fullmakter.example";

fn signer(world: &World) -> MandateSigner {
    let key = fs::read_to_string(world.folder.join("issuer/key.pem")).unwrap();
    MandateSigner::from_pem(ISSUER, &key).unwrap()
}

fn validity(now: Timestamp) -> Validity {
    let day = std::time::Duration::from_hours(24);
    Validity {
        from: now.minus(day),
        until: now.plus(day),
    }
}

/// What a proxy of person `number` has: a token with these areas, and who is who.
fn proxy(world: &World, number: u32, areas: &[&str]) -> (Asking, Question) {
    let now = SystemClock.now();
    let Validity { from, until } = validity(now);
    let mandate = sts::Mandate {
        areas: areas.iter().map(|it| (*it).to_owned()).collect(),
        from,
        until,
    };
    let asking = world
        .country
        .asking(number, Role::Poa, Some(mandate), now)
        .unwrap();
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking, now, &mut random).unwrap();
    (asking, question)
}

/// That the subject of `asking` lets its asker act, signed.
fn signed(world: &World, asking: &Asking) -> SignedMandate {
    let mandate = Mandate {
        kind: MandateKind::PowerOfAttorney,
        giver: asking.subject.id,
        holder: asking.asker.id,
        areas: [Area::AllInsight, Area::Settings].into_iter().collect(),
        validity: validity(SystemClock.now()),
        is_revoked: false,
    };
    signer(world).sign("fullmakt-1", &mandate).unwrap()
}

fn reserves(id: u8, proof: Option<&str>) -> Saying<'_> {
    Saying {
        definition: OPT_OUT,
        active: true,
        id: [id; 16],
        proof,
    }
}

async fn effective_at(caller: &Caller, question: &Question) -> u32 {
    let listed = caller.settings(question).await.unwrap();
    let standing = listed
        .settings
        .iter()
        .find(|it| it.definition_id == OPT_OUT);
    standing.map_or(0, |it| it.effective_at)
}

/// What the register's log of use says of changes of the person's settings, newest first.
async fn changes(caller: &Caller, question: &Question, register: &str) -> Vec<wire::Use> {
    let uses = caller.uses(question, Vec::new()).await.unwrap();
    let mut registers = uses.registers.into_iter();
    let here = registers.find(|it| it.register_id == register).unwrap();
    let is_change = |it: &wire::Use| it.kind() == wire::UseKind::SettingChange;
    here.uses.into_iter().filter(is_change).collect()
}

#[tokio::test]
async fn area_2_fullmakt_a_proxy_changes_a_setting_where_the_signed_mandate_proves_it() {
    let spec = WorldSpec {
        settings: true,
        ..spec_of_today(600, 3)
    };
    let prepared = Prepared::choosing(&spec, |id, _| [TRUSTS, TRUSTS_NONE].contains(&id));
    let config = prepared.world.agent_config(TRUSTS);
    let text = fs::read_to_string(&config).unwrap();
    let issuers = format!(
        "[settings]\nmandates = {{ issuers = [{{ name = \"{ISSUER}\", \
         public_key = \"../../issuer/{PUBLIC_KEY_FILE}\" }}], revoked = \"revoked.txt\" }}\n"
    );
    fs::write(&config, text.replace("[settings]\n", &issuers)).unwrap();
    let revoked = prepared.world.agent_folder(TRUSTS).join("revoked.txt");
    fs::write(&revoked, "# none yet\n").unwrap();
    let fleet = prepared.start().await;
    let (world, caller) = (&fleet.world, fleet.caller().await);

    // To look is not to act, and to act takes the mandate itself.
    let (_, looks) = proxy(world, 0, &["insight"]);
    let refused = caller
        .change_setting(&looks, reserves(1, Some("a.b.c")))
        .await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::PermissionDenied);
    let (asking, acts) = proxy(world, 0, &["insight", "settings"]);
    let refused = caller.change_setting(&acts, reserves(2, None)).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::InvalidArgument);

    // A mandate of other people goes to the registers, and changes nothing there.
    let (others, _) = proxy(world, 1, &["insight", "settings"]);
    let of_others = signed(world, &others);
    let sent = caller.change_setting(&acts, reserves(3, Some(of_others.expose())));
    sent.await.unwrap();
    until("the register has refused it", async || {
        changes(&caller, &acts, TRUSTS).await.len() == 1
    })
    .await;
    let refused = changes(&caller, &acts, TRUSTS).await;
    assert_eq!(
        (&*refused[0].decision, &*refused[0].decision_reason),
        ("DENIED", "REPRESENTATION_OF_OTHERS")
    );
    assert_eq!(effective_at(&caller, &acts).await, 0);

    // The right one binds where the issuer is trusted.
    let proof = signed(world, &asking);
    let sent = caller.change_setting(&acts, reserves(4, Some(proof.expose())));
    sent.await.unwrap();
    until("it is in effect at the register that trusts", async || {
        effective_at(&caller, &acts).await == 1
    })
    .await;
    let done = changes(&caller, &acts, TRUSTS).await;
    assert_eq!(
        (done[0].by(), &*done[0].decision),
        (wire::UsedBy::You, "ANSWERED")
    );
    until("the other one has refused both", async || {
        changes(&caller, &acts, TRUSTS_NONE).await.len() == 2
    })
    .await;
    for refused in changes(&caller, &acts, TRUSTS_NONE).await {
        assert_eq!(refused.decision_reason, "REPRESENTATION_UNPROVEN");
    }
    // The person sees that somebody else did it.
    let mut random: StdRng = rand::make_rng();
    let now = SystemClock.now();
    let own = world.country.asking(0, Role::Oneself, None, now).unwrap();
    let own = world.question(&own, now, &mut random).unwrap();
    let seen = changes(&caller, &own, TRUSTS).await;
    assert_eq!(seen[0].by(), wire::UsedBy::Other);

    // Taken back, it is no right any more.
    fs::write(&revoked, format!("{ISSUER} fullmakt-1\n")).unwrap();
    let back = Saying {
        active: false,
        ..reserves(5, Some(proof.expose()))
    };
    caller.change_setting(&acts, back).await.unwrap();
    until("the revoked one is refused", async || {
        changes(&caller, &acts, TRUSTS).await.len() == 3
    })
    .await;
    let refused = changes(&caller, &acts, TRUSTS).await;
    assert_eq!(refused[0].decision_reason, "REPRESENTATION_REVOKED");
    assert_eq!(effective_at(&caller, &acts).await, 1, "it still stands");
}
