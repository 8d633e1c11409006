//! The public catalogue: what the registers publish, as HealthDCAT-AP, for other catalogues.
//!
//! `GET /v1/catalogue` gives it as Turtle or as JSON-LD, the same graph. It needs no token: names,
//! descriptions and variables are what the registers publish, and coarse sizes are the only
//! numbers in it.
//!
//! What holds:
//!
//! - **Every part has a name of its own** under the configured address, and keeps it: there are no
//!   blank nodes.
//! - **One dataset for each register and view.** The same view of several registers is several
//!   datasets with one keyword, since each has a publisher, a size and a period of its own.
//! - **Whoever publishes nothing is there too**, as an agent, and it is said whether its views are
//!   known.
//! - **Nothing is made up**: what a register has not said is not said, also where the profile asks
//!   for it. Words that no profile has are in a namespace of our own ([`vocabulary`]).
//!
//! What a register publishes is written for others by names that its agent chose: a view or a
//! variable whose name is none is left out, and logged.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use innsyn_proto::wire::types::v1 as types;
use moka::future::Cache;

use super::config::PublicCatalogueConfig;
use super::face::ResearchFace;
use super::published::Published;

mod dataset;
mod form;
mod graph;
#[cfg(test)]
mod tests;
mod variables;
mod vocabulary;

use form::Form;
use graph::Describing;

/// Where it is.
const PATH: &str = "/v1/catalogue";
/// How long it may be kept, here and by whoever asks for it.
const KEPT: Duration = Duration::from_secs(10);

/// What is told of the gateway, and the catalogue as it was last written.
#[derive(Debug)]
pub(super) struct PublicCatalogue {
    gateway: PublicCatalogueConfig,
    registers: Vec<Publisher>,
    written: Cache<Form, Bytes>,
}

/// A register, as the broker's catalogue describes it.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    /// Its entry.
    pub(super) entry: types::Register,
    /// Whether it has an agent.
    pub(super) is_live: bool,
}

/// The route, of a gateway that has a public catalogue.
pub(super) fn router(face: &Arc<ResearchFace>) -> Router {
    if face.catalogue.is_none() {
        return Router::new();
    }
    let face = Arc::clone(face);
    let answer = async move |headers: HeaderMap| answered(&face, &headers).await;
    Router::new().route(PATH, get(answer))
}

async fn answered(face: &ResearchFace, headers: &HeaderMap) -> Response {
    let Some(catalogue) = &face.catalogue else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(form) = Form::wanted(headers) else {
        let told = "the catalogue is text/turtle or application/ld+json\n";
        return (StatusCode::NOT_ACCEPTABLE, told).into_response();
    };
    let write = async {
        let published = face.published().await;
        catalogue.written(form, &published)
    };
    match catalogue.written.try_get_with(form, write).await {
        Ok(written) => {
            let kept = format!("public, max-age={}", KEPT.as_secs());
            let headers = [
                (header::CONTENT_TYPE, form.media_type().to_owned()),
                (header::CACHE_CONTROL, kept),
                (header::VARY, "accept".to_owned()),
            ];
            (headers, written).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "catalogue not written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl PublicCatalogue {
    pub(super) fn new(gateway: PublicCatalogueConfig, registers: Vec<Publisher>) -> Self {
        Self {
            gateway,
            registers,
            written: Cache::builder().time_to_live(KEPT).build(),
        }
    }

    fn written(&self, form: Form, published: &Published) -> std::io::Result<Bytes> {
        let graph = self.described(published);
        form.write(&graph).map(Bytes::from)
    }

    /// All that there is to tell.
    fn described(&self, published: &Published) -> oxrdf::Graph {
        let mut describing = Describing::new(&self.gateway, PATH);
        describing.catalogue(&self.gateway);
        for publisher in &self.registers {
            let id = &publisher.entry.id;
            let is_silent = published.silent.iter().any(|silent| silent.as_str() == id);
            describing.publisher(publisher, !is_silent);
            let own = published.views.iter();
            for view in own.filter(|view| view.register_id == *id) {
                describing.dataset(&publisher.entry, view);
            }
        }
        describing.finish()
    }
}
