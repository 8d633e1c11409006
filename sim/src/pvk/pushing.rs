//! Changes are pushed to a register's receiver until it says that it has them.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::api::text;
use super::{Definition, Instance, PvkStandIn};
use crate::processes::http;
use crate::sts::{SystemCall, TestIssuer};

/// Between two tries.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One change on its way, in JSON.
pub(super) type Push = String;

/// A register's receiver, and with what token it is called.
pub struct Receiver {
    /// Its address.
    pub url: String,
    /// Who makes the tokens.
    pub sts: TestIssuer,
    /// What they are for.
    pub call: SystemCall,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl PvkStandIn {
    /// Puts a change last in the row of what is pushed.
    pub(super) fn push(&self, definition: &Definition, fnr: &str, instance: &Instance) {
        let push = json!({
            "innbyggerFnr": fnr,
            "definisjonGuid": definition.guid,
            "definisjonNavn": definition.name,
            "partKode": definition.part,
            "typePi": definition.kind,
            "aktiv": instance.active,
            "sekvensnummer": instance.sequence,
            "tidspunkt": text(instance.changed_at),
            "gyldigTil": instance.until.map(text),
        });
        let mut pushes = self.pushes.lock().unwrap_or_else(PoisonError::into_inner);
        pushes.push(push.to_string());
        drop(pushes);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Pushes every change, past and to come, to `receiver`, one after the other, until what is
    /// given is dropped.
    pub fn pushes_to(self: &Arc<Self>, receiver: Receiver) -> AbortOnDropHandle<()> {
        let pvk = Arc::clone(self);
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut changes = pvk.changes.subscribe();
            let mut next = 0;
            loop {
                let push = {
                    let pushes = pvk.pushes.lock().unwrap_or_else(PoisonError::into_inner);
                    pushes.get(next).cloned()
                };
                match push {
                    Some(push) => {
                        while !receiver.takes(&push).await {
                            sleep(AGAIN_AFTER).await;
                        }
                        next += 1;
                    }
                    None if changes.changed().await.is_err() => return,
                    None => {}
                }
            }
        }))
    }
}

impl Receiver {
    /// Pushes one change; whether the receiver has it.
    pub async fn takes(&self, push: &str) -> bool {
        let mut random: StdRng = rand::make_rng();
        let token = self
            .sts
            .system_token(&self.call, None, SystemClock.now(), &mut random);
        let Ok(token) = token else {
            return false;
        };
        self.answers(push, &format!("Bearer {token}"))
            .await
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Pushes `push` with this authorization; the status of the answer.
    pub async fn answers(&self, push: &str, authorization: &str) -> Option<u16> {
        let client = http().ok()?;
        let answer = client
            .post(&self.url)
            .timeout(TIMEOUT)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(push.to_owned())
            .send()
            .await;
        Some(answer.ok()?.status().as_u16())
    }
}
