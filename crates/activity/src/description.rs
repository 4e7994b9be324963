//! Descriptions of sources, for a person who asks why a status is what it is.

use std::fmt;

/// What a source can watch. Each subject has its own sources, which open and close independently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The time since the last input. Without it, nobody knows whether the person is there.
    Idle,
    /// The screen lock.
    Lock,
    /// Which session has the screen and the keyboard, where several sessions share them.
    Seat,
    /// Sleep and power-off.
    Power,
    /// Whether the device is still in the same network.
    Network,
    /// Whether a microphone is in use.
    Call,
    /// Whether the desktop is set to do-not-disturb.
    Dnd,
}

/// A source: what it can detect, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// A short word for the source, the same in every language: `xsync`, `polled`, `stdin`, `none`.
    pub name: &'static str,
    /// What it can detect.
    pub tells: Tells,
    /// What can't be detected here, and what to do about it.
    pub missing: Option<Missing>,
}

/// The facts that a source can detect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tells {
    /// How long there was no input.
    pub idle: bool,
    /// Whether the screen is locked.
    pub lock: bool,
    /// Whether another session has the seat.
    pub seat: bool,
    /// Whether the machine is about to sleep or to power off.
    pub power: bool,
    /// Whether the network changed.
    pub network: bool,
    /// Whether a microphone is in use.
    pub call: bool,
    /// Whether the desktop is set to do-not-disturb.
    pub dnd: bool,
}

/// Something that can't be detected, as two half-sentences without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What can't be detected, and why.
    pub what: String,
    /// What the person can do about it.
    pub remedy: String,
}

impl Tells {
    /// No fact at all.
    pub(crate) const NOTHING: Self = Self {
        idle: false,
        lock: false,
        seat: false,
        power: false,
        network: false,
        call: false,
        dnd: false,
    };
    /// Input only.
    pub(crate) const IDLE: Self = Self { idle: true, ..Self::NOTHING };
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::Lock => "lock",
            Self::Seat => "seat",
            Self::Power => "power",
            Self::Network => "network",
            Self::Call => "call",
            Self::Dnd => "do-not-disturb",
        })
    }
}

impl fmt::Display for Tells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = [
            (self.idle, Subject::Idle),
            (self.lock, Subject::Lock),
            (self.seat, Subject::Seat),
            (self.power, Subject::Power),
            (self.network, Subject::Network),
            (self.call, Subject::Call),
            (self.dnd, Subject::Dnd),
        ];
        let mut detected =
            facts.iter().filter(|(detected, _)| *detected).map(|(_, subject)| subject);
        let Some(first) = detected.next() else {
            return f.write_str("nothing");
        };
        write!(f, "{first}")?;
        detected.try_for_each(|subject| write!(f, ", {subject}"))
    }
}

impl Description {
    /// The description without a source.
    pub(crate) const fn none(missing: Option<Missing>) -> Self {
        Self { name: "none", tells: Tells::NOTHING, missing }
    }
}

impl Missing {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (tells {})", self.name, self.tells)?;
        match &self.missing {
            Some(missing) => write!(f, ": {missing}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_reads_as_a_sentence() {
        let blind = Description::none(Some(Missing::new("no lock", "lock by hand")));
        assert_eq!(blind.to_string(), "none (tells nothing): no lock; lock by hand");
        let told = Description {
            name: "stdin",
            tells: Tells { lock: true, ..Tells::IDLE },
            missing: None,
        };
        assert_eq!(told.to_string(), "stdin (tells idle, lock)");
    }
}
