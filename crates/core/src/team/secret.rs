//! The form of everything that lets somebody in: credentials, invitations, tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Characters of the part that names it.
pub const ID_LENGTH: usize = 10;
/// Characters of the part that is secret: 160 bits, one of 62 characters each.
pub const SECRET_LENGTH: usize = 27;

/// `<id>.<secret>`, both of the characters `0-9A-Za-z`. The id may be logged, the secret never.
///
/// Its `Debug` shows the id alone; its `Display` is the whole of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret {
    id: Box<str>,
    secret: Box<str>,
}

/// A text has not the form of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not whole: copy it again, to the last character")]
pub struct SecretError;

impl Secret {
    /// Puts the two parts together.
    ///
    /// # Errors
    /// Where one has another length or other characters.
    pub fn of_parts(id: &str, secret: &str) -> Result<Self, SecretError> {
        let fits = |text: &str, length| {
            text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if fits(id, ID_LENGTH) && fits(secret, SECRET_LENGTH) {
            Ok(Self { id: id.into(), secret: secret.into() })
        } else {
            Err(SecretError)
        }
    }

    /// What names it. For a credential: the MQTT User Name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What proves it. For a credential: the MQTT Password.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let (id, secret) = text.trim().split_once('.').ok_or(SecretError)?;
        Self::of_parts(id, secret)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}.…)", self.id)
    }
}

impl TryFrom<String> for Secret {
    type Error = SecretError;

    fn try_from(text: String) -> Result<Self, SecretError> {
        text.parse()
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_written_and_debug_keeps_it_to_itself() {
        let text = format!("{}.{}", "k3V9xQ2aB7", "s".repeat(SECRET_LENGTH));
        let secret: Secret = text.parse().unwrap();
        assert_eq!(secret.to_string(), text);
        assert!(!format!("{secret:?}").contains("sss"));
    }

    #[test]
    fn half_of_it_is_nothing() {
        let whole = format!("{}.{}", "k3V9xQ2aB7", "s".repeat(SECRET_LENGTH));
        for at in 0..whole.len() {
            assert_eq!(whole[..at].parse::<Secret>(), Err(SecretError), "{}", &whole[..at]);
        }
        assert_eq!(whole.replace('.', "..").parse::<Secret>(), Err(SecretError));
        assert_eq!(whole.replace('s', "ß").parse::<Secret>(), Err(SecretError));
    }
}
