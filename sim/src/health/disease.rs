//! Diseases: who gets them, when, and what comes of it.
//!
//! Codes are ICD-10 and ATC as registers write them, without a dot.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::population::Sex;

/// A disease.
#[derive(Debug)]
pub(crate) struct Disease {
    /// Its code in ICD-10.
    pub(crate) code: &'static str,
    /// Of a thousand women and of a thousand men who grow old, so many get it.
    permille: [u32; 2],
    /// The years of age at which it begins; late ones are likelier.
    ages: (u32, u32),
    /// The mean length of a hospital stay for it, in days; 0 if nobody stays for it.
    pub(crate) stay_days: u16,
    /// Whether it stays, with controls and drugs.
    pub(crate) is_lasting: bool,
    /// The drug for it in ATC.
    pub(crate) drug: Option<&'static str>,
    /// How likely it is the cause of a death at an age at which it occurs, beside the others.
    kills: u32,
}

/// Something that passes.
#[derive(Debug)]
pub(super) struct Acute {
    pub(super) code: &'static str,
    ages: (u32, u32),
    sex: Option<Sex>,
    pub(super) stay_days: u16,
}

impl Disease {
    /// The disease with `code`, if there is one.
    pub(crate) fn with_code(code: &str) -> Option<&'static Self> {
        ALL.iter().find(|disease| disease.code == code)
    }

    /// Whether it is a cancer.
    pub(crate) fn is_cancer(&self) -> bool {
        self.code.starts_with('C')
    }

    pub(super) const fn permille(&self, sex: Sex) -> u32 {
        let [women, men] = self.permille;
        match sex {
            Sex::Female => women,
            Sex::Male => men,
        }
    }

    /// An age at which it begins, in days.
    pub(super) fn age_days(&self, dice: &mut ChaCha8Rng) -> u32 {
        let (youngest, oldest) = self.ages;
        let span = (oldest - youngest).max(1) * 365;
        let days = dice.random_range(0..span).max(dice.random_range(0..span));
        youngest * 1461 / 4 + days
    }

    /// How likely it is the cause of somebody's death at `years`, beside the others.
    pub(super) const fn deaths_weight(&self, sex: Sex, years: u32) -> u32 {
        let (youngest, oldest) = self.ages;
        if self.permille(sex) == 0 || years < youngest || years > oldest + 10 {
            return 0;
        }
        self.kills
    }

    const fn and_kills(self, kills: u32) -> Self {
        Self { kills, ..self }
    }

    const fn treated_with(self, drug: &'static str) -> Self {
        Self {
            drug: Some(drug),
            ..self
        }
    }

    const fn passing(self) -> Self {
        Self {
            is_lasting: false,
            ..self
        }
    }
}

/// A disease that lasts, is treated without drugs and is nobody's death.
const fn lasting(
    code: &'static str,
    permille: [u32; 2],
    ages: (u32, u32),
    stay_days: u16,
) -> Disease {
    Disease {
        code,
        permille,
        ages,
        stay_days,
        is_lasting: true,
        drug: None,
        kills: 0,
    }
}

/// The cause of death where no other is known.
pub(super) static UNKNOWN: Disease = lasting("R99", [0, 0], (0, 110), 0).passing();

/// All of them; the rarest occur only where a register says so.
pub(super) static ALL: &[Disease] = &[
    lasting("C509", [95, 1], (30, 88), 3)
        .treated_with("L02BA01")
        .and_kills(40),
    lasting("C619", [0, 130], (50, 90), 3)
        .treated_with("L02BX03")
        .and_kills(60),
    lasting("C189", [45, 50], (40, 90), 8).and_kills(60),
    lasting("C349", [45, 55], (45, 88), 7).and_kills(90),
    lasting("C439", [25, 27], (20, 88), 1).and_kills(15),
    lasting("C833", [12, 14], (20, 88), 6).and_kills(20),
    lasting("C910", [1, 1], (0, 17), 12).and_kills(8),
    lasting("C569", [10, 0], (30, 85), 7).and_kills(25),
    lasting("I219", [60, 120], (40, 92), 5)
        .treated_with("B01AC06")
        .and_kills(160),
    lasting("I251", [60, 100], (45, 90), 3)
        .treated_with("C10AA05")
        .and_kills(60),
    lasting("I639", [80, 90], (45, 94), 9)
        .treated_with("B01AC04")
        .and_kills(120),
    lasting("I469", [6, 12], (25, 92), 6).and_kills(30),
    lasting("I509", [60, 65], (55, 95), 7)
        .treated_with("C03CA01")
        .and_kills(70),
    lasting("I441", [15, 20], (50, 95), 2),
    lasting("I489", [90, 110], (45, 94), 2).treated_with("B01AF02"),
    lasting("I702", [20, 35], (50, 90), 4).and_kills(10),
    lasting("I10", [250, 250], (35, 85), 0).treated_with("C09AA05"),
    lasting("E119", [70, 95], (35, 85), 3)
        .treated_with("A10BA02")
        .and_kills(25),
    lasting("E109", [5, 6], (3, 30), 4)
        .treated_with("A10AB05")
        .and_kills(4),
    lasting("E669", [50, 30], (20, 60), 2),
    lasting("E063", [30, 6], (15, 80), 0).treated_with("H03AA01"),
    lasting("E802", [1, 1], (15, 60), 2),
    lasting("J449", [60, 65], (45, 88), 6)
        .treated_with("R03AK06")
        .and_kills(70),
    lasting("J459", [80, 80], (3, 60), 2)
        .treated_with("R03AC02")
        .and_kills(2),
    lasting("J350", [60, 50], (2, 25), 1).passing(),
    lasting("J960", [12, 14], (1, 95), 10)
        .passing()
        .and_kills(40),
    lasting("M169", [100, 60], (50, 88), 3),
    lasting("M059", [8, 4], (25, 85), 3).treated_with("L04AX03"),
    lasting("M313", [1, 1], (25, 85), 6)
        .treated_with("L04AX01")
        .and_kills(2),
    lasting("M511", [30, 35], (22, 75), 2),
    lasting("M545", [120, 100], (18, 75), 0),
    lasting("M911", [1, 2], (3, 12), 3),
    lasting("S720", [150, 70], (60, 97), 8)
        .passing()
        .and_kills(30),
    lasting("S835", [12, 15], (14, 45), 1).passing(),
    lasting("T07", [10, 22], (5, 90), 9).passing().and_kills(45),
    lasting("T093", [1, 2], (10, 80), 25),
    lasting("G359", [4, 2], (18, 55), 4).treated_with("L04AA27"),
    lasting("G209", [8, 12], (50, 88), 5)
        .treated_with("N04BA02")
        .and_kills(15),
    lasting("G309", [120, 80], (65, 97), 6)
        .treated_with("N06DA02")
        .and_kills(90),
    lasting("G809", [2, 2], (0, 1), 3),
    lasting("G710", [1, 1], (1, 40), 3),
    lasting("F329", [180, 100], (14, 75), 6).treated_with("N06AB10"),
    lasting("F500", [10, 1], (12, 28), 20).and_kills(1),
    lasting("N189", [25, 30], (45, 90), 5)
        .treated_with("V03AE02")
        .and_kills(20),
    lasting("N393", [80, 0], (30, 85), 1),
    lasting("N809", [25, 0], (16, 48), 1),
    lasting("K358", [70, 80], (6, 60), 2).passing().and_kills(1),
    lasting("K579", [40, 35], (40, 90), 4)
        .passing()
        .and_kills(4),
    lasting("K635", [60, 70], (40, 85), 0).passing(),
    lasting("R15", [3, 1], (25, 90), 1),
    lasting("R522", [30, 20], (18, 90), 0).treated_with("N02AA05"),
    lasting("B24", [1, 1], (18, 60), 4).treated_with("J05AR20"),
    lasting("Q379", [1, 2], (0, 1), 3),
    lasting("P073", [20, 22], (0, 1), 18)
        .passing()
        .and_kills(60),
];

static ACUTE: [Acute; 13] = [
    acute_of("A09", (0, 110), None, 2),
    acute_of("A379", (0, 16), None, 0),
    acute_of("B349", (0, 110), None, 0),
    acute_of("H669", (0, 9), None, 0),
    acute_of("J069", (0, 110), None, 0),
    acute_of("J189", (50, 110), None, 6),
    acute_of("L309", (0, 110), None, 0),
    acute_of("N390", (15, 110), Some(Sex::Female), 0),
    acute_of("N201", (25, 75), Some(Sex::Male), 1),
    acute_of("O809", (20, 41), Some(Sex::Female), 3),
    acute_of("S525", (4, 110), None, 1),
    acute_of("S060", (2, 60), None, 1),
    acute_of("Z000", (18, 110), None, 0),
];

const fn acute_of(code: &'static str, ages: (u32, u32), sex: Option<Sex>, stay_days: u16) -> Acute {
    Acute {
        code,
        ages,
        sex,
        stay_days,
    }
}

/// Something that somebody of this sex may have at `years`.
pub(super) fn acute(sex: Sex, years: u32, dice: &mut ChaCha8Rng) -> &'static Acute {
    let fits = |acute: &&Acute| {
        (acute.ages.0..=acute.ages.1).contains(&years) && acute.sex.is_none_or(|only| only == sex)
    };
    let count = ACUTE.iter().filter(fits).count().max(1);
    let chosen = dice.random_range(0..count);
    let [first, ..] = &ACUTE;
    ACUTE.iter().filter(fits).nth(chosen).unwrap_or(first)
}
