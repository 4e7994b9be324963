//! The file that holds retained messages: one line a change, the last line of a topic wins.
//!
//! Owns the format, the append and the rewrite. It does not decide when to do either, and does not lock: see
//! `persistence.rs` and `store.rs`.
//!
//! A line is 16 hex digits of FNV-1a over what follows the blank, a blank, and a JSON [`Line`]. A line without its end
//! is the normal trace of a process killed while writing, and was never acknowledged; any other line that does not
//! check is damage, and is skipped. A format that cannot be read like this gets another file name.

use mqtt5::broker::storage::RetainedMessage;
use porchlight_files::AtomicFile;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "retained-v1.log";
/// One name, so that repeated damage cannot fill the disk: the newest replaces it.
const ASIDE: &str = "retained-v1.log.damaged";
/// The files of a log.
pub(crate) const FILES: [&str; 2] = [NAME, ASIDE];
/// Beyond this the file is not read: many times what the broker's limits allow.
const MAX_LEN: u64 = 2 << 30;
/// How much is appended before the file is rewritten, in bytes, if that much is not less than what it held then.
const REWRITE_AFTER: u64 = 1 << 20;

/// One change.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<M, T> {
    Put(M),
    Remove(T),
}

/// An open log that can be appended to.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    len: u64,
    rewritten_len: u64,
}

/// What a log held.
#[derive(Default)]
pub(crate) struct Replayed {
    /// The retained messages that have not expired.
    pub(crate) messages: Vec<RetainedMessage>,
    /// What could not be read, in words.
    pub(crate) damage: Option<String>,
}

impl Log {
    /// Writes the whole log anew, durably, and puts it in the place of the old one in one step.
    ///
    /// With `set_aside` the old one is kept under [`aside`]; it is moved only once the new one is safely on disk.
    pub(crate) fn rewrite(
        folder: &Path,
        messages: impl IntoIterator<Item = RetainedMessage>,
        set_aside: bool,
    ) -> io::Result<Self> {
        let path = folder.join(NAME);
        let mut out = BufWriter::new(AtomicFile::create(&path)?);
        let mut len = 0;
        for message in messages {
            let line = put(&message);
            out.write_all(&line)?;
            len += line.len() as u64;
        }
        let draft = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        draft.sync()?;
        if set_aside {
            let aside = aside(folder);
            if aside.is_dir() {
                fs::remove_dir_all(aside)?;
            }
            porchlight_files::rename(&path, ASIDE)?;
        }
        Ok(Self { file: draft.commit()?, len, rewritten_len: len })
    }

    /// Appends whole lines, durably. After an error the log must be rewritten before anything else is appended.
    pub(crate) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let appended = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        match appended {
            Ok(()) => {
                self.len += lines.len() as u64;
                Ok(())
            }
            Err(e) => {
                // What is torn would be skipped on reading anyway; without it the file stays clean.
                let _ = self.file.set_len(self.len);
                Err(e)
            }
        }
    }

    /// Whether most of the log is changes of changes.
    pub(crate) fn wants_rewrite(&self) -> bool {
        self.len - self.rewritten_len > REWRITE_AFTER.max(self.rewritten_len)
    }
}

/// The line that sets a retained message.
pub(crate) fn put(message: &RetainedMessage) -> Vec<u8> {
    line(&Line::<_, &str>::Put(message))
}

/// The line that clears a topic.
pub(crate) fn remove(topic: &str) -> Vec<u8> {
    line(&Line::<&RetainedMessage, _>::Remove(topic))
}

/// Reads the log in `folder`. What cannot be read is named and left out; a log that is not there is empty.
pub(crate) fn replay(folder: &Path) -> Replayed {
    let path = folder.join(NAME);
    let unreadable = |why: String| Replayed {
        messages: Vec::new(),
        damage: Some(format!("{} {why}", path.display())),
    };
    let bytes = match fs::metadata(&path).map(|m| m.len()) {
        Ok(len) if len > MAX_LEN => {
            return unreadable(format!("is far too large ({len} bytes) and was not read"));
        }
        Ok(_) => fs::read(&path),
        Err(e) => Err(e),
    };
    match bytes {
        Ok(bytes) => {
            let (messages, damaged) = replay_bytes(&bytes);
            let damage = (damaged > 0).then(|| {
                format!(
                    "{damaged} damaged lines in {} were skipped, all others were read",
                    path.display()
                )
            });
            Replayed { messages, damage }
        }
        // A part of the path may be a file, or missing: then there is no log.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Replayed::default()
        }
        Err(e) => unreadable(format!("could not be read ({e})")),
    }
}

/// Where a damaged log is kept.
pub(crate) fn aside(folder: &Path) -> PathBuf {
    folder.join(ASIDE)
}

fn replay_bytes(bytes: &[u8]) -> (Vec<RetainedMessage>, usize) {
    let mut messages = HashMap::new();
    let mut damaged = 0;
    for segment in bytes.split_inclusive(|b| *b == b'\n') {
        let Some(line) = segment.strip_suffix(b"\n") else {
            tracing::debug!(
                bytes = segment.len(),
                "the log ends in an unfinished line, which was never acknowledged"
            );
            break;
        };
        match parse(line) {
            Some(Line::Put(mut message)) => {
                // The moment of expiry is not in the file, only the time of writing and the interval.
                message.recompute_expiry();
                messages.insert(message.topic.clone(), message);
            }
            Some(Line::Remove(topic)) => {
                messages.remove(&topic);
            }
            None => damaged += 1,
        }
    }
    (messages.into_values().filter(|m| !m.is_expired()).collect(), damaged)
}

fn parse(line: &[u8]) -> Option<Line<RetainedMessage, String>> {
    let (sum, json) = line.split_at_checked(17)?;
    let (sum, blank) = sum.split_at(16);
    let sum = u64::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    if blank != b" " || sum != fnv1a(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

fn line<M: Serialize, T: Serialize>(line: &Line<M, T>) -> Vec<u8> {
    let json =
        serde_json::to_vec(line).expect("strings, numbers and lists of them always serialize");
    let mut bytes = Vec::with_capacity(json.len() + 18);
    bytes.extend_from_slice(format!("{:016x} ", fnv1a(&json)).as_bytes());
    bytes.extend_from_slice(&json);
    bytes.push(b'\n');
    bytes
}

// Against torn and rotten lines, not against people: who can write the folder can write a sum.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtt5::QoS;
    use mqtt5::packet::publish::PublishPacket;

    pub(super) fn message(topic: &str, payload: &str) -> RetainedMessage {
        RetainedMessage::new(
            PublishPacket::new(topic, payload.as_bytes().to_vec(), QoS::AtLeastOnce)
                .with_retain(true),
        )
    }

    fn held(folder: &Path) -> Vec<(String, String)> {
        let mut held: Vec<_> = replay(folder)
            .messages
            .into_iter()
            .map(|m| (m.topic, String::from_utf8(m.payload).unwrap()))
            .collect();
        held.sort();
        held
    }

    fn pair(topic: &str, payload: &str) -> (String, String) {
        (topic.to_owned(), payload.to_owned())
    }

    #[test]
    fn the_last_line_of_a_topic_wins() {
        let dir = tempfile::tempdir().unwrap();
        let mut log =
            Log::rewrite(dir.path(), [message("a", "1"), message("b", "1")], false).unwrap();
        log.append(&[put(&message("a", "2")), remove("b"), put(&message("ü/c", "3\n"))].concat())
            .unwrap();
        assert_eq!(held(dir.path()), [pair("a", "2"), pair("ü/c", "3\n")]);
        assert!(replay(dir.path()).damage.is_none());
    }

    #[test]
    fn a_line_without_its_end_is_dropped_in_silence() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::rewrite(dir.path(), [message("a", "1")], false).unwrap();
        let torn = put(&message("a", "2"));
        log.append(&torn[..torn.len() - 5]).unwrap();
        assert_eq!(held(dir.path()), [pair("a", "1")]);
        assert!(replay(dir.path()).damage.is_none());
    }

    #[test]
    fn one_flipped_bit_costs_one_line() {
        let whole = [put(&message("a", "1")), put(&message("b", "1")), remove("a")].concat();
        let first = put(&message("a", "1")).len();
        for at in 0..first - 1 {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let (messages, damaged) = replay_bytes(&bytes);
            assert_eq!(messages.len(), 1, "bit at {at}");
            assert!(damaged >= 1, "bit at {at}");
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let mut seed = 7_u64;
        for len in 0..400 {
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    // Many line ends, so that many lines are tried.
                    if seed >> 61 == 0 { b'\n' } else { (seed >> 33) as u8 }
                })
                .collect();
            assert!(replay_bytes(&bytes).0.is_empty());
        }
    }

    #[test]
    fn a_log_of_changes_of_changes_wants_a_rewrite() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::rewrite(dir.path(), [], false).unwrap();
        let lines = put(&message("a", &"x".repeat(8_000)));
        while !log.wants_rewrite() {
            log.append(&lines).unwrap();
        }
        assert!(log.len > REWRITE_AFTER);
        let log = Log::rewrite(dir.path(), [message("a", "now")], false).unwrap();
        assert!(!log.wants_rewrite() && log.len < 1_000);
        assert_eq!(held(dir.path()), [pair("a", "now")]);
    }
}
