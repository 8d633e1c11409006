//! The demo's citizen: somebody in many registers.

use anyhow::Context as _;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;

use crate::caller::{Caller, Question};
use crate::country::{Asking, Role, Story};
use crate::world::World;

/// Who asks, about themself, and their connection.
#[derive(Debug)]
pub(super) struct Somebody<'a> {
    pub(super) world: &'a World,
    pub(super) asking: Asking,
    pub(super) caller: Caller,
}

impl<'a> Somebody<'a> {
    pub(super) async fn in_many_registers(world: &'a World) -> anyhow::Result<Self> {
        let now = SystemClock.now();
        let today = now.date_in_norway().context("no calendar")?;
        let found = world
            .country
            .find(Story::InManyRegisters, today)
            .context("nobody is in many registers; take a larger population")?;
        let asking = world
            .country
            .asking(found.subject, Role::Oneself, None, now)?;
        let caller = Caller::connect(world.gateway(), None).await?;
        Ok(Self {
            world,
            asking,
            caller,
        })
    }

    /// Whom they ask about, with a fresh token.
    pub(super) fn question(&self) -> anyhow::Result<Question> {
        let mut random: StdRng = rand::make_rng();
        self.world
            .question(&self.asking, SystemClock.now(), &mut random)
    }
}
