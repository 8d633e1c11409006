//! Tells every agent what the latest number is, and hears how far it has come.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use innsyn_policy::RegisterId;
use innsyn_proto::sealing::SealingKey;
use innsyn_proto::setting::Heartbeat;
use innsyn_proto::wire::node::v1::settings_service_client::SettingsServiceClient;
use innsyn_proto::wire::node::v1::{HeartbeatRequest, HeartbeatResponse};
use tokio::time::{Instant, sleep_until};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::{GatewaySettings, OutboxError};
use crate::gateway::link::Beside;

/// The time between two heartbeats to one agent.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// How long an agent may take to answer one.
const BEAT_TIMEOUT: Duration = Duration::from_secs(10);
/// An agent that is here, lacks what a relay has had for so long and has got nothing meanwhile will
/// not get it from there.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(20);

/// Beats over every link.
#[derive(Debug, Clone)]
pub struct Heartbeats(pub Arc<GatewaySettings>);

impl Beside for Heartbeats {
    fn beside(&self, register: RegisterId, channel: Channel) -> BoxFuture<'static, ()> {
        let settings = Arc::clone(&self.0);
        Box::pin(async move {
            let mut next = Instant::now();
            let mut progress = Progress::default();
            loop {
                match settings
                    .beat(&register, channel.clone(), &mut progress)
                    .await
                {
                    Ok(()) => {}
                    Err(BeatError::Agent(status)) if is_final(&status) => {
                        tracing::debug!(node.id = %register, code = ?status.code(), "no settings");
                        return;
                    }
                    Err(error) => tracing::debug!(
                        node.id = %register,
                        error = &error as &dyn std::error::Error,
                        "heartbeat not heard"
                    ),
                }
                next += BEAT_EVERY;
                sleep_until(next).await;
            }
        })
    }
}

/// How far an agent has come on this connection, and since when.
#[derive(Debug, Default)]
struct Progress(Option<(u64, Instant)>);

impl Progress {
    /// Whether the agent, which has `applied` of `latest` at `now`, lacks some and has got none
    /// for so long that they will not come by themselves. Asked again, it counts anew.
    fn stands_still(&mut self, applied: u64, latest: u64, now: Instant) -> bool {
        match self.0 {
            Some((before, since)) if applied == before && applied < latest => {
                let still = now.duration_since(since) >= SEND_AGAIN_AFTER;
                if still {
                    self.0 = Some((applied, now));
                }
                still
            }
            _ => {
                self.0 = Some((applied, now));
                false
            }
        }
    }
}

/// Whether the agent takes no settings from us, now or later on this connection.
fn is_final(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unimplemented | Code::PermissionDenied | Code::Unavailable
    )
}

/// Why a heartbeat came to nothing.
#[derive(Debug, thiserror::Error)]
enum BeatError {
    #[error("the agent says: {}", .0.message())]
    Agent(#[from] Status),
    #[error("the heartbeat cannot be signed")]
    Sign(#[from] innsyn_proto::head::HeadError),
    #[error("the agent's key cannot be sealed with")]
    Key(#[from] innsyn_proto::sealing::SealError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl GatewaySettings {
    async fn beat(
        &self,
        register: &RegisterId,
        channel: Channel,
        progress: &mut Progress,
    ) -> Result<(), BeatError> {
        let now = self.clock.now();
        let heartbeat = Heartbeat {
            gateway: self.gateway.clone(),
            register: register.clone(),
            latest: *self.latest.borrow(),
            at: now,
        };
        let asked = self
            .outbox
            .dialogs_at(register, now.minus(SEND_AGAIN_AFTER))
            .await?;
        let mut request = tonic::Request::new(HeartbeatRequest {
            note: heartbeat.sign(&self.signer)?,
            dialogs: asked.iter().cloned().map(Bytes::from).collect(),
        });
        request.set_timeout(BEAT_TIMEOUT);
        let mut agent = SettingsServiceClient::new(channel);
        let heard = agent.heartbeat(request).await?.into_inner();
        let key = SealingKey::parse(&heard.sealing_key)?;
        let met = (key, heard.applied);
        let is_news = {
            let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
            agents.get(register) != Some(&met)
        };
        if is_news {
            self.outbox.met(register, &met.0, met.1).await?;
            self.agents
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(register.clone(), met);
        }
        self.met_for_dialogs(register, heard.takes_dialogs).await?;
        self.dialogs_heard(register, asked, &heard).await?;
        if progress.stands_still(heard.applied, heartbeat.latest, Instant::now()) {
            tracing::warn!(node.id = %register, applied = heard.applied, "settings do not come");
            self.again
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(register.clone(), heard.applied);
        }
        Ok(())
    }

    /// Forgets the sealed messages that the agent has, of those that it was `asked` about, and has
    /// the others sent again.
    async fn dialogs_heard(
        &self,
        register: &RegisterId,
        asked: Vec<Vec<u8>>,
        heard: &HeartbeatResponse,
    ) -> Result<(), OutboxError> {
        if asked.is_empty() || !heard.takes_dialogs {
            return Ok(());
        }
        let is_taken = |name: &Vec<u8>| heard.dialogs.iter().any(|taken| taken[..] == name[..]);
        let (taken, lacking): (Vec<_>, Vec<_>) = asked.into_iter().partition(is_taken);
        if !lacking.is_empty() {
            let again = lacking.len();
            tracing::warn!(node.id = %register, again, "messages did not come; sent again");
        }
        self.outbox.dialogs_heard(register, &taken, &lacking).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_stands_still_is_sent_its_items_again() {
        let (mut progress, began) = (Progress::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        for (applied, latest, seconds, still) in [
            (1, 9, 0, false),
            (1, 9, 19, false),
            (4, 9, 20, false),
            (4, 9, 39, false),
            (4, 9, 40, true),
            (4, 9, 45, false),
            (4, 9, 60, true),
            (9, 9, 61, false),
            (9, 9, 99, false),
            (9, 10, 100, false),
            (9, 10, 120, true),
        ] {
            let told = progress.stands_still(applied, latest, at(seconds));
            assert_eq!(told, still, "{applied} of {latest} after {seconds} s");
        }
    }
}
