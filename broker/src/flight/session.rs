//! Session options, which JDBC sets when a catalog is named, and sessions, of which nothing is
//! held. Their messages are Flight's own; `arrow_flight` does not have them.

use std::collections::HashMap;

use crate::research::sql::{CATALOG, SCHEMA};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetSessionOptionsRequest {
    #[prost(map = "string, message", tag = "1")]
    pub(super) session_options: HashMap<String, SessionOptionValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionOptionValue {
    /// Absent unless the value is a text; other values are not looked at.
    #[prost(string, optional, tag = "1")]
    pub(super) string_value: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub(super) errors: HashMap<String, SetSessionOptionError>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetSessionOptionError {
    /// 1: no such option, 2: no such value.
    #[prost(int32, tag = "1")]
    pub(super) value: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub(super) session_options: HashMap<String, SessionOptionValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CloseSessionResult {
    /// 1: closed.
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
}

/// There is one catalog, with one schema; either may be named.
pub(super) fn set(request: &SetSessionOptionsRequest) -> SetSessionOptionsResult {
    let errors = request.session_options.iter().filter_map(|(name, value)| {
        let only = match name.as_str() {
            "catalog" => CATALOG,
            "schema" => SCHEMA,
            _ => return Some((name.clone(), SetSessionOptionError { value: 1 })),
        };
        let is_it = value.string_value.as_deref() == Some(only);
        (!is_it).then(|| (name.clone(), SetSessionOptionError { value: 2 }))
    });
    SetSessionOptionsResult {
        errors: errors.collect(),
    }
}

pub(super) fn get() -> GetSessionOptionsResult {
    let option = |(name, value): (&str, &str)| {
        let value = SessionOptionValue {
            string_value: Some(value.to_owned()),
        };
        (name.to_owned(), value)
    };
    GetSessionOptionsResult {
        session_options: [("catalog", CATALOG), ("schema", SCHEMA)]
            .map(option)
            .into(),
    }
}

pub(super) const fn close() -> CloseSessionResult {
    CloseSessionResult { status: 1 }
}
