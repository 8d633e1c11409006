//! Ports that are free now, for parts that start later.
//!
//! They lie below those that the kernel gives to outgoing connections: a federation that is being
//! tried makes hundreds of these, and one of them would soon sit where a part wants to listen. They
//! follow on each other from a place drawn anew, so that two worlds rarely meet. Somebody else may
//! take one before its part starts all the same; then that part says so.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;
use rand::RngExt as _;
use rand::rngs::StdRng;

/// The first port that may be taken.
const FIRST: u16 = 10_000;
/// Where outgoing connections begin, if the kernel does not say.
const OUTGOING: u16 = 32_768;

/// Gives out ports, each once.
#[derive(Debug)]
pub(super) struct Ports {
    /// Until all are given out, so that nobody takes them meanwhile.
    held: Vec<TcpListener>,
    next: u16,
    end: u16,
}

impl Ports {
    pub(super) fn new() -> Self {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
        let outgoing = range
            .ok()
            .and_then(|range| range.split_whitespace().next()?.parse().ok());
        let end = outgoing.unwrap_or(OUTGOING).max(FIRST + 1);
        let mut random: StdRng = rand::make_rng();
        Self {
            held: Vec::new(),
            next: random.random_range(FIRST..end),
            end,
        }
    }

    /// One that is free.
    pub(super) fn free(&mut self) -> anyhow::Result<SocketAddr> {
        for _ in FIRST..self.end {
            let port = self.next;
            self.next = port + 1;
            if self.next >= self.end {
                self.next = FIRST;
            }
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                let address = listener.local_addr()?;
                self.held.push(listener);
                return Ok(address);
            }
        }
        None.context("no port is free")
    }
}
