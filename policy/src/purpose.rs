//! What data are used for.

/// The purpose of a use. A setting or permit is bound to purposes; none ever widens another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The person's own right of insight, exercised alone or through a representative
    /// (*innsyn*, GDPR article 15).
    OwnInsight,
    /// Health care of the person.
    Treatment,
    /// Improving the quality of care.
    QualityImprovement,
    /// Research.
    Research,
    /// Official statistics, planning and administration.
    Administration,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::OwnInsight,
        Self::Treatment,
        Self::QualityImprovement,
        Self::Research,
        Self::Administration,
    ];

    /// Its name in permits, rules and receipts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OwnInsight => "own_insight",
            Self::Treatment => "treatment",
            Self::QualityImprovement => "quality_improvement",
            Self::Research => "research",
            Self::Administration => "administration",
        }
    }

    /// Whether this is secondary use: anything but the person's own insight and own care.
    pub const fn is_secondary(self) -> bool {
        match self {
            Self::OwnInsight | Self::Treatment => false,
            Self::QualityImprovement | Self::Research | Self::Administration => true,
        }
    }
}
