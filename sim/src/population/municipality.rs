//! Twelve invented municipalities in five counties. The numbers begin with 9, which no real one
//! does.

/// A part of the invented country; health surveys invite people by region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// Stands for Østlandet.
    East,
    /// Stands for Sørlandet and Vestlandet.
    West,
    /// Stands for Trøndelag.
    Middle,
    /// Stands for Nord-Norge.
    North,
}

/// An invented municipality.
#[derive(Debug, PartialEq, Eq)]
pub struct Municipality {
    /// Four digits; the first two are its county.
    pub number: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Where it lies.
    pub region: Region,
}

const fn municipality(number: &'static str, name: &'static str, region: Region) -> Municipality {
    Municipality {
        number,
        name,
        region,
    }
}

static MUNICIPALITIES: [Municipality; 12] = [
    municipality("9101", "Storbyen", Region::East),
    municipality("9201", "Elvestad", Region::East),
    municipality("9202", "Innlandet øvre", Region::East),
    municipality("9203", "Granskogen", Region::East),
    municipality("9204", "Østvannet", Region::East),
    municipality("9301", "Regnby", Region::West),
    municipality("9302", "Fjordvik", Region::West),
    municipality("9303", "Skjærholmen", Region::West),
    municipality("9401", "Kornstad", Region::Middle),
    municipality("9402", "Midtnes", Region::Middle),
    municipality("9501", "Nordlysvik", Region::North),
    municipality("9502", "Viddby", Region::North),
];

/// How many there are.
pub(super) const COUNT: u8 = 12;

/// The municipality at `index`; any index is one, because they go round.
pub(super) fn by_index(index: u8) -> &'static Municipality {
    let [first, ..] = &MUNICIPALITIES;
    MUNICIPALITIES
        .get(usize::from(index % COUNT))
        .unwrap_or(first)
}
