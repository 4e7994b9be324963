//! A connection to a message bus, with what the session's sources need.
//!
//! It delivers only the signals that a source asked for, and checks who sent them. It starts no
//! service: a listener must not launch a service that this session does not run.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::names::{BusName, OwnedUniqueName, UniqueName, WellKnownName};
use zbus::proxy::{self, CacheProperties, MethodFlags};
use zbus::zvariant::{DynamicType, OwnedValue, Type as Signed};
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::description::Missing;
use crate::socket;
use crate::source::{OpenError, SourceError};

/// How long to wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How many messages may wait while a call is under way.
const QUEUE_LENGTH: usize = 256;

const BUS: &str = "org.freedesktop.DBus";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// One of the two message buses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    System,
    Session,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "the system bus",
            Self::Session => "the session bus",
        })
    }
}

/// Why a bus, or a service on it, is unavailable.
#[derive(Debug)]
pub(super) struct Unavailable {
    /// The reason, as half a sentence.
    pub(super) why: String,
    /// Whether a hint shows when it becomes available. Otherwise it has to be retried after pauses.
    pub(super) has_hint: bool,
}

impl Unavailable {
    /// Retries on a hint if there is one, else after a pause.
    pub(super) fn open_error(&self, missing: Missing) -> OpenError {
        if self.has_hint { OpenError::UntilHint(missing) } else { OpenError::ForNow(missing) }
    }
}

/// Whether [`listens`] notices when a bus becomes available. A bus without an address never does,
/// so there is nothing to retry.
pub(super) fn has_hint(address: Option<&str>) -> bool {
    address.is_none_or(|address| socket::bus_socket(address).is_some())
}

/// Ends when a bus listens at this address. Never ends if that can't be noticed.
pub(super) async fn listens(address: Option<&str>) {
    match address.and_then(socket::bus_socket) {
        Some(socket) => socket::listens(socket).await,
        None => std::future::pending().await,
    }
}

/// A connection that one source uses alone.
#[derive(Debug)]
pub(super) struct Bus {
    which: Which,
    connection: Connection,
    messages: MessageStream,
    _ticking: Ticking,
}

/// Runs the connection's work on this runtime instead of a thread for each connection.
#[derive(Debug)]
struct Ticking(JoinHandle<()>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A name on the bus has a new owner, or none any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnerChanged {
    pub(super) name: String,
    pub(super) owner: Option<OwnedUniqueName>,
}

/// An object on the bus, and one of its interfaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) service: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
}

impl Bus {
    /// Connects to the bus at `address`.
    pub(super) async fn connect(which: Which, address: Option<&str>) -> zbus::Result<Self> {
        let address = address.ok_or_else(|| zbus::Error::Address("none is named".to_owned()))?;
        let building = zbus::connection::Builder::address(address)?
            .max_queued(QUEUE_LENGTH)
            .method_timeout(TIMEOUT)
            .internal_executor(false)
            .build();
        let connection = tokio::time::timeout(TIMEOUT, building)
            .await
            .map_err(|_| zbus::Error::Failure(format!("{which} does not answer")))??;
        let executor = connection.executor().clone();
        let ticking = Ticking(tokio::spawn(async move {
            loop {
                executor.tick().await;
            }
        }));
        let messages = MessageStream::from(&connection);
        Ok(Self { which, connection, messages, _ticking: ticking })
    }

    /// Asks the bus for the signals that `rule` describes.
    pub(super) async fn listen(&self, rule: MatchRule<'_>) -> zbus::Result<()> {
        self.listen_as(&rule.to_string()).await
    }

    /// Asks the bus for the signals that `rule` describes, in D-Bus syntax.
    pub(super) async fn listen_as(&self, rule: &str) -> zbus::Result<()> {
        let bus = Object { service: BUS, path: "/org/freedesktop/DBus", interface: BUS };
        self.call(bus, "AddMatch", &(rule,)).await
    }

    /// Asks the bus to report when the owner of `name` changes.
    pub(super) async fn listen_to_owner(&self, name: &str) -> zbus::Result<()> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(BUS)?
            .interface(BUS)?
            .member("NameOwnerChanged")?
            .add_arg(name)?;
        self.listen(rule.build()).await
    }

    /// The present owner of `name`.
    pub(super) async fn owner(&self, name: &str) -> zbus::Result<Option<OwnedUniqueName>> {
        let dbus = zbus::fdo::DBusProxy::builder(&self.connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        match dbus.get_name_owner(BusName::from(WellKnownName::try_from(name)?)).await {
            Ok(owner) => Ok(Some(owner)),
            Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the next signal that was asked for. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Message, SourceError> {
        loop {
            match poll_fn(|cx| Pin::new(&mut self.messages).poll_next(cx)).await {
                Some(Ok(message)) if message.message_type() == Type::Signal => return Ok(message),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.lost(&error)),
                None => return Err(SourceError(format!("{} hung up", self.which))),
            }
        }
    }

    /// Calls a method of a service that is running.
    pub(super) async fn call<B, R>(
        &self,
        object: Object<'_>,
        method: &str,
        body: &B,
    ) -> zbus::Result<R>
    where
        B: Serialize + DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let proxy: zbus::Proxy<'_> = proxy::Builder::new(&self.connection)
            .destination(object.service)?
            .path(object.path)?
            .interface(object.interface)?
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let answer = proxy.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await?;
        answer.ok_or_else(|| zbus::Error::Failure(format!("{method} was not answered")))
    }

    /// Reads a property of a service that is running.
    pub(super) async fn property<T>(&self, object: Object<'_>, name: &str) -> zbus::Result<T>
    where
        T: TryFrom<OwnedValue>,
        T::Error: Into<zbus::Error>,
    {
        let properties = Object { interface: PROPERTIES, ..object };
        let value: OwnedValue = self.call(properties, "Get", &(object.interface, name)).await?;
        T::try_from(value).map_err(Into::into)
    }

    pub(super) fn lost(&self, error: &zbus::Error) -> SourceError {
        SourceError(format!("{}: {error}", self.which))
    }
}

/// Matches property changes of an interface of an object.
pub(super) fn properties_changed<'a>(object: Object<'a>) -> zbus::Result<MatchRule<'a>> {
    Ok(MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(object.service)?
        .path(object.path)?
        .interface(PROPERTIES)?
        .member("PropertiesChanged")?
        .add_arg(object.interface)?
        .build())
}

/// Matches one signal of an object.
pub(super) fn signal<'a>(object: Object<'a>, member: &'a str) -> zbus::Result<MatchRule<'a>> {
    Ok(MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(object.service)?
        .path(object.path)?
        .interface(object.interface)?
        .member(member)?
        .build())
}

/// The member name of a message.
pub(super) fn member(message: &Message) -> String {
    message.header().member().map(ToString::to_string).unwrap_or_default()
}

/// Whether `owner` sent the message. Any client on a bus may send any signal, so only the sender
/// counts.
pub(super) fn is_from(message: &Message, owner: Option<&OwnedUniqueName>) -> bool {
    let header = message.header();
    let sender: Option<&UniqueName<'_>> = header.sender();
    matches!((sender, owner), (Some(sender), Some(owner)) if sender == owner.inner())
}

/// The arguments of a signal; `None` if they have other types.
pub(super) fn read<T: DeserializeOwned + Signed>(message: &Message) -> Option<T> {
    message.body().deserialize().ok()
}

/// The ownership change that the message reports, if the bus itself sent it.
pub(super) fn owner_changed(message: &Message) -> Option<OwnerChanged> {
    let header = message.header();
    // Only the bus itself can have this name.
    if header.sender().map(UniqueName::as_str) != Some(BUS) || member(message) != "NameOwnerChanged"
    {
        return None;
    }
    let (name, _, owner) = read::<(String, String, String)>(message)?;
    Some(OwnerChanged { name, owner: OwnedUniqueName::try_from(owner).ok() })
}
