//! How often this account knocks and waves from the command line.
//!
//! A receiver shows at most five knocks and five waves a minute from each person and drops the rest silently. Each
//! command is a process of its own, so a file in the state folder counts what was sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use porchlight_agent::clock;
use porchlight_core::id::UserId;

use crate::failure::Failure;

/// At most this many of one kind to one person within [`MINUTE_MS`].
const AT_MOST: usize = 5;
const MINUTE_MS: u64 = 60_000;

/// The times at which knocks or waves were sent, by kind and receiver, in Unix milliseconds.
type SentTimes = BTreeMap<String, Vec<u64>>;

/// What counts by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Knock,
    Wave,
}

/// The count of one kind of signal to one person.
#[derive(Debug)]
pub(crate) struct SentLimit {
    file: PathBuf,
    key: String,
}

impl SentLimit {
    pub(crate) fn new(state_folder: &Path, kind: Kind, to: &UserId) -> Self {
        let word = match kind {
            Kind::Knock => "knock",
            Kind::Wave => "wave",
        };
        Self { file: state_folder.join("sent-signals.json"), key: format!("{word}/{to}") }
    }

    /// Fails if one more would be dropped.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.read(now()).get(&self.key).is_none_or(|times| times.len() < AT_MOST) {
            return Ok(());
        }
        Err(Failure::NotSent("you sent five within a minute; try again in a minute".to_owned()))
    }

    /// Counts one that was sent.
    pub(crate) fn record(&self) {
        let now = now();
        let mut sent = self.read(now);
        sent.entry(self.key.clone()).or_default().push(now);
        let content = serde_json::to_vec(&sent).expect("a map of text and numbers");
        if let Err(error) = porchlight_files::write_creating_folder(&self.file, &content) {
            // Then the receiver drops what is too much.
            tracing::debug!("{}: {error}", self.file.display());
        }
    }

    /// What was sent within the last minute. A file that can't be read counts as empty.
    fn read(&self, now: u64) -> SentTimes {
        let content = std::fs::read(&self.file).unwrap_or_default();
        let mut sent: SentTimes = serde_json::from_slice(&content).unwrap_or_default();
        for times in sent.values_mut() {
            // A time in the future was written before the clock was set back.
            times.retain(|at| now.checked_sub(*at).is_some_and(|age| age < MINUTE_MS));
        }
        sent.retain(|_, times| !times.is_empty());
        sent
    }
}

fn now() -> u64 {
    clock::now().wall.as_ms()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_within_a_minute_is_refused_whatever_process_sends_it() {
        let folder = tempfile::tempdir().unwrap();
        let limit = |kind, to| SentLimit::new(folder.path(), kind, &UserId::parse(to).unwrap());
        for _ in 0..AT_MOST {
            limit(Kind::Wave, "bob").check().unwrap();
            limit(Kind::Wave, "bob").record();
        }
        assert!(matches!(limit(Kind::Wave, "bob").check(), Err(Failure::NotSent(_))));
        limit(Kind::Knock, "bob").check().unwrap();
        limit(Kind::Wave, "carol").check().unwrap();
    }

    #[test]
    fn what_is_older_than_a_minute_or_in_the_future_or_damaged_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let limit = SentLimit::new(folder.path(), Kind::Wave, &UserId::parse("bob").unwrap());
        let now = now();
        let others = BTreeMap::from([(&limit.key, vec![now - MINUTE_MS, now + MINUTE_MS * 60])]);
        std::fs::write(&limit.file, serde_json::to_vec(&others).unwrap()).unwrap();
        assert!(limit.read(now).is_empty());
        std::fs::write(&limit.file, "nonsense").unwrap();
        limit.check().unwrap();
    }
}
