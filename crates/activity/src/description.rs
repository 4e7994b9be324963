//! What a source says of itself, for the person who asks why a dot is as it is.

use std::fmt;

/// What is watched, what that can tell, and what it can't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// A short word for the source, the same in every language: `xsync`, `polled`, `stdin`, `none`.
    pub name: &'static str,
    /// What it can tell.
    pub tells: Tells,
    /// What nobody can tell here, and what to do about it.
    pub missing: Option<Missing>,
}

/// What a source can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tells {
    /// How long there was no input.
    pub idle: bool,
    /// Whether the screen is locked.
    pub lock: bool,
    /// Whether the machine is about to sleep or to power off.
    pub power: bool,
}

/// Something that is not known, as two half-sentences without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is not known, and why.
    pub what: String,
    /// What the person can do about it.
    pub remedy: String,
}

impl Tells {
    /// Input only.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub(crate) const IDLE: Self = Self { idle: true, lock: false, power: false };
    /// All there is.
    pub(crate) const EVERYTHING: Self = Self { idle: true, lock: true, power: true };
    /// Nothing at all.
    pub(crate) const NOTHING: Self = Self { idle: false, lock: false, power: false };
}

impl fmt::Display for Tells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = [(self.idle, "idle"), (self.lock, "lock"), (self.power, "power")];
        let mut told = facts.iter().filter(|(told, _)| *told).map(|(_, name)| name);
        let Some(first) = told.next() else {
            return f.write_str("nothing");
        };
        f.write_str(first)?;
        told.try_for_each(|name| write!(f, ", {name}"))
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
        let missing = Missing { what: "no lock".to_owned(), remedy: "lock by hand".to_owned() };
        let blind = Description { name: "none", tells: Tells::NOTHING, missing: Some(missing) };
        assert_eq!(blind.to_string(), "none (tells nothing): no lock; lock by hand");
        let told = Description { name: "stdin", tells: Tells::EVERYTHING, missing: None };
        assert_eq!(told.to_string(), "stdin (tells idle, lock, power)");
    }
}
