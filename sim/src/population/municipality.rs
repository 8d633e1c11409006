//! Twelve invented municipalities. The numbers begin with 99, which no real one does.

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
    /// Four digits.
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
    municipality("9901", "Storbyen", Region::East),
    municipality("9902", "Elvestad", Region::East),
    municipality("9903", "Innlandet øvre", Region::East),
    municipality("9904", "Granskogen", Region::East),
    municipality("9905", "Østvannet", Region::East),
    municipality("9906", "Regnby", Region::West),
    municipality("9907", "Fjordvik", Region::West),
    municipality("9908", "Skjærholmen", Region::West),
    municipality("9909", "Kornstad", Region::Middle),
    municipality("9910", "Midtnes", Region::Middle),
    municipality("9911", "Nordlysvik", Region::North),
    municipality("9912", "Viddby", Region::North),
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
