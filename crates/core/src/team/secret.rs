//! The form of credentials, invitation tokens and program tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Number of characters of the id.
pub const ID_LENGTH: usize = 10;
/// Number of characters of the secret part: 160 bits, each character one of 62.
pub const SECRET_LENGTH: usize = 27;

/// A credential or token: `<id>.<secret>`, both of the characters `0-9A-Za-z`. The id may be
/// logged, the secret never.
///
/// Its `Debug` shows only the id; its `Display` shows all of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret {
    id: Box<str>,
    secret: Box<str>,
}

/// The text does not have the form of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not whole: copy it again, to the last character")]
pub struct SecretError;

impl Secret {
    /// Creates a secret from its two parts.
    ///
    /// # Errors
    ///
    /// [`SecretError`] if a part has another length or other characters.
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

    /// The id. For a credential: the MQTT User Name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret part. For a credential: the MQTT Password.
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
