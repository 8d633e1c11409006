//! What an agent configuration may say.
