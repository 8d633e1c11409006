//! A register whose people also speak at helsenorge: a real agent, Personvernkomponenten and HelseID
//! as stand-ins that check for real, and a researcher who counts.

mod fetching;
mod forwarding;
mod receiving;
mod world;
