//! The gateway as its callers see it, over a fan-out that does as it is told.

mod grpc;
mod http_face;
mod limits;
mod openapi_document;
mod privacy;
mod refusals;
pub(in crate::gateway) mod support;
