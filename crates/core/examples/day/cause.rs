//! What happens to people and computers, as far as it can make a dot wrong.

/// What last happened to the person, or to the viewer, before a dot became wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    ComeAndGo,
    Idle,
    Lock,
    Lid,
    SilentLid,
    Second,
    Drop,
    Kill,
    Cable,
    Broker,
    Viewer,
}

impl Cause {
    pub(crate) const ALL: [Self; 11] = [
        Self::ComeAndGo,
        Self::Idle,
        Self::Lock,
        Self::Lid,
        Self::SilentLid,
        Self::Second,
        Self::Drop,
        Self::Kill,
        Self::Cable,
        Self::Broker,
        Self::Viewer,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::ComeAndGo => "start and end of the day",
            Self::Idle => "absence, unlocked",
            Self::Lock => "screen locked",
            Self::Lid => "lid closed, announced",
            Self::SilentLid => "lid closed, unannounced",
            Self::Second => "second computer",
            Self::Drop => "lift ride, Wi-Fi drop",
            Self::Kill => "app killed",
            Self::Cable => "cable cut",
            Self::Broker => "broker ended",
            Self::Viewer => "viewer's own connection",
        }
    }
}
