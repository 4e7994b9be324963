//! Why a hub did not start, and what is wrong with one that did.
//!
//! Both speak to the person who runs the hub: each says what to do next. Programs branch on [`HubWarning::code`] and
//! on the variants, never on the text.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a hub did not start, or did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The address can be reached from other machines, and nothing would ask who is there.
    #[error(
        "{addr} can be reached from other computers, and this hub lets in everybody who reaches it: listen on \
         127.0.0.1, or allow anonymous access if you trust everybody on that network"
    )]
    NeedsAllowAnonymous {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// Exactly this address was asked for, and somebody else has it.
    #[error(
        "{addr} is already in use by another program, perhaps another hub: stop that program, or choose another port \
         (port 0 takes any free one)"
    )]
    PortTaken {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The operating system does not let us listen there.
    #[error(
        "cannot listen on {addr}: {source}; choose an address of this computer and a port above 1023"
    )]
    CannotListen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The door for programs of this machine was to stand where others reach it, and it has no TLS.
    #[error(
        "{addr} can be reached from other computers, and there is no encryption there: listen on 127.0.0.1"
    )]
    PlainNotLocal {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// Another hub serves the team of this folder.
    #[error(
        "another hub already serves the team of {}: stop that one, or give this one a folder of its own (--store)",
        folder.display()
    )]
    TeamInUse {
        /// The store's folder.
        folder: PathBuf,
    },
    /// The team of this folder is served by another computer now.
    #[error(
        "the team of {} has moved to {at}: start a team in another folder, or bring this one back from a backup \
         (porchlight hub restore)", folder.display()
    )]
    TeamMoved {
        /// The store's folder.
        folder: PathBuf,
        /// Where to.
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
    /// The broker itself did not start.
    #[error("the broker did not start: {reason}; start the hub again, and report this if it stays")]
    Broker {
        /// What the broker said.
        reason: String,
    },
    /// The tokens of programs that may read cannot be read.
    #[error(transparent)]
    Tokens {
        /// Why.
        source: crate::TokenError,
    },
    /// The hub has ended, but the last changes to the team are not on disk.
    #[error(
        "the last changes to the team could not be saved in {}: {reason}; make room, start the hub again, and remove once \
         more whom you removed", folder.display()
    )]
    TeamChangesLost {
        /// The store's folder.
        folder: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// The hub has ended, but what it remembered is not on disk.
    #[error(
        "the last states could not be saved in {}: {reason}; they will show again once each device has connected anew",
        folder.display()
    )]
    NotSaved {
        /// The store's folder.
        folder: PathBuf,
        /// What the operating system said.
        reason: String,
    },
}

/// What is wrong with a hub that runs nevertheless.
///
/// Its `Display` is a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubWarning {
    /// The default port was taken, so a free one was used.
    #[error(
        "{wanted} is in use by another program ({reason}), so this hub listens on {addr}: give that address to whoever \
         joins, or stop the other program and start the hub again"
    )]
    PortTaken {
        /// The default address.
        wanted: SocketAddr,
        /// What was taken instead.
        addr: SocketAddr,
        /// What the operating system said.
        reason: String,
    },
    /// The team's usual port was taken, so a free one was used.
    #[error(
        "port {} is in use by another program ({reason}), so the team reaches this hub at port {}: links made from now on \
         say so, and whoever joined before finds it again when that program is stopped and the hub is started again",
        wanted.port(),
        addr.port()
    )]
    DoorTaken {
        /// The usual address.
        wanted: SocketAddr,
        /// What was taken instead.
        addr: SocketAddr,
        /// What the operating system said.
        reason: String,
    },
    /// Another hub runs on this machine, and programs here find that one.
    #[error(
        "another hub already runs on this computer at {other}, and programs here will keep finding that one: stop one \
         of the two, or give the address {addr} of this one yourself"
    )]
    OtherHub {
        /// Where the other one listens.
        other: SocketAddr,
        /// Where this one listens.
        addr: SocketAddr,
    },
    /// Everybody who reaches the address may read and write everything.
    #[error(
        "anybody who can reach {addr} can see and change everybody's presence: use this only on a network you trust"
    )]
    Anonymous {
        /// Where the hub listens.
        addr: SocketAddr,
    },
    /// A gateway has no token, so its HTTP answers nobody.
    #[error("no program may read yet: make a token with --new-token and a name for it")]
    NobodyMayRead,
    /// Tokens travel in the clear.
    #[error(
        "whoever can listen in on the way to http://{addr} can read tokens: use this only on a network that you trust, or \
         let a web server with a certificate pass requests on to it"
    )]
    PlainHttp {
        /// Where it listens.
        addr: SocketAddr,
    },
    /// Nothing can be written to the store, so states live in memory only.
    #[error(
        "states cannot be saved in {} ({reason}): presence goes on, but what was not saved will be forgotten when the \
         hub restarts. Make room, or make the folder writable; the hub tries again by itself",
        folder.display()
    )]
    StoreNotWritable {
        /// The store's folder.
        folder: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// Changes to the team cannot be written to the store.
    #[error(
        "changes to the team cannot be saved in {} ({reason}): if the hub restarts now, people and devices that were \
         removed are let in again. Make room, or make the folder writable; the hub tries again by itself",
        folder.display()
    )]
    TeamNotSaved {
        /// The store's folder.
        folder: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// Another running hub uses the store, so states live in memory only.
    #[error(
        "{} is in use by another running hub: presence goes on here, but states will be forgotten when this hub \
         restarts. Stop the other hub, or give this one a folder of its own, and start it again",
        folder.display()
    )]
    StoreInUse {
        /// The store's folder.
        folder: PathBuf,
    },
    /// Something in the store could not be read and was set aside.
    #[error(
        "{reason}; the original is kept as {}. Those states show again once each device has connected anew; delete the \
         file when you no longer want it",
        aside.display()
    )]
    StoreDamaged {
        /// Where the damaged original is kept.
        aside: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The team is not found by looking around in the local network.
    #[error(
        "the team cannot be announced on the local network ({reason}): invitations work all the same"
    )]
    NotAnnounced {
        /// What is wrong.
        reason: String,
    },
    /// Programs on this machine will not find the hub by themselves.
    #[error(
        "{} cannot be written ({reason}), so programs on this computer will not find the hub by themselves: give them \
         the address {addr}",
        path.display()
    )]
    RuntimeFile {
        /// The runtime file.
        path: PathBuf,
        /// Where the hub listens.
        addr: SocketAddr,
        /// What the operating system said.
        reason: String,
    },
}

impl HubWarning {
    /// A short name that does not change, for programs to branch on.
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
            Self::NotAnnounced { .. } => "not_announced",
            Self::RuntimeFile { .. } => "runtime_file",
        }
    }
}
