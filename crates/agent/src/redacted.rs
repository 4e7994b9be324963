//! Keeps secrets out of texts: passwords, tokens, and texts that may contain one.
//!
//! Neither a `Debug` line nor a complaint about the command line shows them. This module does not
//! protect them in memory or on disk.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A secret text. Neither its `Debug` nor a deserialization error shows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Redacted(String);

impl Redacted {
    /// The secret text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<String> for Redacted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Redacted {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl<'de> Deserialize<'de> for Redacted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde's own message for a number would show it: "invalid type: integer `1234`".
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a text in quotes")]
        enum Written {
            Text(String),
        }
        let Written::Text(text) = Written::deserialize(deserializer)?;
        Ok(Self(text))
    }
}

/// Removes secrets from a complaint about the command line: user name and password of a URL, and
/// the token of an invitation.
#[must_use]
pub fn without_secrets(complaint: &str, arguments: impl IntoIterator<Item = OsString>) -> String {
    let mut complaint = complaint.to_owned();
    for argument in arguments {
        let argument = argument.to_string_lossy();
        // A complaint names the whole argument, or the part after the equals sign of a flag.
        let value = argument.split_once('=').map(|(_, value)| value);
        for text in std::iter::once(&*argument).chain(value) {
            if let Some(safe) = without_secret(text) {
                complaint = complaint.replace(text, &safe);
            }
        }
    }
    complaint
}

/// The argument without its secret; `None` if there is no secret in it.
fn without_secret(argument: &str) -> Option<String> {
    let start = argument.find("://").map_or(0, |at| at + "://".len());
    let (before, rest) = argument.split_at(start);
    if let Some(at) = rest.rfind('@').filter(|at| start > 0 || rest[..*at].contains(':')) {
        return Some(format!("{before}…{}", &rest[at..]));
    }
    let at = rest.find("token=")? + "token=".len();
    Some(format!("{before}{}…", &rest[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_repeats_no_secret_of_an_argument() {
        for (argument, safe) in [
            ("mqtt://bob:s3cret@host/presence", "mqtt://…@host/presence"),
            ("mqtts://:s3cret@host", "mqtts://…@host"),
            ("mqtt://bob:s3#c/r?et@host", "mqtt://…@host"),
            ("bob:s3cret@host", "…@host"),
            ("porchlight://join?v=1&token=s3cret", "porchlight://join?v=1&token=…"),
            ("--brokr=mqtt://bob:s3cret@host", "--brokr=mqtt://…@host"),
            ("alice@acme", "alice@acme"),
        ] {
            let complaint = format!("error: unexpected argument '{argument}' found");
            let arguments = [argument, "who"].map(OsString::from);
            let expected = format!("error: unexpected argument '{safe}' found");
            assert_eq!(without_secrets(&complaint, arguments), expected);
        }
        let message = without_secrets(
            "invalid value 'mqtt://u:p@h' for '--broker <URL>'",
            ["--broker=mqtt://u:p@h".into()],
        );
        assert_eq!(message, "invalid value 'mqtt://…@h' for '--broker <URL>'");
    }

    #[test]
    fn a_redacted_text_is_never_printed() {
        #[derive(Debug, Deserialize)]
        struct Config {
            #[expect(dead_code, reason = "it is printed, or not")]
            password: Redacted,
        }
        let read: Config = toml::from_str("password = \"s3cret\"").unwrap();
        assert!(!format!("{read:?}").contains("s3cret"), "{read:?}");
        let error = toml::from_str::<Config>("password = 73573").unwrap_err();
        assert_eq!(error.message(), "a text in quotes");
    }
}
