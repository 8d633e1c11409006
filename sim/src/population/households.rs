//! Fills the country household by household, then the churchyards.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{Day, Kin, Life, PopulationError, PopulationSpec, Sex, municipality, number, traits};

/// Adults per age group of five years from 20 to 99, in thousands, roughly as in Norway in 2024.
const ADULTS_BY_AGE: [u32; 16] = [
    340, 355, 390, 375, 355, 350, 380, 370, 330, 300, 265, 220, 130, 70, 30, 8,
];
/// How many dead there are for seven living: the cause of death register is that large.
const DEAD_PER_SEVEN: u32 = 4;
/// Percent of adults who came from abroad.
const IMMIGRANTS_PERCENT: u32 = 17;
/// Days in a year, nearly.
const YEAR: u32 = 365;

/// Everybody that `spec` asks for.
pub(super) fn settle(
    spec: PopulationSpec,
    dice: &mut ChaCha8Rng,
) -> Result<Vec<Life>, PopulationError> {
    let as_of = Day::of(spec.as_of);
    let days = as_of.number() as usize + 1;
    let mut town = Town {
        as_of,
        lives: Vec::with_capacity((spec.persons + spec.persons * DEAD_PER_SEVEN / 7) as usize),
        births: vec![[0; 2]; days],
    };
    town.cast()?;
    while town.lives.len() < spec.persons as usize {
        town.household(dice)?;
    }
    town.lives.truncate(spec.persons as usize);
    for _ in 0..spec.persons * DEAD_PER_SEVEN / 7 {
        town.grave(dice)?;
    }
    Ok(town.lives)
}

struct Town {
    as_of: Day,
    lives: Vec<Life>,
    /// Per day: how many numbers are handed out to women and to men.
    births: Vec<[u8; 2]>,
}

/// A person before a number is handed out.
#[derive(Clone, Copy)]
struct Newcomer {
    born: Day,
    sex: Sex,
    municipality: u8,
    traits: u8,
}

impl Town {
    /// The fixed cast: every population begins with these, whatever the seed.
    ///
    /// | number | who |
    /// |---|---|
    /// | 0, 1 | mother and father |
    /// | 2 | their child of 17 |
    /// | 3 | their child of 13 |
    /// | 4, 5 | their twins of 8 |
    /// | 6 | somebody in no register, with a D-number |
    /// | 7 | the mother's mother, 78 |
    fn cast(&mut self) -> Result<(), PopulationError> {
        let as_of = self.as_of;
        let born_years = |years: u32| as_of.minus_days(years * 1461 / 4 + 100);
        let people = [
            (born_years(44), Sex::Female, 0),
            (born_years(46), Sex::Male, 0),
            (born_years(17), Sex::Female, 0),
            (born_years(13), Sex::Male, 0),
            (born_years(8), Sex::Male, traits::TWIN),
            (born_years(8), Sex::Female, traits::TWIN),
            (
                born_years(30),
                Sex::Male,
                traits::D_NUMBER | traits::NOWHERE,
            ),
            (born_years(78), Sex::Female, 0),
        ];
        let (mother, father, grandmother) = (
            Kin::MIN,
            Kin::MIN.saturating_add(1),
            Kin::MIN.saturating_add(7),
        );
        for (index, (born, sex, traits)) in people.into_iter().enumerate() {
            let newcomer = Newcomer {
                born,
                sex,
                municipality: 0,
                traits,
            };
            self.admit(newcomer)?;
            let Some(life) = self.lives.last_mut() else {
                continue;
            };
            match index {
                0 => {
                    life.mother = Some(grandmother);
                    life.first_child = Some(born_years(17));
                }
                1 => life.first_child = Some(born_years(17)),
                2..=5 => (life.mother, life.father) = (Some(mother), Some(father)),
                6 => life.arrived = self.as_of.minus_days(20),
                _ => life.first_child = Some(born_years(44)),
            }
        }
        Ok(())
    }

    /// One household: one or two adults, and the woman's children.
    fn household(&mut self, dice: &mut ChaCha8Rng) -> Result<(), PopulationError> {
        let town = dice.random_range(0..municipality::COUNT);
        let years = adult_age(dice);
        let sex = random_sex(dice);
        let first = self.adult(years, sex, town, dice)?;
        let second = if years >= 23 && dice.random_ratio(11, 20) {
            let partner_years = (years + dice.random_range(0..7)).saturating_sub(3).max(20);
            let other = if sex == Sex::Female {
                Sex::Male
            } else {
                Sex::Female
            };
            Some((partner_years, self.adult(partner_years, other, town, dice)?))
        } else {
            None
        };
        let (mother, father) = match (sex, second) {
            (Sex::Female, second) => (Some((years, first)), second.map(|(_, man)| man)),
            (Sex::Male, Some(woman)) => (Some(woman), Some(first)),
            (Sex::Male, None) => (None, None),
        };
        if let Some((mother_years, mother)) = mother {
            self.children(mother_years, mother, father, town, dice)?;
        }
        Ok(())
    }

    fn adult(
        &mut self,
        years: u32,
        sex: Sex,
        municipality: u8,
        dice: &mut ChaCha8Rng,
    ) -> Result<Kin, PopulationError> {
        let born = self
            .as_of
            .minus_days(years * 1461 / 4 + dice.random_range(0..YEAR) + 1);
        let immigrant = dice.random_ratio(IMMIGRANTS_PERCENT, 100);
        let d_number = immigrant && dice.random_ratio(1, 10);
        let nowhere = if d_number {
            dice.random_ratio(1, 4)
        } else {
            dice.random_ratio(3, 1000)
        };
        let mut marks = 0;
        for (mark, has) in [
            (traits::D_NUMBER, d_number),
            (traits::NOWHERE, nowhere),
            (traits::TWIN, dice.random_ratio(1, 50)),
        ] {
            marks |= if has { mark } else { 0 };
        }
        let newcomer = Newcomer {
            born,
            sex,
            municipality,
            traits: marks,
        };
        let kin = self.admit(newcomer)?;
        let first_child_at = dice.random_range(21..38);
        let has_grown_children = years > 40 && dice.random_ratio(3, 4);
        if let Some(life) = self.lives.last_mut() {
            if immigrant {
                let days_lived = self.as_of.number() - born.number();
                life.arrived = self
                    .as_of
                    .minus_days(dice.random_range(0..days_lived.min(40 * YEAR)));
            } else if has_grown_children {
                life.first_child = Some(born.plus_years(first_child_at));
            }
        }
        Ok(kin)
    }

    fn children(
        &mut self,
        mother_years: u32,
        mother: Kin,
        father: Option<Kin>,
        municipality: u8,
        dice: &mut ChaCha8Rng,
    ) -> Result<(), PopulationError> {
        // Of a hundred women: how many have no, one, two and three children at home.
        let at_home = match mother_years {
            20..=24 => [90, 8, 2, 0],
            25..=29 => [55, 28, 15, 2],
            30..=44 => [24, 26, 38, 12],
            45..=49 => [38, 34, 24, 4],
            50..=55 => [60, 28, 12, 0],
            _ => return Ok(()),
        };
        let mut age_days = dice.random_range(0..4 * YEAR) + mother_years.saturating_sub(36) * YEAR;
        for _ in 0..pick(&at_home, dice) {
            let mother_then = (mother_years * YEAR).saturating_sub(age_days);
            if age_days >= 20 * YEAR || mother_then < 19 * YEAR {
                break;
            }
            let born = self.as_of.minus_days(age_days);
            let twins = dice.random_ratio(1, 50);
            for _ in 0..if twins { 2 } else { 1 } {
                self.admit(Newcomer {
                    born,
                    sex: random_sex(dice),
                    municipality,
                    traits: if twins { traits::TWIN } else { 0 },
                })?;
                if let Some(life) = self.lives.last_mut() {
                    (life.mother, life.father) = (Some(mother), father);
                }
            }
            for parent in [Some(mother), father].into_iter().flatten() {
                if let Some(life) = self.lives.get_mut(parent.get() as usize - 1) {
                    life.first_child = Some(life.first_child.map_or(born, |first| first.min(born)));
                }
            }
            age_days += YEAR + dice.random_range(0..4 * YEAR);
        }
        Ok(())
    }

    /// Somebody who has died since 1951, for the registers that keep the dead.
    fn grave(&mut self, dice: &mut ChaCha8Rng) -> Result<(), PopulationError> {
        let since = Day::first_of(1951).number();
        let died = Day::new(dice.random_range(since..=self.as_of.number()));
        let years = dice.random_range(0..100_u32).max(dice.random_range(0..100));
        let days = years * YEAR + dice.random_range(0..YEAR);
        // Numbers begin in 1900; whoever would be older was born in the first years after it.
        let born = if days < died.number() {
            died.minus_days(days)
        } else {
            Day::new(dice.random_range(0..10 * YEAR))
        };
        let newcomer = Newcomer {
            born,
            sex: random_sex(dice),
            municipality: dice.random_range(0..municipality::COUNT),
            traits: 0,
        };
        self.admit(newcomer)?;
        let child_at = born.plus_years(dice.random_range(20..36));
        if let Some(life) = self.lives.last_mut() {
            life.died = Some(died);
            life.first_child = Some(child_at).filter(|day| *day < died);
        }
        Ok(())
    }

    /// Hands out a number, and remembers the person.
    fn admit(&mut self, newcomer: Newcomer) -> Result<Kin, PopulationError> {
        let Newcomer {
            born,
            sex,
            municipality,
            traits,
        } = newcomer;
        let [women, men] = self
            .births
            .get_mut(born.number() as usize)
            .ok_or(PopulationError::DayExhausted)?;
        let handed_out = if sex == Sex::Female { women } else { men };
        let rank = *handed_out;
        if rank >= number::RANKS {
            return Err(PopulationError::DayExhausted);
        }
        *handed_out += 1;
        self.lives.push(Life {
            born,
            arrived: born,
            died: None,
            first_child: None,
            mother: None,
            father: None,
            rank,
            municipality,
            sex,
            traits,
        });
        u32::try_from(self.lives.len())
            .ok()
            .and_then(Kin::new)
            .ok_or(PopulationError::DayExhausted)
    }
}

fn adult_age(dice: &mut ChaCha8Rng) -> u32 {
    20 + 5 * pick(&ADULTS_BY_AGE, dice) + dice.random_range(0..5)
}

fn random_sex(dice: &mut ChaCha8Rng) -> Sex {
    if dice.random_ratio(1, 2) {
        Sex::Female
    } else {
        Sex::Male
    }
}

/// An index, each as likely as its weight.
fn pick(weights: &[u32], dice: &mut ChaCha8Rng) -> u32 {
    let mut left = dice.random_range(0..weights.iter().sum());
    for (index, weight) in (0..).zip(weights) {
        if left < *weight {
            return index;
        }
        left -= weight;
    }
    0
}
