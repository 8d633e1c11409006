//! What data are used for.

use innsyn_policy::Purpose;

use crate::wire::types::v1 as wire;

/// A purpose as it travels.
pub const fn purpose_to_wire(purpose: Purpose) -> wire::Purpose {
    match purpose {
        Purpose::OwnInsight => wire::Purpose::OwnInsight,
        Purpose::Treatment => wire::Purpose::Treatment,
        Purpose::QualityImprovement => wire::Purpose::QualityImprovement,
        Purpose::Research => wire::Purpose::Research,
        Purpose::Administration => wire::Purpose::Administration,
    }
}

/// The purpose that came; `None` where none is named.
pub const fn purpose_from_wire(purpose: wire::Purpose) -> Option<Purpose> {
    match purpose {
        wire::Purpose::Unspecified => None,
        wire::Purpose::OwnInsight => Some(Purpose::OwnInsight),
        wire::Purpose::Treatment => Some(Purpose::Treatment),
        wire::Purpose::QualityImprovement => Some(Purpose::QualityImprovement),
        wire::Purpose::Research => Some(Purpose::Research),
        wire::Purpose::Administration => Some(Purpose::Administration),
    }
}
