//! The demo's citizen says no to secondary use, and sees how far it has come.

use std::time::Duration;

use anyhow::Context as _;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1::StandingSetting;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use super::print;
use crate::caller::{Caller, Question, Saying};
use crate::country::{Role, Story};
use crate::world::{OPT_OUT, World};

/// How long the demo waits for registers to follow.
const FOLLOW_MAX: Duration = Duration::from_secs(20);
/// How often it asks how far they are.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Opts out, and takes it back: registers follow both times.
pub(super) async fn say_no_and_take_it_back(world: &World) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let today = now.date_in_norway().context("no calendar")?;
    let found = world.country.find(Story::InManyRegisters, today);
    let found = found.context("nobody is in many registers")?;
    let asking = world
        .country
        .asking(found.subject, Role::Oneself, None, now)?;
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking, now, &mut random)?;
    let caller = Caller::connect(world.gateway(), None).await?;
    print::opting_out();
    for active in [true, false] {
        let saying = Saying {
            definition: OPT_OUT,
            active,
            id: random.random(),
            proof: None,
        };
        let began = Instant::now();
        let changed = caller.change_setting(&question, saying).await?;
        let followed = follow(&caller, &question, changed.sequence, began).await?;
        print::followed(active, &followed, began.elapsed());
    }
    print::opted_out();
    Ok(())
}

/// Waits until as many registers as will have what was said.
async fn follow(
    caller: &Caller,
    question: &Question,
    sequence: i64,
    began: Instant,
) -> anyhow::Result<StandingSetting> {
    let mut seen = StandingSetting::default();
    let mut still = 0;
    loop {
        let listed = caller.settings(question).await?;
        let mut settings = listed.settings.into_iter();
        let standing = settings.find(|it| it.definition_id == OPT_OUT && it.sequence >= sequence);
        if let Some(standing) = standing {
            let answered = listed.registers.iter().filter(|at| at.answered).count();
            still = if standing == seen { still + 1 } else { 0 };
            seen = standing;
            if seen.effective_at as usize >= answered || still > 20 {
                return Ok(seen);
            }
        }
        if began.elapsed() > FOLLOW_MAX {
            return Ok(seen);
        }
        sleep(LOOK_EVERY).await;
    }
}
