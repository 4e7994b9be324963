//! The tokens by which programs may read at a gateway.
//!
//! Owns the file that holds them, `team.json` in the gateway's folder: the form of the hub's, with nobody in it but
//! programs. Of a token only a keyed hash is kept; the token itself is told once, to whoever makes it.

use crate::clock;
use crate::rest::guard::{Asker, Guard, Permission, Reader};
use data_encoding::BASE64URL_NOPAD;
use porchlight_core::id::Root;
use porchlight_core::team::{ID_LENGTH, SECRET_LENGTH, Secret};
use porchlight_core::text::display_text;
use porchlight_core::time::{Monotonic, Timestamp};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fmt, fs};

const NAME: &str = "team.json";
const VERSION: u32 = 1;
/// The most tokens, and the longest label in characters.
const MOST: usize = 100;
const LABEL: usize = 48;
/// A change of the file is seen after so long at the latest.
const LOOK: Duration = Duration::from_secs(1);

/// Why tokens cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the tokens in {} cannot be read: {reason}; correct that, or move the file away to begin without any", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {source}; make room, or make the folder writable", path.display())]
    NotSaved {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// As many as there may be.
    #[error("there are {MOST} tokens already; revoke those that nobody uses")]
    TooMany,
    /// The folder holds a whole team.
    #[error("{} belongs to a team's hub; give the gateway a folder of its own with --store", path.display())]
    OfATeam {
        /// The file.
        path: PathBuf,
    },
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// By which it is revoked: the part before the dot.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub since: Timestamp,
}

/// The tokens in a folder.
#[derive(Debug, Clone)]
pub struct Tokens {
    path: PathBuf,
    sheet: Sheet,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sheet {
    v: u32,
    team: String,
    name: String,
    root: Root,
    key: Key,
    members: BTreeMap<String, serde_json::Value>,
    credentials: BTreeMap<String, serde_json::Value>,
    invites: BTreeMap<String, serde_json::Value>,
    tokens: BTreeMap<String, Token>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    hash: String,
    label: String,
    since: Timestamp,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    fn random() -> Self {
        let mut key = [0; 32];
        fill(&mut key);
        Self(BASE64URL_NOPAD.encode(&key))
    }

    fn hmac(&self) -> hmac::Key {
        let key = BASE64URL_NOPAD.decode(self.0.as_bytes()).unwrap_or_default();
        hmac::Key::new(hmac::HMAC_SHA256, &key)
    }

    fn is_whole(&self) -> bool {
        BASE64URL_NOPAD.decode(self.0.as_bytes()).is_ok_and(|key| key.len() == 32)
    }

    fn hash(&self, secret: &Secret) -> String {
        BASE64URL_NOPAD.encode(hmac::sign(&self.hmac(), signed(secret).as_bytes()).as_ref())
    }

    /// In constant time (`ring::hmac::verify`).
    fn verifies(&self, secret: &Secret, hash: &str) -> bool {
        BASE64URL_NOPAD
            .decode(hash.as_bytes())
            .is_ok_and(|tag| hmac::verify(&self.hmac(), signed(secret).as_bytes(), &tag).is_ok())
    }
}

/// What is hashed: bound to its use and its id, so that no hash stands for anything else.
fn signed(secret: &Secret) -> String {
    format!("Token\n{}\n{}", secret.id(), secret.secret())
}

impl Tokens {
    /// The tokens in this folder; none where nothing is there yet.
    ///
    /// # Errors
    ///
    /// Where the file is there and cannot be read: nobody may read then, and nothing is lost.
    pub fn open(folder: &Path) -> Result<Self, TokenError> {
        let path = folder.join(NAME);
        let unreadable = |reason: String| TokenError::Unreadable { path: path.clone(), reason };
        let sheet = match fs::read(&path) {
            Ok(bytes) => {
                let sheet: Sheet =
                    serde_json::from_slice(&bytes).map_err(|e| unreadable(e.to_string()))?;
                if sheet.v != VERSION || !sheet.key.is_whole() {
                    return Err(unreadable("another version of Porchlight wrote it".to_owned()));
                }
                sheet
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Sheet {
                v: VERSION,
                team: random_word(ID_LENGTH),
                name: "Gateway".to_owned(),
                root: Root::default(),
                key: Key::random(),
                members: BTreeMap::new(),
                credentials: BTreeMap::new(),
                invites: BTreeMap::new(),
                tokens: BTreeMap::new(),
            },
            Err(e) => return Err(unreadable(e.to_string())),
        };
        Ok(Self { path, sheet })
    }

    /// All there are.
    #[must_use]
    pub fn list(&self) -> Vec<TokenInfo> {
        let info = |(id, token): (&String, &Token)| TokenInfo {
            id: id.clone(),
            label: token.label.clone(),
            since: token.since,
        };
        self.sheet.tokens.iter().map(info).collect()
    }

    /// Makes a token. It is told here and nowhere else.
    ///
    /// # Errors
    ///
    /// Where there are too many, or it cannot be written; then there is no new one.
    pub fn make(&mut self, label: &str) -> Result<Secret, TokenError> {
        self.check_no_team()?;
        if self.sheet.tokens.len() >= MOST {
            return Err(TokenError::TooMany);
        }
        let secret = loop {
            let (id, secret) = (random_word(ID_LENGTH), random_word(SECRET_LENGTH));
            if !self.sheet.tokens.contains_key(&id) {
                break Secret::of_parts(&id, &secret).expect("letters and digits, so many");
            }
        };
        let label = display_text(label, LABEL).unwrap_or_else(|| "token".to_owned());
        let hash = self.sheet.key.hash(&secret);
        let token = Token { hash, label, since: clock::now().wall };
        let mut sheet = self.sheet.clone();
        sheet.tokens.insert(secret.id().to_owned(), token);
        self.save(sheet)?;
        Ok(secret)
    }

    /// Ends a token; whether there was one.
    ///
    /// # Errors
    ///
    /// Where that cannot be written: then the token still holds.
    pub fn revoke(&mut self, id: &str) -> Result<bool, TokenError> {
        self.check_no_team()?;
        let mut sheet = self.sheet.clone();
        let was_there = sheet.tokens.remove(id).is_some();
        if was_there {
            self.save(sheet)?;
        }
        Ok(was_there)
    }

    fn may_read(&self, secret: &Secret) -> bool {
        let token = self.sheet.tokens.get(secret.id());
        token.is_some_and(|token| self.sheet.key.verifies(secret, &token.hash))
    }

    /// A hub that runs keeps its team in memory, and would write over what we change.
    fn check_no_team(&self) -> Result<(), TokenError> {
        if self.sheet.members.is_empty() {
            Ok(())
        } else {
            Err(TokenError::OfATeam { path: self.path.clone() })
        }
    }

    /// Writes it whole or not at all.
    fn save(&mut self, sheet: Sheet) -> Result<(), TokenError> {
        let bytes = serde_json::to_vec(&sheet).expect("maps with text as keys always serialize");
        porchlight_files::write_creating_folder(&self.path, &bytes)
            .map_err(|source| TokenError::NotSaved { path: self.path.clone(), source })?;
        self.sheet = sheet;
        Ok(())
    }
}

/// Lets the holders of tokens read, as the file has them now: they are made and revoked while the gateway runs.
#[derive(Debug)]
pub(super) struct TokenGuard {
    folder: PathBuf,
    inside: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// None while the file cannot be read: nobody may read then.
    tokens: Option<Tokens>,
    file: Stamp,
    looked: Monotonic,
}

/// What tells one state of a file from the next.
type Stamp = Option<(SystemTime, u64)>;

impl TokenGuard {
    pub(super) fn new(folder: PathBuf, tokens: Tokens) -> Self {
        // As if never looked at: what changed since the tokens were read is seen by the first request.
        let known = Known { tokens: Some(tokens), file: None, looked: Monotonic::default() };
        Self { folder, inside: Mutex::new(known) }
    }
}

impl Guard for TokenGuard {
    fn may_read(&self, asker: &Asker) -> Permission {
        let Some(secret) = asker.bearer().and_then(|token| token.parse::<Secret>().ok()) else {
            return Permission::Denied;
        };
        let mut known = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now().mono;
        if now.since(known.looked) >= LOOK {
            known.look(&self.folder);
            known.looked = now;
        }
        if known.tokens.as_ref().is_some_and(|tokens| tokens.may_read(&secret)) {
            Permission::Granted(Reader::Program(secret.id().to_owned()))
        } else {
            Permission::Denied
        }
    }
}

impl Known {
    fn look(&mut self, folder: &Path) {
        let file = fs::metadata(folder.join(NAME)).ok();
        let file = file.and_then(|file| Some((file.modified().ok()?, file.len())));
        if file == self.file && file.is_some() {
            return;
        }
        self.file = file;
        self.tokens = match Tokens::open(folder) {
            Ok(tokens) => Some(tokens),
            Err(e) => {
                tracing::warn!("nobody may read: {e}");
                // To be tried again, for it may be another matter than the file's content.
                self.file = None;
                None
            }
        };
    }
}

fn random_word(len: usize) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // The largest multiple of 62 in a byte: what is above would make the first letters likelier.
    const FAIR: u8 = 248;
    let mut word = String::with_capacity(len);
    while word.len() < len {
        let mut bytes = [0; 64];
        fill(&mut bytes);
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        let letters = fair.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        word.extend(letters.take(len - word.len()));
    }
    word
}

fn fill(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the system has random numbers");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(token: impl fmt::Display) -> Asker {
        Asker { authorization: Some(format!("Bearer {token}")), peer: None }
    }

    fn granted(token: &Secret) -> Permission {
        Permission::Granted(Reader::Program(token.id().to_owned()))
    }

    #[test]
    fn a_token_is_told_once_and_kept_as_a_hash_for_this_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("gateway");
        let mut tokens = Tokens::open(&folder).unwrap();
        let secret = tokens.make("dash\nboard").unwrap();
        let written = fs::read_to_string(folder.join(NAME)).unwrap();
        assert!(!written.contains(secret.secret()), "{written}");
        let again = Tokens::open(&folder).unwrap();
        assert!(again.may_read(&secret));
        assert_eq!(again.list(), tokens.list());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&folder.join(NAME)), 0o600);
            assert_eq!(mode(&folder), 0o700);
        }
    }

    #[test]
    fn nothing_but_the_whole_token_lets_anybody_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut tokens = Tokens::open(dir.path()).unwrap();
        let (one, other) = (tokens.make("one").unwrap(), tokens.make("other").unwrap());
        let guard = TokenGuard::new(dir.path().to_owned(), tokens);
        assert_eq!(guard.may_read(&asker(&one)), granted(&one));
        let mixed = Secret::of_parts(one.id(), other.secret()).unwrap();
        let mut near = one.to_string();
        near.pop();
        near.push(if one.to_string().ends_with('a') { 'b' } else { 'a' });
        for wrong in [mixed.to_string(), near, one.id().to_owned(), String::new()] {
            assert_eq!(guard.may_read(&asker(&wrong)), Permission::Denied, "{wrong}");
        }
        let nobody = Asker { authorization: None, peer: None };
        assert_eq!(guard.may_read(&nobody), Permission::Denied);
        let basic = Asker { authorization: Some(format!("Basic {one}")), peer: None };
        assert_eq!(guard.may_read(&basic), Permission::Denied);
    }

    #[test]
    fn a_running_gateway_sees_what_is_made_and_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let guard = TokenGuard::new(dir.path().to_owned(), Tokens::open(dir.path()).unwrap());
        let mut tokens = Tokens::open(dir.path()).unwrap();
        let secret = tokens.make("later").unwrap();
        let look = || {
            guard.inside.lock().unwrap().looked = Monotonic::default();
            guard.may_read(&asker(&secret))
        };
        assert_eq!(look(), granted(&secret));
        assert!(tokens.revoke(secret.id()).unwrap());
        assert!(!tokens.revoke(secret.id()).unwrap());
        assert_eq!(look(), Permission::Denied);
    }

    #[test]
    fn a_file_that_is_not_ours_lets_nobody_read_and_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut tokens = Tokens::open(dir.path()).unwrap();
        let secret = tokens.make("one").unwrap();
        let guard = TokenGuard::new(dir.path().to_owned(), tokens);
        fs::write(dir.path().join(NAME), "{").unwrap();
        assert_eq!(guard.may_read(&asker(&secret)), Permission::Denied);
        assert!(Tokens::open(dir.path()).is_err());
        assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap(), "{");
    }
}
