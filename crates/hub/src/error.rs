//! Why a hub did not start, and what is wrong with a running one.
//!
//! Both texts are for the person who runs the hub, and contain what to do next. Programs branch on
//! [`HubWarning::code`] and on the variants, never on the text.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a hub did not start, or did not end cleanly.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Other machines can reach the address, and the hub would not authenticate them.
    #[error(
        "other computers can reach {addr}, and this hub lets in everybody: listen on 127.0.0.1, or allow anonymous access if you trust everybody on that network"
    )]
    NeedsAllowAnonymous {
        /// The requested address.
        addr: SocketAddr,
    },
    /// Exactly this address was requested, and another program uses it.
    #[error(
        "another program, perhaps another hub, already uses {addr}: stop that program, or choose another port (port 0 means any free port)"
    )]
    PortTaken {
        /// The requested address.
        addr: SocketAddr,
    },
    /// The operating system does not allow listening there.
    #[error(
        "this computer can't listen on {addr}: {source}; choose one of its own addresses and a port above 1023"
    )]
    CannotListen {
        /// The requested address.
        addr: SocketAddr,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The listener for local programs has no TLS, and the requested address is reachable from other machines.
    #[error("other computers can reach {addr}, which has no encryption: listen on 127.0.0.1")]
    PlainNotLocal {
        /// The requested address.
        addr: SocketAddr,
    },
    /// Another hub serves the team of this folder.
    #[error(
        "another hub already hosts the team in {}: stop that one, or give this one a folder of its own (--store)",
        folder.display()
    )]
    TeamInUse {
        /// The store's folder.
        folder: PathBuf,
    },
    /// Another computer hosts the team of this folder now.
    #[error(
        "the team in {} has moved to {at}: start a team in another folder, or restore this one from a backup (`porchlight hub restore`)", folder.display()
    )]
    TeamMoved {
        /// The store's folder.
        folder: PathBuf,
        /// The new address.
        at: String,
    },
    /// The team cannot be read.
    #[error(transparent)]
    Team(#[from] crate::AccountsError),
    /// A new team cannot be written.
    #[error(transparent)]
    TeamNotSaved(#[from] crate::SaveError),
    /// The certificate cannot be read or made.
    #[error(transparent)]
    Certificate(#[from] crate::CertificateError),
    /// This computer can't serve as the backup.
    #[error(transparent)]
    Standby(#[from] crate::StandbyError),
    /// The public listener would have no encryption, and others reach it, or it does not know its proxy.
    #[error(
        "the public address {addr} needs a certificate: name it with --certificate and --key. Only for a proxy on this computer it needs none; then listen on 127.0.0.1, and set `trusted_proxies = [\"127.0.0.1\"]` under [hub]"
    )]
    PublicNeedsCertificate {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The certificate of the public listener cannot be used.
    #[error("the certificate for the public address can't be used: {0}")]
    PublicCertificate(#[from] PublicCertificateError),
    /// The broker itself did not start.
    #[error(
        "the hub's broker did not start: {reason}; start the hub again, and report this if it happens again"
    )]
    Broker {
        /// The broker's error.
        reason: String,
    },
    /// The tokens of reading programs cannot be read.
    #[error(transparent)]
    Tokens {
        /// The cause.
        source: crate::TokenError,
    },
    /// The hub has ended, but the last changes to the team are not on disk.
    #[error(
        "the last changes to the team were not saved in {}: {reason}. Free some space and start the hub again; if you removed somebody just now, remove them again", folder.display()
    )]
    TeamChangesLost {
        /// The store's folder.
        folder: PathBuf,
        /// The operating system's error.
        reason: String,
    },
    /// The hub has ended, but its retained messages are not on disk.
    #[error(
        "the last statuses were not saved in {}: {reason}; they show again when each device reconnects",
        folder.display()
    )]
    NotSaved {
        /// The store's folder.
        folder: PathBuf,
        /// The operating system's error.
        reason: String,
    },
}

/// Why the certificate of the public listener cannot be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PublicCertificateError {
    /// A file cannot be read.
    #[error("{} can't be read, because {}; correct the path or its permissions", path.display(), why(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file has no certificate in it.
    #[error(
        "{} contains no certificate; name the PEM file with the certificate and its chain, which is often called fullchain.pem", path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The file has no key in it.
    #[error(
        "{} contains no key that can be read without a password; name the PEM file with the key, which is often called privkey.pem", path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is of another certificate.
    #[error(
        "the key in {} does not belong to the first certificate in {}; name the two files of one certificate", key.display(), certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate or key is of a kind that TLS here does not have.
    #[error(
        "the certificate in {} can't be used for TLS; get one with an ECDSA, Ed25519 or RSA key", certificate.display()
    )]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// What the library said.
        source: rustls::Error,
    },
}

/// A problem of a hub that runs nevertheless.
///
/// Its `Display` is a sentence with advice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubWarning {
    /// The default port was taken, so a free one was used.
    #[error(
        "another program uses {wanted} ({reason}), so this hub listens on {addr}: give that address to people who join, or stop the other program and start the hub again"
    )]
    PortTaken {
        /// The default address.
        wanted: SocketAddr,
        /// The address that is used instead.
        addr: SocketAddr,
        /// The operating system's error.
        reason: String,
    },
    /// The team's usual port was taken, so the hub uses a free one.
    #[error(
        "another program uses port {} ({reason}), so the team reaches this hub at port {}. New links contain this port. Members who joined before can't find the hub: stop the other program and start the hub again",
        wanted.port(),
        addr.port()
    )]
    DoorTaken {
        /// The usual address.
        wanted: SocketAddr,
        /// The address that is used instead.
        addr: SocketAddr,
        /// The operating system's error.
        reason: String,
    },
    /// Another hub runs on this machine, and local programs find that one.
    #[error(
        "another hub already runs on this computer at {other}, and programs here use that one: stop one of the two, or give programs the address {addr} of this one"
    )]
    OtherHub {
        /// Where the other one listens.
        other: SocketAddr,
        /// Where this one listens.
        addr: SocketAddr,
    },
    /// Everybody who can reach the address may read and write everything.
    #[error(
        "anybody who can reach {addr} can see and change everybody's status: use this only on a network that you trust"
    )]
    Anonymous {
        /// Where the hub listens.
        addr: SocketAddr,
    },
    /// A gateway has no token, so its HTTP API refuses all requests.
    #[error("no program has access yet: make a token with `porchlight hub --new-token NAME`")]
    NobodyMayRead,
    /// Tokens travel unencrypted.
    #[error(
        "http://{addr} has no encryption, so others on the network can read tokens: use it only on a network that you trust, or put a web server with a certificate in front of it"
    )]
    PlainHttp {
        /// Where the gateway listens.
        addr: SocketAddr,
    },
    /// The store is not writable, so statuses are kept in memory only.
    #[error(
        "statuses can't be saved in {} ({reason}): the hub goes on, but forgets them when it restarts. Free some space or make the folder writable; the hub tries again by itself",
        folder.display()
    )]
    StoreNotWritable {
        /// The store's folder.
        folder: PathBuf,
        /// The operating system's error.
        reason: String,
    },
    /// Changes to the team cannot be written to the store.
    #[error(
        "changes to the team can't be saved in {} ({reason}): if the hub restarts now, removed people and devices are let in again. Free some space or make the folder writable; the hub tries again by itself",
        folder.display()
    )]
    TeamNotSaved {
        /// The store's folder.
        folder: PathBuf,
        /// The operating system's error.
        reason: String,
    },
    /// Another running hub uses the store, so statuses are kept in memory only.
    #[error(
        "another hub uses {}: this hub goes on, but forgets statuses when it restarts. Stop the other hub, or give this one a folder of its own, then start it again",
        folder.display()
    )]
    StoreInUse {
        /// The store's folder.
        folder: PathBuf,
    },
    /// Something in the store could not be read and was moved aside.
    #[error(
        "{reason}; the original file is now {}. The statuses in it show again when each device reconnects; delete the file if you do not need it",
        aside.display()
    )]
    StoreDamaged {
        /// Where the damaged original is kept.
        aside: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The files of the public certificate have changed and cannot be used.
    #[error(
        "the renewed certificate for the public address can't be used, so the hub keeps the old one: {reason}. The hub reads the files again by itself"
    )]
    CertificateKept {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Every account of this computer can read the key of the public certificate.
    #[error(
        "everybody on this computer can read the key in {path}, and could pose as this hub: run `chmod o-r {path}`",
        path = path.display()
    )]
    KeyReadable {
        /// The key's file.
        path: PathBuf,
    },
    /// Discovery in the local network does not find the team.
    #[error(
        "the team can't be announced on the local network ({reason}): invite people with links instead"
    )]
    NotAnnounced {
        /// What is wrong.
        reason: String,
    },
    /// Programs on this machine cannot find the hub automatically.
    #[error(
        "{} can't be written ({reason}), so programs on this computer can't find the hub by themselves: give them the address {addr}",
        path.display()
    )]
    RuntimeFile {
        /// The runtime file.
        path: PathBuf,
        /// Where the hub listens.
        addr: SocketAddr,
        /// The operating system's error.
        reason: String,
    },
}

impl HubWarning {
    /// A stable short name, for programs to branch on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "port_taken",
            Self::DoorTaken { .. } => "door_taken",
            Self::OtherHub { .. } => "other_hub",
            Self::Anonymous { .. } => "anonymous",
            Self::NobodyMayRead => "nobody_may_read",
            Self::PlainHttp { .. } => "plain_http",
            Self::StoreNotWritable { .. } => "store_not_writable",
            Self::TeamNotSaved { .. } => "team_not_saved",
            Self::StoreInUse { .. } => "store_in_use",
            Self::StoreDamaged { .. } => "store_damaged",
            Self::CertificateKept { .. } => "certificate_kept",
            Self::KeyReadable { .. } => "key_readable",
            Self::NotAnnounced { .. } => "not_announced",
            Self::RuntimeFile { .. } => "runtime_file",
        }
    }
}

fn why(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "this account may not read it",
        io::ErrorKind::IsADirectory => "it is a folder",
        _ => "the system reports an error",
    }
}
