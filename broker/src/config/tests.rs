//! What a broker configuration may say.
