//! Starts a team's hub and its background tasks.

use super::{
    Hub, HubSettings, Shutdown, Store, TeamSettings, WhenServing, announce, open_store, sum,
};
use crate::access::Access;
use crate::accounts::{Accounts, AccountsFile, CredentialUsage, Ledger, load};
use crate::aggregator;
use crate::broker::{self, Broker};
use crate::certificate::{self, Certificate};
use crate::connections::ConnectionTable;
use crate::custody::Custody;
use crate::door::{self, Audience, Door, Endpoint};
use crate::hooks::Hooks;
use crate::http::Readers;
use crate::pages::Pages;
use crate::persistence::{self, RetainedStore};
use crate::proxies::TrustedProxies;
use crate::public::PublicCertificate;
use crate::rest::broker_source::BrokerSource;
use crate::rest::change_log::ChangeLog;
use crate::server::Site;
use crate::store::Disk;
use crate::store_health::StoreHealth;
use crate::team::{Place, Team, addresses};
use crate::{
    AccountsError, CertificateError, HubError, HubWarning, SaveError, clock, discovery, http,
    listen, rest,
};
use axum::Router;
use mqtt5::broker::storage::{RetainedMessage, StorageBackend as _};
use porchlight_core::team::{Address, OutsideAddress};
use porchlight_core::web_origin::WebOrigin;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How often to check the addresses of this computer, because laptops change networks.
const LOOK: Duration = Duration::from_secs(20);
/// How often to remove expired entries.
const SWEEP: Duration = Duration::from_secs(60);

/// A running team's hub, in addition to the broker.
#[derive(Debug)]
pub(super) struct Hosting {
    pub(super) team: Arc<Team>,
    pub(super) addr: SocketAddr,
    /// The address of its public listener.
    pub(super) public: Option<SocketAddr>,
    /// Makes the hub read the certificate of the public listener again.
    pub(super) read_again: Arc<Notify>,
    /// Background tasks that end when this is dropped.
    tasks: JoinSet<()>,
    pub(super) nearby: Option<discovery::Announced>,
}

/// What a team's hub begins with.
pub(super) struct Beginning {
    pub(super) folder: Option<PathBuf>,
    pub(super) disk: Option<Disk>,
    /// The retained messages.
    pub(super) kept: Vec<RetainedMessage>,
    pub(super) sheet: AccountsFile,
    pub(super) certificate: Certificate,
    pub(super) custody: Arc<Custody>,
    /// The host in whose place it serves, and its addresses. None: this is the host.
    pub(super) place: Option<Place>,
    pub(super) public_certificate: Option<Arc<PublicCertificate>>,
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Team")
    }
}

impl Hosting {
    /// The listeners that other computers can reach. A public one on loopback is for a proxy here.
    pub(super) fn listeners_for_others(&self) -> Vec<SocketAddr> {
        let public = self.public.filter(|addr| !listen::is_loopback(*addr));
        [self.addr].into_iter().chain(public).collect()
    }

    /// Announces the team on the local network.
    pub(super) fn announce(&mut self, warnings: &mut Vec<HubWarning>) {
        let id = self.team.ledger().read(|team| team.team.clone());
        match discovery::announce(&self.team.name(), &id, &self.team.pin(), self.addr) {
            Ok(announced) => self.nearby = Some(announced),
            Err(e) => warnings.push(HubWarning::NotAnnounced { reason: e.to_string() }),
        }
    }

    /// Writes everything that is not yet on disk.
    pub(super) async fn end(mut self) -> Result<(), SaveError> {
        self.tasks.shutdown().await;
        drop(self.nearby.take());
        self.team.ledger().close().await
    }
}

impl Hub {
    pub(super) async fn host(
        settings: HubSettings,
        wanted: TeamSettings,
    ) -> Result<Self, HubError> {
        broker::raise_descriptors();
        let folder = match &settings.store {
            Store::Folder(folder) => Some(folder.clone()),
            Store::Memory => None,
        };
        let mut warnings = Vec::new();
        // First: a wrong setting must not start a team.
        let public_certificate = match &wanted.public {
            Some(public) => public.open(&mut warnings).await?,
            None => None,
        };
        let (disk, kept) = open_store(settings.store.clone(), &mut warnings).await?;
        if let Some(folder) = &folder {
            // With two hubs on one folder, neither would know the members that the other admits.
            if warnings.iter().any(|w| matches!(w, HubWarning::StoreInUse { .. })) {
                return Err(HubError::TeamInUse { folder: folder.clone() });
            }
        }
        let custody = Arc::new(Custody::open(folder.clone()));
        if let Some(moved) = custody.expired() {
            let at = moved.at.first().map(Address::to_string).unwrap_or_default();
            let folder = folder.unwrap_or_default();
            return Err(HubError::TeamMoved { folder, at });
        }
        let (sheet, certificate) = open_team(folder.clone(), &wanted).await?;
        let beginning = Beginning {
            folder,
            disk,
            kept,
            sheet,
            certificate,
            custody,
            place: None,
            public_certificate,
        };
        Self::serve_team(beginning, settings, wanted, warnings).await
    }

    /// Serves the team, as its host or in the place of it.
    pub(super) async fn serve_team(
        beginning: Beginning,
        settings: HubSettings,
        wanted: TeamSettings,
        mut warnings: Vec<HubWarning>,
    ) -> Result<Self, HubError> {
        let Beginning {
            folder,
            disk,
            kept,
            sheet,
            certificate,
            custody,
            place,
            public_certificate,
        } = beginning;
        let (tls, pin) = certificate.open().map_err(|reason| CertificateError::Damaged {
            folder: folder.clone().unwrap_or_default(),
            reason,
        })?;
        let bound = door::bind(
            wanted.listen,
            settings.listen,
            wanted.public.as_ref().map(|public| public.listen),
        )
        .await?;
        warnings.extend(bound.warnings);

        let (tell, news) = mpsc::unbounded_channel();
        let certificate_news = tell.clone();
        let health = Arc::new(StoreHealth::new(tell.clone()));
        let ledger = Ledger::new(sheet, folder.clone()).with_report(health.of_team());
        let ledger = Arc::new(ledger);
        let connections = ConnectionTable::new(broker::max_clients());
        let (access, cleanups) =
            Access::new(Arc::clone(&ledger), connections, Arc::clone(&custody));
        let (recorder, recorded) = persistence::recorder();
        let (listener, listened) = aggregator::listener();
        let recorder = disk.is_some().then_some(recorder);
        let hooks = Hooks { recorder, listener, access: Some(Arc::clone(&access)), open: None };
        let broker = Arc::new(Broker::new(Arc::new(hooks)));
        let arrived = if place.is_some() { kept.clone() } else { Vec::new() };
        for message in kept {
            // A message that is not allowed is never published, and soon cleared on disk. The last run may
            // have ended in the middle of a removal.
            if access.may_stay(&message.topic) {
                let topic = message.topic.clone();
                let stored = broker.storage.store_retained_message(&topic, message).await;
                stored.map_err(super::broker_error)?;
            }
        }
        broker.router.initialize().await.map_err(super::broker_error)?;

        let retained_store = disk.map(|disk| {
            let path = disk.folder.path().to_owned();
            let memory = Arc::clone(&broker.storage);
            (RetainedStore::start(disk, memory, recorded, health, persistence::RETRY), path)
        });
        let is_host = place.is_none();
        let own_place = || Place { host: wanted.host, at: addresses(bound.addr, &wanted.at) };
        let place = place.unwrap_or_else(own_place);
        let (team, announcement) =
            Team::new(access, Arc::clone(&broker), certificate, pin, place, tell);
        if !is_host {
            // Only the host decides who is in the team.
            team.ledger().freeze().await;
            team.note_arrivals(arrived.iter());
        }
        let root = team.access().root().clone();
        let board = Arc::new(ChangeLog::new(clock::now().wall));
        let memory = Arc::clone(&broker.storage);
        let source = BrokerSource::new(root.clone(), memory, Arc::clone(&board));
        let reading = rest::router(Arc::new(source), Arc::new(Readers(Arc::clone(&team))));
        let announcing = aggregator::Hosting { root, announcement, board };
        let sums =
            sum(Arc::clone(&broker.router), &broker.storage, listened, Some(announcing)).await?;

        let (shutdown, _) = broadcast::channel(1);
        let public_tls = public_certificate.as_ref().map(PublicCertificate::server_config);
        let public_tls = public_tls.transpose().map_err(super::broker_error)?;
        let proxies = wanted.public.map(|public| public.trusted_proxies).unwrap_or_default();
        let router = http::router(Arc::clone(&team), reading);
        let endpoint = endpoints(&router, wanted.origins, tls, (public_tls, proxies.into()));
        let listeners = bound.listeners.into_iter();
        let listeners =
            listeners.map(|(listener, audience)| (listener, endpoint(audience))).collect();
        let door = Door {
            team: Arc::clone(&team),
            broker: Arc::clone(&broker),
            shutdown: shutdown.clone(),
        };
        let mut tasks = JoinSet::new();
        let read_again = Arc::new(Notify::new());
        if let Some(certificate) = public_certificate {
            tasks.spawn(certificate.follow(Arc::clone(&read_again), certificate_news));
        }
        run_beside(&mut tasks, &team, &broker, cleanups, (bound.addr, wanted.at));
        let serving = tokio::spawn(async move {
            door.serve(listeners).await;
            Ok(())
        });
        let (addr, public) = (bound.addr, bound.public);
        let mut hosting = Hosting { team, addr, public, read_again, tasks, nearby: None };
        let mut when_serving =
            WhenServing { runtime_file: settings.runtime_file, announce: wanted.announce };
        let mut entry = None;
        if custody.is_serving() {
            let WhenServing { runtime_file, announce: announces } =
                std::mem::take(&mut when_serving);
            if announces {
                hosting.announce(&mut warnings);
            }
            let others = hosting.listeners_for_others();
            entry =
                runtime_file.and_then(|path| announce(&path, bound.plain, &others, &mut warnings));
        }
        for warning in &warnings {
            tracing::warn!(code = warning.code(), "{warning}");
        }
        tracing::info!(addr = %bound.plain, team = %bound.addr, "the hub accepts connections");
        Ok(Self {
            addr: bound.plain,
            warnings,
            shutdown: Shutdown::Door(shutdown, serving.abort_handle()),
            broker: serving,
            serving: true,
            sums: Some(sums),
            retained_store,
            hosting: Some(hosting),
            news,
            when_serving,
            entry,
        })
    }
}

/// What each listener serves. The public one has TLS, or proxies in front of it that have.
fn endpoints(
    router: &Router,
    origins: Vec<WebOrigin>,
    team_tls: Arc<ServerConfig>,
    (public_tls, proxies): (Option<Arc<ServerConfig>>, TrustedProxies),
) -> impl Fn(Audience) -> Arc<Endpoint> {
    let origins: Arc<[WebOrigin]> = origins.into();
    let over_tls = Pages::over_tls(Arc::clone(&origins), http::METHODS);
    let endpoint = |tls: Option<_>, pages, proxies, proxies_only| {
        let (router, busy) = (router.clone(), http::busy_response as fn() -> _);
        let site = Site { router, pages, proxies, keep_alive: false, busy };
        Arc::new(Endpoint { tls: tls.map(TlsAcceptor::from), site, proxies_only })
    };
    let nobody = TrustedProxies::default;
    let plain = Pages::plain(true, origins, http::METHODS);
    let this_computer = endpoint(None, plain, nobody(), false);
    let team = endpoint(Some(team_tls), over_tls.clone(), nobody(), false);
    let proxies_only = public_tls.is_none();
    let public = endpoint(public_tls, over_tls, proxies, proxies_only);
    move |audience| {
        Arc::clone(match audience {
            Audience::Team => &team,
            Audience::ThisComputer => &this_computer,
            Audience::Public => &public,
        })
    }
}

fn run_beside(
    tasks: &mut JoinSet<()>,
    team: &Arc<Team>,
    broker: &Arc<Broker>,
    cleanups: mpsc::UnboundedReceiver<crate::access::Cleanup>,
    (bound, outside): (SocketAddr, Vec<OutsideAddress>),
) {
    let (t, ledger) = (Arc::clone(team), Arc::clone(team.ledger()));
    tasks.spawn(async move { t.run_cleanups(cleanups).await });
    tasks.spawn(async move { ledger.keep(persistence::RETRY).await });
    let t = Arc::clone(team);
    tasks.spawn(async move { t.announce_revisions().await });
    let t = Arc::clone(team);
    tasks.spawn(async move { t.lose_absent_arrivals().await });
    let t = Arc::clone(team);
    tasks.spawn(async move { t.run_hand_over().await });
    let (t, broker) = (Arc::clone(team), Arc::clone(broker));
    tasks.spawn(async move {
        let mut tick = tokio::time::interval(SWEEP);
        loop {
            tick.tick().await;
            broker.sweep().await;
            t.expire().await;
        }
    });
    let t = Arc::clone(team);
    tasks.spawn(async move {
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tick.tick().await;
            if t.custody().is_serving() {
                t.set_addresses(addresses(bound, &outside));
            }
        }
    });
}

/// Opens the team of the folder, or creates a new one, which is then already on disk.
async fn open_team(
    folder: Option<PathBuf>,
    wanted: &TeamSettings,
) -> Result<(AccountsFile, Certificate), HubError> {
    let (name, root) = (wanted.name.clone(), wanted.root.clone());
    let found = move || AccountsFile::new(Accounts::new(&name, root), CredentialUsage::default());
    let opened = tokio::task::spawn_blocking(move || match folder {
        Some(folder) => open_folder(&folder, found),
        None => {
            let sheet = found();
            let certificate =
                Certificate::make(&sheet.accounts.team).map_err(super::broker_error)?;
            Ok((sheet, certificate))
        }
    });
    opened.await.map_err(super::broker_error)?
}

fn open_folder(
    folder: &Path,
    found: impl FnOnce() -> AccountsFile,
) -> Result<(AccountsFile, Certificate), HubError> {
    let known = load(folder)?;
    let is_new = known.is_none();
    let sheet = known.unwrap_or_else(found);
    if is_new && folder.join(certificate::FILE).exists() {
        // The certificate exists, but the accounts are missing. Members who trust the certificate expect
        // their accounts.
        return Err(AccountsError::Missing { path: folder.join(crate::accounts::FILE) }.into());
    }
    // Do this before the accounts, because a team without a certificate counts as damaged.
    let certificate = if is_new {
        Certificate::load_or_make(folder, &sheet.accounts.team)?
    } else {
        Certificate::load(folder)?
    };
    if is_new {
        sheet.save(folder)?;
    }
    Ok((sheet, certificate))
}
