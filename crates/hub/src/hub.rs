//! One running hub, from start to stop.
//!
//! Owns the order of things: choose an address, open the store, give the broker what was kept, sum it, let the broker
//! accept, say where it is; and all of that backwards. What each step means stands in its own module. A team's hub has
//! more to open, and its own door: `team_hub.rs`.

use crate::accounts::Accounts;
use crate::aggregator::{self, Aggregator};
use crate::hooks::Hooks;
use crate::listen::{self, Listen};
use crate::persistence::{self, RetainedStore};
use crate::store::{self, Disk};
use crate::store_health::StoreHealth;
use crate::{HubError, HubEvent, HubWarning, PublicSettings, SaveError, broker, runtime_file};
use mqtt5::broker::MqttBroker;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::server::BrokerShutdownHandle;
use mqtt5::broker::storage::{DynamicStorage, RetainedMessage, StorageBackend};
use porchlight_core::id::Root;
use porchlight_core::team::{Address, Host, Invitation, OutsideAddress};
use porchlight_core::web_origin::WebOrigin;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use team_hub::Hosting;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

mod team_hub;

/// How long connections get to end at a stop. The broker would wait 5 s for one that has not said who it is.
const GOODBYE: Duration = Duration::from_millis(800);

/// The settings of a hub: where it listens, what it stores, and whom it lets in.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// Where it listens. For a team's hub: for programs on this machine, without TLS.
    pub listen: Listen,
    /// Where retained messages and the team are stored.
    pub store: Store,
    /// The file with its address, for [`crate::read_runtime_file`]; none: it writes no such file.
    pub runtime_file: Option<PathBuf>,
    /// Whom it lets in.
    pub access: Access,
}

/// Whom a hub lets in.
#[derive(Debug, Clone)]
pub enum Access {
    /// Everybody who can reach it.
    Open {
        /// Whether it may listen where other machines reach it.
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
    /// Whose computer this is.
    pub host: Option<Host>,
    /// Where the team reaches it, over TLS. Default: every address, port 18831, else a free one and a warning.
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

/// Where retained messages are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// In this folder, so that they outlive the hub. It is created if it is missing; one hub at a time uses it.
    Folder(PathBuf),
    /// In memory: they end with the hub.
    Memory,
}

/// A running hub.
///
/// End it with [`Hub::stop`]. Dropping it ends it too, without waiting for anything.
#[derive(Debug)]
pub struct Hub {
    addr: SocketAddr,
    warnings: Vec<HubWarning>,
    shutdown: Shutdown,
    broker: JoinHandle<Result<(), String>>,
    /// None once the broker's end was told.
    serving: bool,
    sums: Option<Aggregator>,
    retained_store: Option<(RetainedStore, PathBuf)>,
    /// None where everybody is let in.
    hosting: Option<Hosting>,
    news: mpsc::UnboundedReceiver<HubEvent>,
    // Dropped last of all that matters: while it stands, somebody may come.
    entry: Option<runtime_file::Entry>,
}

enum Shutdown {
    Broker(BrokerShutdownHandle),
    Door(broadcast::Sender<()>),
}

impl Shutdown {
    fn tell(&self) {
        match self {
            Self::Broker(broker) => broker.shutdown(),
            // Nobody listens: it has ended already.
            Self::Door(door) => drop(door.send(())),
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
    }
}

impl Hub {
    /// Starts a hub on the current Tokio runtime, and returns once it accepts connections.
    ///
    /// # Errors
    ///
    /// Where it cannot or must not listen, or the broker does not start. What is retained in the store is never an error,
    /// only a warning; a team whose accounts or certificate cannot be read is one.
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
        // Boxed: the broker's future is large, and would make every future that starts a hub as large.
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
        // Before anybody is let in: who comes finds the sums right, and the announcement.
        let sums = sum(mqtt.router(), &memory, listened, None).await?;
        let shutdown = Shutdown::Broker(mqtt.shutdown_handle());
        let mut ready = mqtt.ready_receiver();
        let mut broker = tokio::spawn(async move { mqtt.run().await.map_err(|e| e.to_string()) });
        tokio::select! {
            // Where it ends first, the other branch knows why.
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
            entry,
        })
    }

    /// Where it listens. A team's hub: for programs of this machine.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the team reaches it; none where everybody is let in.
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

    /// Whether the team has an owner, who can remove members, make tokens and move the hub.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        self.hosting.as_ref().is_some_and(|h| h.team.ledger().read(|team| team.has_owner()))
    }

    /// Makes an invitation for the owner of the team, and revokes the earlier one. None for an open hub.
    ///
    /// # Errors
    ///
    /// [`SaveError`] if it cannot be saved; then the earlier one is still valid.
    pub async fn invite_owner(&self) -> Result<Option<Invitation>, SaveError> {
        match &self.hosting {
            Some(hosting) => hosting.team.invite_owner(crate::clock::now().wall).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether this invitation is still valid: neither used up, nor revoked, nor expired.
    #[must_use]
    pub fn can_be_redeemed(&self, invitation: &Invitation) -> bool {
        self.hosting.as_ref().is_some_and(|hosting| {
            let invites = |team: &Accounts| team.invites().get(invitation.token.id()).cloned();
            let invite = hosting.team.ledger().read(invites);
            invite.is_some_and(|invite| invite.holds(crate::clock::now().wall))
        })
    }

    /// Sets and announces whose computer this is, once that is known.
    pub fn set_host(&self, host: Option<Host>) {
        if let Some(hosting) = &self.hosting {
            hosting.team.set_host(host);
        }
    }

    /// Imports the retained messages that the team's previous hub returned when it moved here.
    ///
    /// # Errors
    ///
    /// [`serde_json::Error`] if `records` is not what a hub returns.
    pub async fn import_records(&self, records: &[u8]) -> Result<(), serde_json::Error> {
        match &self.hosting {
            Some(hosting) => hosting.team.import_records(records).await,
            None => Ok(()),
        }
    }

    /// What is wrong: at the start, and from what [`Hub::event`] has returned since.
    #[must_use]
    pub fn warnings(&self) -> &[HubWarning] {
        &self.warnings
    }

    /// Waits for the next event. Cancel-safe; after [`HubEvent::Ended`] it never returns.
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
            HubEvent::Ended { .. } => self.entry = None,
        }
        event
    }

    /// Stops the hub: disconnects the clients, writes their last states to disk, and frees address and folder.
    ///
    /// This publishes the Wills without a delay, because those clients did not disconnect themselves. It does not publish
    /// delayed Wills; the lease of each record makes up for that.
    ///
    /// # Errors
    ///
    /// [`HubError::TeamChangesLost`] if the last changes to the team could not be written, otherwise
    /// [`HubError::NotSaved`] if the last states could not. The hub has stopped in any case.
    pub async fn stop(mut self) -> Result<(), HubError> {
        // First, so that nobody is sent to a hub that is about to end.
        self.entry = None;
        self.shutdown.tell();
        if self.serving && tokio::time::timeout(GOODBYE, &mut self.broker).await.is_err() {
            tracing::debug!("some connections did not end in time and are dropped");
            self.broker.abort();
            let _ = (&mut self.broker).await;
        }
        // Once nobody is connected: that the hub goes is theirs to see, and no reason to take over its work.
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

/// Puts what was kept where the broker looks for it when it begins to run.
async fn recall(memory: &DynamicStorage, kept: Vec<RetainedMessage>) -> Result<(), HubError> {
    for message in kept {
        let topic = message.topic.clone();
        memory.store_retained_message(&topic, message).await.map_err(broker_error)?;
    }
    Ok(())
}

/// Starts the sums with what the broker is about to begin with.
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

/// Says in the runtime file where the hub is, unless another one that lives stands there.
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
