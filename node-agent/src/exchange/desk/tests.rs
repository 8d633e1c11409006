//! The rules of receiving and sending, apart from sockets.

mod receiving;
mod sending;
mod sync;
mod world;
