//! The rules of `docs/protocol.md` that the simulation takes out one at a time, to see that each is missed.

/// A rule of `docs/protocol.md` whose absence a viewer would notice.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A Will of an earlier session is a ghost.
    Epoch,
    /// A record that is not renewed is lost.
    Lease,
    /// A Will waits.
    Grace,
    /// What is lost around our own reconnect is not believed at once.
    Settle,
    /// One's own records are not written again and again without end.
    CorrectionBound,
    /// What is left of a message's expiry is not believed unchecked.
    AgeCheck,
    /// Times that cannot be are not shown.
    TimeCheck,
}
