//! What an SMS says, in the alphabet that every telephone has.

/// The text, the same for all; it fits one SMS.
pub(super) const TEXT: &str = "\
Du har fått en ny melding. Logg inn på Helsenorge for å lese den.\n\
You have a new message. Log in to Helsenorge to read it.";

/// The basic alphabet of 3GPP TS 23.038, in its order. What stands at 27 leads to a second table,
/// which nothing here needs.
const ALPHABET: &str = "\
@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// `text` in that alphabet, one septet in each byte, as SMPP has it; `None` if it has a letter that
/// the alphabet does not.
pub(super) fn septets(text: &str) -> Option<Vec<u8>> {
    let septet = |letter: char| {
        let place = ALPHABET.chars().position(|it| it == letter)?;
        u8::try_from(place).ok().filter(|_| letter != '\u{1b}')
    };
    text.chars().map(septet).collect()
}

#[cfg(test)]
mod tests;
