//! The tokens with which programs may read at a gateway.
//!
//! A gateway stores them as a hub does: in a file of accounts (`accounts/file.rs`), here without members. Owns when the
//! file is read and written: the command line changes it while the gateway runs.

use crate::accounts::{
    Accounts, AccountsError, AccountsFile, CredentialUsage, FILE, MAX_TOKENS, load,
};
use crate::authorization::Authorization;
use crate::clock;
use crate::rest::guard::{Guard, Permission, Requester};
use crate::turns::Reader;
use porchlight_core::id::Root;
use porchlight_core::team::{Secret, TokenView};
use porchlight_core::time::Monotonic;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A change of the file takes effect within this time.
const LOOK: Duration = Duration::from_secs(1);

/// Why tokens cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the tokens in {} can't be read: {reason}; correct the file, or move it away to start without tokens", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The file cannot be written.
    #[error("{} can't be written: {reason}; free some space or make the folder writable", path.display())]
    NotSaved {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        reason: String,
    },
    /// The maximum number of tokens exists already.
    #[error("there are {MAX_TOKENS} tokens already; revoke one that nobody uses")]
    TooMany,
    /// The folder contains a whole team.
    #[error("{} belongs to a team's hub; give the gateway a folder of its own with --store", path.display())]
    OfATeam {
        /// The file.
        path: PathBuf,
    },
}

/// The tokens in a gateway's folder.
#[derive(Debug)]
pub struct Tokens {
    folder: PathBuf,
    accounts: Accounts,
}

impl Tokens {
    /// The tokens in this folder; none if there is no file yet.
    ///
    /// # Errors
    ///
    /// [`TokenError::Unreadable`] if there is a file that cannot be read. It stays as it is.
    pub fn open(folder: &Path) -> Result<Self, TokenError> {
        let file = load(folder).map_err(|error| {
            let (path, reason) = match error {
                AccountsError::Unreadable { path, source } => (path, source.to_string()),
                AccountsError::Damaged { path, reason } => (path, reason),
                AccountsError::Newer { path } | AccountsError::Missing { path } => {
                    (path, "another version of Porchlight wrote it".to_owned())
                }
            };
            TokenError::Unreadable { path, reason }
        })?;
        let accounts = file.map_or_else(
            || Accounts::new("Gateway", Root::default()),
            |AccountsFile { accounts, .. }| accounts,
        );
        Ok(Self { folder: folder.to_owned(), accounts })
    }

    /// All tokens.
    #[must_use]
    pub fn list(&self) -> Vec<TokenView> {
        self.accounts.tokens().iter().map(|(id, token)| token.view(id, None)).collect()
    }

    /// Makes a token. Only this call returns its secret.
    ///
    /// # Errors
    ///
    /// [`TokenError::TooMany`], [`TokenError::OfATeam`] and [`TokenError::NotSaved`]; then there is no new token.
    pub fn make(&mut self, label: &str) -> Result<Secret, TokenError> {
        self.change(|accounts| {
            let (secret, _) =
                accounts.make_token(clock::now().wall, None, label).ok_or(TokenError::TooMany)?;
            Ok(secret)
        })
    }

    /// Revokes a token; false if there is none with this id.
    ///
    /// # Errors
    ///
    /// [`TokenError::OfATeam`] and [`TokenError::NotSaved`]; then the token is still valid.
    pub fn revoke(&mut self, id: &str) -> Result<bool, TokenError> {
        self.change(|accounts| Ok(accounts.revoke_token(id).is_ok()))
    }

    /// Makes a change that takes effect once it is on disk.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Accounts) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let path = || self.folder.join(FILE);
        // A running hub keeps its team in memory, and would overwrite the change.
        if !self.accounts.members().is_empty() {
            return Err(TokenError::OfATeam { path: path() });
        }
        let mut accounts = self.accounts.clone();
        let result = change(&mut accounts)?;
        porchlight_files::create_folder(&self.folder)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                let file = AccountsFile::new(accounts.clone(), CredentialUsage::default());
                file.save(&self.folder).map_err(|error| error.reason)
            })
            .map_err(|reason| TokenError::NotSaved { path: path(), reason })?;
        self.accounts = accounts;
        Ok(result)
    }
}

/// Lets the holders of the tokens in a folder read, while the command line makes and revokes them.
#[derive(Debug)]
pub(crate) struct TokenGuard {
    folder: PathBuf,
    inside: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// None while the file cannot be read: then nobody may read.
    tokens: Option<Tokens>,
    file: Stamp,
    looked: Monotonic,
}

/// Time of the last change and length of a file: they differ after a change.
type Stamp = Option<(SystemTime, u64)>;

impl TokenGuard {
    pub(crate) fn new(folder: PathBuf, tokens: Tokens) -> Self {
        // No stamp yet, so the first request reads the file and sees changes since `tokens` were read.
        let known = Known { tokens: Some(tokens), file: None, looked: Monotonic::default() };
        Self { folder, inside: Mutex::new(known) }
    }
}

impl Guard for TokenGuard {
    fn may_read(&self, requester: &Requester) -> Permission {
        let Some(Authorization::Bearer(token)) = &requester.authorization else {
            return Permission::Denied;
        };
        let mut known = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now().mono;
        if now.since(known.looked) >= LOOK {
            known.look(&self.folder);
            known.looked = now;
        }
        if known.tokens.as_ref().is_some_and(|tokens| tokens.accounts.may_read(token)) {
            Permission::Granted(Reader::Program(token.id().to_owned()))
        } else {
            Permission::Denied
        }
    }
}

impl Known {
    fn look(&mut self, folder: &Path) {
        let file = fs::metadata(folder.join(FILE)).ok();
        let file = file.and_then(|file| Some((file.modified().ok()?, file.len())));
        if file == self.file && file.is_some() {
            return;
        }
        self.file = file;
        self.tokens = match Tokens::open(folder) {
            Ok(tokens) => Some(tokens),
            Err(e) => {
                tracing::warn!("nobody may read: {e}");
                // Try again even if the file is unchanged: the cause may be elsewhere.
                self.file = None;
                None
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderMap, header};
    use data_encoding::BASE64;
    use porchlight_core::time::Timestamp;
    use std::fmt;

    fn shown(authorization: &str) -> Requester {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        Requester::new(&headers, None)
    }

    fn bearer(token: impl fmt::Display) -> Requester {
        shown(&format!("Bearer {token}"))
    }

    fn granted(token: &Secret) -> Permission {
        Permission::Granted(Reader::Program(token.id().to_owned()))
    }

    #[test]
    fn a_token_is_returned_once_and_kept_as_a_hash_for_this_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("gateway");
        let mut tokens = Tokens::open(&folder).unwrap();
        let secret = tokens.make("dash\nboard").unwrap();
        let written = fs::read_to_string(folder.join(FILE)).unwrap();
        assert!(!written.contains(secret.secret()), "{written}");
        let again = Tokens::open(&folder).unwrap();
        assert!(again.accounts.may_read(&secret));
        assert_eq!(again.list(), tokens.list());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&folder.join(FILE)), 0o600);
            assert_eq!(mode(&folder), 0o700);
        }
    }

    #[test]
    fn nothing_but_the_whole_token_lets_anybody_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut tokens = Tokens::open(dir.path()).unwrap();
        let (one, other) = (tokens.make("one").unwrap(), tokens.make("other").unwrap());
        let guard = TokenGuard::new(dir.path().to_owned(), tokens);
        assert_eq!(guard.may_read(&bearer(&one)), granted(&one));
        let mixed = Secret::of_parts(one.id(), other.secret()).unwrap();
        let mut near = one.to_string();
        near.pop();
        near.push(if one.to_string().ends_with('a') { 'b' } else { 'a' });
        for wrong in [mixed.to_string(), near, one.id().to_owned(), String::new()] {
            assert_eq!(guard.may_read(&bearer(&wrong)), Permission::Denied, "{wrong}");
        }
        let nobody = Requester { authorization: None, peer: None };
        assert_eq!(guard.may_read(&nobody), Permission::Denied);
        let pair = BASE64.encode(format!("{}:{}", one.id(), one.secret()).as_bytes());
        assert_eq!(guard.may_read(&shown(&format!("Basic {pair}"))), Permission::Denied);
    }

    #[test]
    fn a_running_gateway_sees_what_is_made_and_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let guard = TokenGuard::new(dir.path().to_owned(), Tokens::open(dir.path()).unwrap());
        let mut tokens = Tokens::open(dir.path()).unwrap();
        let secret = tokens.make("later").unwrap();
        let look = || {
            guard.inside.lock().unwrap().looked = Monotonic::default();
            guard.may_read(&bearer(&secret))
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
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(guard.may_read(&bearer(&secret)), Permission::Denied);
        assert!(Tokens::open(dir.path()).is_err());
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), "{");
    }

    /// The format of the gateway's first version.
    const EARLIER: &str = r#"{"v":1,"team":"zp7bhuFFts","name":"Gateway","root":"presence","key":"ylPev4A0WMkiFZWc4kJzgFK2-KOvO2fjDaK9GlqSkOI","members":{},"credentials":{},"invites":{},"tokens":{"QorSFUEDOC":{"hash":"bOSqznRBvBJERjJ0YjxRkDGR_FNfhQio1RJov4MCg8o","label":"status board","since":1796082660906}}}"#;

    #[test]
    fn a_file_of_an_earlier_version_is_read_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), EARLIER).unwrap();
        let secret = "QorSFUEDOC.Ctxha78AfwTBy3H3lJ8pzmqXPG0".parse().unwrap();
        let mut tokens = Tokens::open(dir.path()).unwrap();
        let status_board = TokenView {
            id: "QorSFUEDOC".to_owned(),
            label: "status board".to_owned(),
            since: Timestamp::from_ms(1_796_082_660_906).unwrap(),
            by: None,
            last_used: None,
        };
        assert_eq!(tokens.list(), [status_board]);
        let second = tokens.make("second").unwrap();
        let guard = TokenGuard::new(dir.path().to_owned(), Tokens::open(dir.path()).unwrap());
        assert_eq!(guard.may_read(&bearer(&secret)), granted(&secret));
        assert_eq!(guard.may_read(&bearer(&second)), granted(&second));
        // The earlier version can read the new file: every field that it requires is there.
        let written: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.path().join(FILE)).unwrap()).unwrap();
        let earlier: serde_json::Value = serde_json::from_str(EARLIER).unwrap();
        for (name, value) in earlier.as_object().unwrap() {
            let tokens = name == "tokens";
            assert!(tokens || written[name] == *value, "{name}");
        }
        assert_eq!(written["tokens"]["QorSFUEDOC"], earlier["tokens"]["QorSFUEDOC"]);
    }

    #[test]
    fn the_file_of_a_team_is_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        let mut team = Accounts::new("Team", Root::default());
        let now = Timestamp::from_ms(1).unwrap();
        team.admit(now, "Anna", None, porchlight_core::team::Role::Owner).unwrap();
        AccountsFile::new(team, CredentialUsage::default()).save(dir.path()).unwrap();
        let mut tokens = Tokens::open(dir.path()).unwrap();
        assert!(matches!(tokens.make("one"), Err(TokenError::OfATeam { .. })));
        assert!(matches!(tokens.revoke("QorSFUEDOC"), Err(TokenError::OfATeam { .. })));
    }
}
