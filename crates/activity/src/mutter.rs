//! GNOME: the idle monitor of its shell, `org.gnome.Mutter.IdleMonitor` on the session bus.
//!
//! Two watches: one that fires whenever there was no input for as long as was asked for, and one that fires
//! once at the next input and is set anew each time. So nothing runs here while nothing changes: the bus
//! wakes the task. Deliberately knows nothing of locks or sleep.

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
use crate::source::{Lost, Reports, Source};

/// Who owns the idle monitor.
const NAME: &str = "org.gnome.Mutter.IdleMonitor";
/// How long a silent bus or shell is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// So far the shell's clock may be behind its own watch.
const SLACK: Duration = Duration::from_millis(50);

/// Why there is no monitor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MutterError {
    #[error("the session bus can't be reached ({0})")]
    NoBus(String),
    /// This is no GNOME, or its shell is not there yet.
    #[error("nobody owns the name {NAME} on the session bus")]
    NotOwned,
    #[error("GNOME's idle monitor can't be used ({0})")]
    Refused(zbus::Error),
    #[error("GNOME's idle monitor did not answer within {PATIENCE:?}")]
    Silent,
}

#[proxy(
    interface = "org.gnome.Mutter.IdleMonitor",
    default_service = "org.gnome.Mutter.IdleMonitor",
    default_path = "/org/gnome/Mutter/IdleMonitor/Core",
    gen_blocking = false
)]
trait IdleMonitor {
    /// Milliseconds.
    fn get_idletime(&self) -> zbus::Result<u64>;
    fn add_idle_watch(&self, interval_ms: u64) -> zbus::Result<u32>;
    fn add_user_active_watch(&self) -> zbus::Result<u32>;
    fn remove_watch(&self, id: u32) -> zbus::Result<()>;
    #[zbus(signal)]
    fn watch_fired(&self, id: u32) -> zbus::Result<()>;
}

/// Sets the watch, where there is a shell that has one.
pub(crate) async fn open(address: &str, away_after: Duration) -> Result<Monitor, MutterError> {
    // Told apart: where the bus is silent, this need not be GNOME.
    let bus = match timeout(PATIENCE, shell(address)).await {
        Ok(Ok(Some(bus))) => bus,
        Ok(Ok(None)) => return Err(MutterError::NotOwned),
        Ok(Err(error)) => return Err(MutterError::NoBus(error.to_string())),
        Err(_) => return Err(MutterError::NoBus(format!("it did not answer within {PATIENCE:?}"))),
    };
    match timeout(PATIENCE, bus.watch(away_after)).await {
        Ok(set) => set.map_err(MutterError::Refused),
        Err(_) => Err(MutterError::Silent),
    }
}

/// The bus on which there is a shell with a monitor.
async fn shell(address: &str) -> zbus::Result<Option<Bus>> {
    let bus = Bus::connect(address).await?;
    // Asked first: without an owner, a call would wait for one to be started.
    let broker = DBusProxy::new(&bus.connection).await?;
    let name = BusName::try_from(NAME).expect("it is a well-formed name");
    Ok(broker.name_has_owner(name).await?.then_some(bus))
}

/// Ends when somebody takes the monitor's name, and not before.
pub(crate) async fn appears(address: &str) {
    let waited = async {
        let bus = Bus::connect(address).await?;
        let broker = DBusProxy::new(&bus.connection).await?;
        let mut owners = broker.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
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

/// A connection to a message bus, whose work is done on our own runtime instead of a thread of its own.
#[derive(Debug)]
struct Bus {
    connection: Connection,
    /// Aborted when dropped.
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
        // Subscribed before anything is set, so that nothing is missed.
        let owners = proxy.inner().receive_owner_changed().await?;
        let fired = proxy.receive_watch_fired().await?;
        let interval_ms = u64::try_from(away_after.as_millis()).unwrap_or(u64::MAX);
        let away = proxy.add_idle_watch(interval_ms).await?;
        let set = Set { proxy, away_after, away, back: None };
        Ok(Monitor { set, owners, fired, bus: self })
    }
}

/// The source: the shell's monitor, with its watch set.
pub(crate) struct Monitor {
    set: Set,
    owners: OwnerChangedStream<'static>,
    fired: WatchFiredStream,
    bus: Bus,
}

/// The watches as the shell knows them.
struct Set {
    proxy: IdleMonitorProxy<'static>,
    away_after: Duration,
    away: u32,
    /// Set only while the person is away.
    back: Option<u32>,
}

impl Set {
    async fn idle(&self) -> zbus::Result<Duration> {
        self.proxy.get_idletime().await.map(Duration::from_millis)
    }

    /// What is so now; waits for the return of whoever is away.
    async fn look(&mut self) -> zbus::Result<Observation> {
        // Set before the time is read: a return in between fires, or is read.
        let back = self.proxy.add_user_active_watch().await?;
        let idle = self.idle().await?;
        if idle + SLACK >= self.away_after {
            self.back = Some(back);
            return Ok(Observation::InputIdle { since: Moment::Ago(idle) });
        }
        // It would fire at the next input, which is no news. An error means that it has fired already.
        let _ = self.proxy.remove_watch(back).await;
        Ok(Observation::InputActive)
    }

    /// What a watch that fired has to tell.
    async fn fired(&mut self, id: u32) -> zbus::Result<Option<Observation>> {
        if self.back == Some(id) {
            self.back = None;
            return Ok(Some(Observation::InputActive));
        }
        // Whoever is known to be away is so for one absence only.
        if id == self.away && self.back.is_none() {
            return match self.look().await? {
                // Back before it could be said.
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

    async fn run(self, to: &Reports) -> Lost {
        let Self { mut set, mut owners, mut fired, bus: _bus } = self;
        let gone = |error: zbus::Error| Lost(format!("GNOME's idle monitor is gone ({error})"));
        match set.look().await {
            Ok(observation) => to.send(observation).await,
            Err(error) => return gone(error),
        }
        loop {
            let id = tokio::select! {
                biased;
                owner = owners.next() => return Lost(match owner {
                    Some(_) => "GNOME Shell ended or was started anew".to_owned(),
                    None => "the session bus is gone".to_owned(),
                }),
                signal = fired.next() => match signal.as_ref().map(WatchFired::args) {
                    Some(Ok(args)) => args.id,
                    Some(Err(error)) => return gone(error),
                    None => return Lost("the session bus is gone".to_owned()),
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
