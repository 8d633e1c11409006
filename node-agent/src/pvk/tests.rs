//! The adapter's rules, and its receiver without a socket. Stories with PVK's stand-in are in
//! `tests/`.

mod comparing;
mod reading;
mod receiving;
mod stepping;
mod waiting;
mod world;
