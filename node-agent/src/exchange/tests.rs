//! What the exchange's rules promise, apart from sockets.

mod content;
mod headers;
