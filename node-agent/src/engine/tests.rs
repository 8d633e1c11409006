//! The engine against small cases worked out by hand, and against a naive evaluator.

mod alike;
mod hand;
mod hand_rows;
mod limits;
mod naive;
mod pages;
mod parts;
mod placed;
mod random;
mod refused;
mod statements;
mod trace;
mod world;
