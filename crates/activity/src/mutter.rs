//! GNOME: the shell's idle monitor, `org.gnome.Mutter.IdleMonitor` on the session bus.
//!
//! It uses two watches. One fires whenever there was no input for `away_after`. The other fires
//! once at the next input, and is added again for each absence. So nothing runs here while nothing
//! changes: the bus wakes the task. This source does not watch locks or sleep.

use std::time::Duration;

use futures_lite::StreamExt as _;
use porchlight_core::observation::{Moment, Observation};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::proxy::OwnerChangedStream;
use zbus::{Connection, proxy};

use crate::description::{Description, Tells};
use crate::source::{Reports, Source, SourceError};

/// The bus name of the idle monitor.
const MONITOR_NAME: &str = "org.gnome.Mutter.IdleMonitor";
/// How long to wait for an answer of the bus or the shell.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How far the shell's idle time may lag behind its own watch.
const SLACK: Duration = Duration::from_millis(50);

/// Why the idle monitor can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MutterError {
    #[error("the session bus can't be reached ({0})")]
    NoBus(String),
    /// This is not GNOME, or its shell has not started yet.
    #[error("nobody owns the name {MONITOR_NAME} on the session bus")]
    NotOwned,
    #[error("GNOME's idle monitor can't be used ({0})")]
    Refused(zbus::Error),
    #[error("GNOME's idle monitor did not answer within {TIMEOUT:?}")]
    Silent,
}

#[proxy(
    interface = "org.gnome.Mutter.IdleMonitor",
    default_service = "org.gnome.Mutter.IdleMonitor",
    default_path = "/org/gnome/Mutter/IdleMonitor/Core",
    gen_blocking = false
)]
trait IdleMonitor {
    /// The time since the last input, in milliseconds.
    fn get_idletime(&self) -> zbus::Result<u64>;
    fn add_idle_watch(&self, interval_ms: u64) -> zbus::Result<u32>;
    fn add_user_active_watch(&self) -> zbus::Result<u32>;
    fn remove_watch(&self, id: u32) -> zbus::Result<()>;
    #[zbus(signal)]
    fn watch_fired(&self, id: u32) -> zbus::Result<()>;
}

/// Adds the idle watch, if a shell offers the monitor.
pub(crate) async fn open(address: &str, away_after: Duration) -> Result<Monitor, MutterError> {
    // Two timeouts: if the bus itself does not answer, this need not be GNOME.
    let bus = match timeout(TIMEOUT, shell(address)).await {
        Ok(Ok(Some(bus))) => bus,
        Ok(Ok(None)) => return Err(MutterError::NotOwned),
        Ok(Err(error)) => return Err(MutterError::NoBus(error.to_string())),
        Err(_) => return Err(MutterError::NoBus(format!("it did not answer within {TIMEOUT:?}"))),
    };
    match timeout(TIMEOUT, bus.watch(away_after)).await {
        Ok(set) => set.map_err(MutterError::Refused),
        Err(_) => Err(MutterError::Silent),
    }
}

/// Connects to the bus. Returns `None` if no shell on it has an idle monitor.
async fn shell(address: &str) -> zbus::Result<Option<Bus>> {
    let bus = Bus::connect(address).await?;
    // Checked first: a call to a name without an owner would wait for a service to start.
    let broker = DBusProxy::new(&bus.connection).await?;
    let name = BusName::try_from(MONITOR_NAME).expect("it is a well-formed name");
    Ok(broker.name_has_owner(name).await?.then_some(bus))
}

/// Ends when the monitor's name gets an owner, and not before.
pub(crate) async fn appears(address: &str) {
    let waited = async {
        let bus = Bus::connect(address).await?;
        let broker = DBusProxy::new(&bus.connection).await?;
        let mut owners = broker.receive_name_owner_changed_with_args(&[(0, MONITOR_NAME)]).await?;
        while let Some(change) = owners.next().await {
            if change.args()?.new_owner().is_some() {
                return Ok(());
            }
        }
        Err(zbus::Error::InputOutput(std::sync::Arc::new(std::io::ErrorKind::NotConnected.into())))
    };
    let waited: zbus::Result<()> = waited.await;
    if waited.is_err() {
        // Without a bus there is no hint.
        std::future::pending::<()>().await;
    }
}

/// A connection to a message bus that runs on our runtime instead of its own thread.
#[derive(Debug)]
struct Bus {
    connection: Connection,
    /// Dropping the set aborts the task.
    _work: JoinSet<()>,
}

impl Bus {
    async fn connect(address: &str) -> zbus::Result<Self> {
        let connection = Builder::address(address)?.internal_executor(false).build().await?;
        let executor = connection.executor().clone();
        let mut work = JoinSet::new();
        work.spawn(async move {
            loop {
                executor.tick().await;
            }
        });
        Ok(Self { connection, _work: work })
    }

    async fn watch(self, away_after: Duration) -> zbus::Result<Monitor> {
        let proxy = IdleMonitorProxy::builder(&self.connection)
            .cache_properties(proxy::CacheProperties::No)
            .build()
            .await?;
        // Subscribes before it adds a watch, so that no signal is missed.
        let owners = proxy.inner().receive_owner_changed().await?;
        let fired = proxy.receive_watch_fired().await?;
        let interval_ms = u64::try_from(away_after.as_millis()).unwrap_or(u64::MAX);
        let away = proxy.add_idle_watch(interval_ms).await?;
        let set = WatchSet { proxy, away_after, away, back: None };
        Ok(Monitor { set, owners, fired, bus: self })
    }
}

/// The source: the shell's monitor, with its watch added.
pub(crate) struct Monitor {
    set: WatchSet,
    owners: OwnerChangedStream<'static>,
    fired: WatchFiredStream,
    bus: Bus,
}

/// The watches, as the shell numbers them.
struct WatchSet {
    proxy: IdleMonitorProxy<'static>,
    away_after: Duration,
    away: u32,
    /// Present only while the person is away.
    back: Option<u32>,
}

impl WatchSet {
    async fn idle(&self) -> zbus::Result<Duration> {
        self.proxy.get_idletime().await.map(Duration::from_millis)
    }

    /// Reads the present state. If the person is away, it leaves a watch for their return.
    async fn query(&mut self) -> zbus::Result<Observation> {
        // Added before the time is read: a return in between fires the watch or changes the time.
        let back = self.proxy.add_user_active_watch().await?;
        let idle = self.idle().await?;
        if idle + SLACK >= self.away_after {
            self.back = Some(back);
            return Ok(Observation::InputIdle { since: Moment::Ago(idle) });
        }
        // The watch would report the next input, which is no change. An error means that it has
        // already fired.
        let _ = self.proxy.remove_watch(back).await;
        Ok(Observation::InputActive)
    }

    /// The observation for a watch that fired, if there is one.
    async fn fired(&mut self, id: u32) -> zbus::Result<Option<Observation>> {
        if self.back == Some(id) {
            self.back = None;
            return Ok(Some(Observation::InputActive));
        }
        // An absence is reported once.
        if id == self.away && self.back.is_none() {
            return match self.query().await? {
                // The person returned before the absence was reported.
                Observation::InputActive => Ok(None),
                observation => Ok(Some(observation)),
            };
        }
        Ok(None)
    }
}

impl Source for Monitor {
    fn description(&self) -> Description {
        Description { name: "mutter", tells: Tells::IDLE, missing: None }
    }

    async fn run(self, to: &Reports) -> SourceError {
        let Self { mut set, mut owners, mut fired, bus: _bus } = self;
        let gone =
            |error: zbus::Error| SourceError(format!("GNOME's idle monitor is gone ({error})"));
        match set.query().await {
            Ok(observation) => to.send(observation).await,
            Err(error) => return gone(error),
        }
        loop {
            let id = tokio::select! {
                biased;
                owner = owners.next() => return SourceError(match owner {
                    Some(_) => "GNOME Shell ended or was started anew".to_owned(),
                    None => "the session bus is gone".to_owned(),
                }),
                signal = fired.next() => match signal.as_ref().map(WatchFired::args) {
                    Some(Ok(args)) => args.id,
                    Some(Err(error)) => return gone(error),
                    None => return SourceError("the session bus is gone".to_owned()),
                },
            };
            match set.fired(id).await {
                Ok(Some(observation)) => to.send(observation).await,
                Ok(None) => {}
                Err(error) => return gone(error),
            }
        }
    }
}
