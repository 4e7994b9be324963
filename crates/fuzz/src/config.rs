//! Fuzzes the config file.

use std::io::Write;

use porchlight_agent::broker::Password;
use porchlight_agent::config::edit::{Setting, edit};
use porchlight_agent::config::{self, ConfigError};

use crate::urls::assert_hidden;

/// Reads any bytes as the config file. An error names the line, and no output contains a password.
/// If the file can be read, changing one setting changes only that one.
///
/// # Panics
///
/// If one of these rules is broken, or if no temporary file can be written.
pub fn read_config(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("a temporary file can be written");
    let before = match config::read(file.path()) {
        Ok(config) => config.expect("the file is there"),
        Err(ConfigError::Wrong { line, message, .. }) => {
            let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&line) && !message.is_empty(), "line {line}: {message}");
            return;
        }
        Err(ConfigError::Unreadable { .. }) => return assert!(crate::text(data).is_none()),
        Err(error) => panic!("{error}"),
    };
    let text = crate::text(data).expect("the config is text");
    let printed = format!("{before:?}");
    if let Some(password) = &before.broker.password {
        assert_hidden(&printed, password.text(), text);
    }
    if let Some(login) = before.broker.url.as_ref().and_then(|url| url.login.as_ref())
        && let Password::Plain(password) = &login.password
    {
        assert_hidden(&printed, password, text);
    }
    edit(file.path(), &[Setting::Coarse(!before.presence.coarse)]).expect("it can be changed");
    let mut after = config::read(file.path()).expect("it can be read").expect("it is there");
    after.presence.coarse = !after.presence.coarse;
    assert_eq!(after, before);
}
