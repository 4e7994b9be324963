//! What a running hub reports to the program that runs it.

use crate::HubWarning;

/// A report of a running hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubEvent {
    /// Retained messages, or changes to the team, cannot be saved at present. Presence goes on; the warning says what to do.
    StoreFailing(HubWarning),
    /// Both are saved again.
    StoreRecovered,
    /// The renewed certificate of the public listener cannot be used, so the old one stays; the warning says what to do.
    CertificateFailing(HubWarning),
    /// The certificate of the public listener was read again and is in use.
    CertificateRead,
    /// Somebody asks to join without an invitation. A member must decide.
    Asked {
        /// The name that they gave, safe to show.
        name: String,
        /// The four digits that they see as well.
        code: String,
    },
    /// The team has moved to another computer. This hub only sends members there.
    Moved,
    /// The broker ended by itself, and nobody is served any more. Start another hub.
    Ended {
        /// What the broker said.
        reason: String,
    },
}
