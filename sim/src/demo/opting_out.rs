//! The demo's citizen says no to secondary use, and sees how far it has come.

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::following::{Change, all_met, follow};
use super::print;
use super::somebody::Somebody;
use crate::caller::Saying;
use crate::world::OPT_OUT;

/// Opts out, and takes it back: registers follow both times.
pub(super) async fn say_no_and_take_it_back(somebody: &Somebody<'_>) -> anyhow::Result<()> {
    let (caller, question) = (&somebody.caller, somebody.question()?);
    let mut random: StdRng = rand::make_rng();
    print::opting_out();
    all_met(caller, &question).await?;
    for active in [true, false] {
        let saying = Saying {
            definition: OPT_OUT,
            active,
            id: random.random(),
            proof: None,
        };
        let began = Instant::now();
        let changed = caller.change_setting(&question, saying).await?;
        let change = Change {
            definition: OPT_OUT,
            sequence: changed.sequence,
        };
        let followed = follow(caller, &question, change, |_| true).await?;
        print::followed(active, &followed.standing, began.elapsed());
    }
    print::opted_out();
    Ok(())
}
