//! Starts and stops a hub.
//!
//! Owns the order of the steps: choose an address, open the store, load the retained messages, aggregate
//! them, accept connections, and announce the address. Stopping reverses the order. Each step has its own
//! module. `team_hub.rs` starts the additional parts of a team's hub, which has its own listener.

use crate::accounts::Accounts;
use crate::aggregator::{self, Aggregator};
use crate::hooks::Hooks;
use crate::listen::{self, Listen};
use crate::persistence::{self, RetainedStore};
use crate::store::{self, Disk};
use crate::store_health::StoreHealth;
use crate::{
    BackupError, HubError, HubEvent, HubWarning, PublicSettings, SaveError, broker, runtime_file,
};
use mqtt5::broker::MqttBroker;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::server::BrokerShutdownHandle;
use mqtt5::broker::storage::{DynamicStorage, RetainedMessage, StorageBackend};
use porchlight_core::id::Root;
use porchlight_core::team::{Address, Host, Invitation, OutsideAddress};
use porchlight_core::web_origin::WebOrigin;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use team_hub::Hosting;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{AbortHandle, JoinHandle};

mod standby;
mod team_hub;

pub use standby::StandbySettings;

/// How long connections get to end when the hub stops. The broker would wait 5 s for one that has not logged
/// in.
const GOODBYE: Duration = Duration::from_millis(800);

/// The settings of a hub: address, store and access.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// The listening address. For a team's hub: the one for programs on this computer, without TLS.
    pub listen: Listen,
    /// The store of retained messages and the team.
    pub store: Store,
    /// The file that contains its address, for [`crate::read_runtime_file`]. None if it writes no such file.
    pub runtime_file: Option<PathBuf>,
    /// Who has access.
    pub access: Access,
}

/// Who has access to a hub.
#[derive(Debug, Clone)]
pub enum Access {
    /// Everybody who can connect.
    Open {
        /// Whether it may listen on an address that other computers can reach.
        allow_anonymous: bool,
    },
    /// The members of a team, over TLS.
    Team(Box<TeamSettings>),
}

/// The settings of a team's hub.
#[derive(Debug, Clone)]
pub struct TeamSettings {
    /// The name of a new team. A team in the store keeps its name.
    pub name: String,
    /// The root of every topic of a new team.
    pub root: Root,
    /// The person and the computer that run the hub.
    pub host: Option<Host>,
    /// The listening address for the team, over TLS. By default it is every address at port 18831. If that
    /// port is taken, the hub uses a free one and warns.
    pub listen: Listen,
    /// The names by which other networks reach it, beside the addresses of its interfaces.
    pub at: Vec<OutsideAddress>,
    /// A second listener, with the certificate of an authority.
    pub public: Option<PublicSettings>,
    /// Whether it is announced on the local network (mDNS).
    pub announce: bool,
    /// The origins whose web pages have access, over HTTP and WebSocket.
    pub origins: Vec<WebOrigin>,
}

/// The store of retained messages and of the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// In this folder, so that they outlive the hub. The hub creates it if it is missing. Only one hub at a
    /// time uses it.
    Folder(PathBuf),
    /// In memory, until the hub ends.
    Memory,
}

/// A running hub.
///
/// End it with [`Hub::stop`]. Dropping it also ends it, without waiting for anything.
#[derive(Debug)]
pub struct Hub {
    addr: SocketAddr,
    warnings: Vec<HubWarning>,
    shutdown: Shutdown,
    broker: JoinHandle<Result<(), String>>,
    /// False once the end of the broker was reported.
    serving: bool,
    sums: Option<Aggregator>,
    retained_store: Option<(RetainedStore, PathBuf)>,
    /// None for an open hub.
    hosting: Option<Hosting>,
    news: mpsc::UnboundedReceiver<HubEvent>,
    when_serving: WhenServing,
    // Dropped last, because clients may connect while the entry exists.
    entry: Option<runtime_file::Entry>,
}

/// How to announce the hub once it serves: in a runtime file, and on the local network.
#[derive(Debug, Default)]
struct WhenServing {
    runtime_file: Option<PathBuf>,
    announce: bool,
}

enum Shutdown {
    Broker(BrokerShutdownHandle),
    /// With the task that accepts connections, which hears nothing before it has begun.
    Door(broadcast::Sender<()>, AbortHandle),
}

impl Shutdown {
    fn tell(&self) {
        match self {
            Self::Broker(broker) => broker.shutdown(),
            // An error only means that the listener has already ended.
            Self::Door(door, _) => drop(door.send(())),
        }
    }
}

impl std::fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shutdown")
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        self.tell();
        if let Self::Door(_, accepting) = self {
            accepting.abort();
        }
    }
}

impl Hub {
    /// Starts a hub on the current Tokio runtime, and returns once it accepts connections.
    ///
    /// # Errors
    ///
    /// [`HubError::NeedsAllowAnonymous`], [`HubError::PlainNotLocal`], [`HubError::PortTaken`] and
    /// [`HubError::CannotListen`] if the hub must not or cannot listen; [`HubError::Broker`] if the broker
    /// does not start.
    ///
    /// For a team also [`HubError::TeamInUse`], [`HubError::TeamMoved`], [`HubError::Team`],
    /// [`HubError::TeamNotSaved`] and [`HubError::Certificate`]. Unreadable retained messages only cause a
    /// warning.
    pub async fn start(settings: HubSettings) -> Result<Self, HubError> {
        match settings.access.clone() {
            Access::Open { allow_anonymous } => Self::open(settings, allow_anonymous).await,
            // Boxed: it is large, and would make every future that starts a hub as large.
            Access::Team(team) => Box::pin(Self::host(settings, *team)).await,
        }
    }

    async fn open(settings: HubSettings, allow_anonymous: bool) -> Result<Self, HubError> {
        let (wanted, taken) = listen::choose(settings.listen, allow_anonymous).await?;
        let mut warnings = Vec::new();
        let (disk, kept) = open_store(settings.store, &mut warnings).await?;

        let (recorder, recorded) = persistence::recorder();
        let (listener, listened) = aggregator::listener();
        let recorder = disk.is_some().then_some(recorder);
        let gate = Arc::new(crate::access::OpenGate::default());
        let open = Some(Arc::clone(&gate));
        let hooks = Hooks { recorder, listener, access: None, open };
        // Boxed, because the broker's future is large, and would enlarge every future that starts a hub.
        let mqtt = Box::pin(MqttBroker::with_config(broker::config(wanted, Arc::new(hooks))));
        let mut mqtt = mqtt.await.map_err(broker_error)?.with_auth_provider(gate);
        let no_address = || broker_error("it does not say where it listens");
        let addr = mqtt.local_addr().ok_or_else(no_address)?;
        let memory = mqtt.storage().ok_or_else(|| broker_error("it has no storage"))?;
        recall(&memory, kept).await?;

        let (tell, news) = mpsc::unbounded_channel();
        let retained_store = disk.map(|disk| {
            let folder = disk.folder.path().to_owned();
            let health = Arc::new(StoreHealth::new(tell));
            (
                RetainedStore::start(
                    disk,
                    Arc::clone(&memory),
                    recorded,
                    health,
                    persistence::RETRY,
                ),
                folder,
            )
        });
        // Do this before accepting clients, so that they find correct aggregates and the announcement.
        let sums = sum(mqtt.router(), &memory, listened, None).await?;
        let shutdown = Shutdown::Broker(mqtt.shutdown_handle());
        let mut ready = mqtt.ready_receiver();
        let mut broker = tokio::spawn(async move { mqtt.run().await.map_err(|e| e.to_string()) });
        tokio::select! {
            // If the broker ends first, the other branch has the reason.
            Ok(_) = ready.wait_for(|ready| *ready) => {}
            end = &mut broker => return Err(broker_error(reason(end))),
        }

        if let Some(taken) = taken {
            warnings.push(taken.warning(addr));
        }
        if !listen::is_loopback(addr) {
            warnings.push(HubWarning::Anonymous { addr });
        }
        let entry =
            settings.runtime_file.and_then(|path| announce(&path, addr, &[], &mut warnings));
        for warning in &warnings {
            tracing::warn!(code = warning.code(), "{warning}");
        }
        tracing::info!(%addr, "the hub accepts connections");
        Ok(Self {
            addr,
            warnings,
            shutdown,
            broker,
            serving: true,
            sums: Some(sums),
            retained_store,
            hosting: None,
            news,
            when_serving: WhenServing::default(),
            entry,
        })
    }

    /// Returns the listening address. For a team's hub: the one for programs on this computer.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the listening address for the team. None for an open hub.
    #[must_use]
    pub fn team_addr(&self) -> Option<SocketAddr> {
        self.hosting.as_ref().map(|hosting| hosting.addr)
    }

    /// Where its public listener is, if it has one.
    #[must_use]
    pub fn public_addr(&self) -> Option<SocketAddr> {
        self.hosting.as_ref().and_then(|hosting| hosting.public)
    }

    /// Reads the files of the public certificate again at once. They are also read every few seconds.
    pub fn read_certificate_again(&self) {
        if let Some(hosting) = &self.hosting {
            hosting.read_again.notify_one();
        }
    }

    /// By which addresses other computers reach the team, the likeliest first; none where everybody is let in.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.hosting.as_ref().map(|hosting| hosting.team.place().at).unwrap_or_default()
    }

    /// Returns the address at which this computer reaches its own hub on any network. None for an open hub.
    #[must_use]
    pub fn own_address(&self) -> Option<Address> {
        let addr = self.team_addr()?;
        let ip = match addr.ip() {
            ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        Address::new(&ip.to_string(), addr.port()).ok()
    }

    /// Returns whether the team has an owner, who can remove members, create tokens and move the hub.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        self.hosting.as_ref().is_some_and(|h| h.team.ledger().read(|team| team.has_owner()))
    }

    /// Creates an invitation for the owner of the team, and revokes the previous one. None for an open hub.
    ///
    /// # Errors
    ///
    /// [`SaveError`] if it cannot be saved. The previous one is then still valid.
    pub async fn invite_owner(&self) -> Result<Option<Invitation>, SaveError> {
        match &self.hosting {
            Some(hosting) => hosting.team.invite_owner(crate::clock::now().wall).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns whether this invitation is still valid: neither used up, nor revoked, nor expired.
    #[must_use]
    pub fn can_be_redeemed(&self, invitation: &Invitation) -> bool {
        self.hosting.as_ref().is_some_and(|hosting| {
            let invites = |team: &Accounts| team.invites().get(invitation.token.id()).cloned();
            let invite = hosting.team.ledger().read(invites);
            invite.is_some_and(|invite| invite.holds(crate::clock::now().wall))
        })
    }

    /// Sets and announces the person and the computer that run the hub.
    pub fn set_host(&self, host: Option<Host>) {
        if let Some(hosting) = &self.hosting {
            hosting.team.set_host(host);
        }
    }

    /// Starts serving a team that has moved here, with the final state of its previous hub.
    ///
    /// # Errors
    ///
    /// [`BackupError::Damaged`] if `state` is not valid, [`BackupError::Io`] if it can't be saved. The hub
    /// then still serves nobody.
    pub async fn activate(&mut self, state: &[u8]) -> Result<(), BackupError> {
        if let Some(hosting) = &mut self.hosting {
            hosting.team.activate(state).await?;
            if let Some(path) = self.when_serving.runtime_file.take() {
                let others = hosting.listeners_for_others();
                self.entry = announce(&path, self.addr, &others, &mut self.warnings);
            }
            if std::mem::take(&mut self.when_serving.announce) {
                hosting.announce(&mut self.warnings);
            }
        }
        Ok(())
    }

    /// Returns whether the hub serves its team. It does not before the team arrives, or after it has moved
    /// away.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.hosting.as_ref().is_none_or(|hosting| hosting.team.custody().is_serving())
    }

    /// Returns the number of members of the team.
    #[must_use]
    pub fn members(&self) -> usize {
        let count = |hosting: &Hosting| hosting.team.ledger().read(|team| team.members().len());
        self.hosting.as_ref().map_or(0, count)
    }

    /// Returns the current warnings: those of the start, updated by each [`Hub::event`] since.
    #[must_use]
    pub fn warnings(&self) -> &[HubWarning] {
        &self.warnings
    }

    /// Waits for the next event. It is cancel-safe, and never returns after [`HubEvent::Ended`].
    pub async fn event(&mut self) -> HubEvent {
        let event = tokio::select! {
            biased;
            Some(event) = self.news.recv() => event,
            end = &mut self.broker, if self.serving => {
                self.serving = false;
                HubEvent::Ended { reason: reason(end) }
            }
            else => std::future::pending().await,
        };
        match &event {
            HubEvent::StoreFailing(warning) => self.warnings.push(warning.clone()),
            HubEvent::CertificateFailing(warning) => {
                self.warnings.retain(|w| !matches!(w, HubWarning::CertificateKept { .. }));
                self.warnings.push(warning.clone());
            }
            HubEvent::CertificateRead => {
                self.warnings.retain(|w| !matches!(w, HubWarning::CertificateKept { .. }));
            }
            HubEvent::StoreRecovered => {
                self.warnings.retain(|w| {
                    !matches!(
                        w,
                        HubWarning::StoreNotWritable { .. } | HubWarning::TeamNotSaved { .. }
                    )
                });
            }
            HubEvent::Asked { .. } => {}
            HubEvent::Moved => {
                self.entry = None;
                if let Some(hosting) = &mut self.hosting {
                    hosting.nearby = None;
                }
            }
            HubEvent::Ended { .. } => self.entry = None,
        }
        event
    }

    /// Stops the hub: disconnects the clients, writes their last states to disk, and frees address and folder.
    ///
    /// This publishes the Wills without a delay, because those clients did not disconnect themselves. It does
    /// not publish delayed Wills. Instead, the lease of each record ends.
    ///
    /// # Errors
    ///
    /// [`HubError::TeamChangesLost`] if the last changes to the team could not be written, otherwise
    /// [`HubError::NotSaved`] if the last states could not. The hub has stopped in any case.
    pub async fn stop(mut self) -> Result<(), HubError> {
        // Do this first, so that no client finds a hub that is about to end.
        self.entry = None;
        self.shutdown.tell();
        if self.serving && tokio::time::timeout(GOODBYE, &mut self.broker).await.is_err() {
            tracing::debug!("some connections did not end in time and are dropped");
            self.broker.abort();
            let _ = (&mut self.broker).await;
        }
        // Do this once nobody is connected. Otherwise clients would see that the announcement is gone, and
        // write aggregates themselves.
        if let Some(sums) = self.sums.take() {
            sums.close().await;
        }
        let team = match self.hosting.take() {
            Some(hosting) => hosting.end().await,
            None => Ok(()),
        };
        if let Some((mut retained_store, folder)) = self.retained_store.take()
            && let Err(e) = retained_store.close().await
        {
            let states = HubError::NotSaved { folder, reason: e.to_string() };
            if team.is_ok() {
                return Err(states);
            }
            tracing::warn!("{states}");
        }
        team.map_err(|e| HubError::TeamChangesLost { folder: e.path, reason: e.reason })?;
        tracing::info!(addr = %self.addr, "the hub has ended");
        Ok(())
    }
}

async fn open_store(
    store: Store,
    warnings: &mut Vec<HubWarning>,
) -> Result<(Option<Disk>, Vec<RetainedMessage>), HubError> {
    let Store::Folder(folder) = store else {
        return Ok((None, Vec::new()));
    };
    let opened =
        tokio::task::spawn_blocking(move || store::open(folder)).await.map_err(broker_error)?;
    warnings.extend(opened.warnings);
    Ok((opened.disk, opened.messages))
}

/// Loads the stored messages into the broker's memory before it starts.
async fn recall(memory: &DynamicStorage, kept: Vec<RetainedMessage>) -> Result<(), HubError> {
    for message in kept {
        let topic = message.topic.clone();
        memory.store_retained_message(&topic, message).await.map_err(broker_error)?;
    }
    Ok(())
}

/// Starts the aggregates with the retained messages in the broker's memory.
async fn sum(
    router: Arc<MessageRouter>,
    memory: &DynamicStorage,
    listened: aggregator::Listened,
    hosting: Option<aggregator::Hosting>,
) -> Result<Aggregator, HubError> {
    let retained = memory.get_retained_messages("presence/#").await.map_err(broker_error)?;
    let retained = retained.into_iter().map(|(_, message)| message).collect();
    Ok(Aggregator::start(router, retained, listened, hosting).await)
}

/// Writes the hub's address into the runtime file, unless the file contains another running hub.
fn announce(
    path: &Path,
    addr: SocketAddr,
    team: &[SocketAddr],
    warnings: &mut Vec<HubWarning>,
) -> Option<runtime_file::Entry> {
    if let Some(other) = runtime_file::read_runtime_file(path) {
        warnings.push(HubWarning::OtherHub { other, addr });
        return None;
    }
    match runtime_file::Entry::write(path, addr, team) {
        Ok(entry) => Some(entry),
        Err(e) => {
            warnings.push(HubWarning::RuntimeFile {
                path: path.to_owned(),
                addr,
                reason: e.to_string(),
            });
            None
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function of map_err")]
fn broker_error(reason: impl ToString) -> HubError {
    HubError::Broker { reason: reason.to_string() }
}

fn reason(end: Result<Result<(), String>, tokio::task::JoinError>) -> String {
    match end {
        Ok(Ok(())) => "it ended by itself".to_owned(),
        Ok(Err(e)) => e,
        Err(e) => e.to_string(),
    }
}
