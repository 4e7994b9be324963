//! The D-Bus object that tray icons register with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zbus::interface;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;

/// Where a registered item is: the bus name of its owner, and its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) owner: String,
    /// The name it registered with, which a panel shows in `RegisteredStatusNotifierItems`.
    pub(super) name: String,
    pub(super) path: String,
}

impl Address {
    pub(super) fn registered(&self) -> String {
        format!("{}{}", self.name, self.path)
    }
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) items: Vec<Address>,
    pub(super) hosts: usize,
    /// The signals of the items, as `interface.member`, with their sender.
    pub(super) signals: Vec<(String, String)>,
}

/// The D-Bus object.
pub(super) struct Watcher {
    pub(super) registry: Arc<Mutex<Registry>>,
}

impl Watcher {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// Takes a bus name, or an object's path on the sender's connection: apps do either.
    async fn register_status_notifier_item(
        &self,
        service: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) {
        let Some(owner) = header.sender().map(ToString::to_string) else {
            return;
        };
        let address = if service.starts_with('/') {
            Address { name: owner.clone(), owner, path: service }
        } else {
            Address { owner, name: service, path: "/StatusNotifierItem".to_owned() }
        };
        let registered = address.registered();
        {
            let mut registry = self.registry();
            if registry.items.contains(&address) {
                return;
            }
            registry.items.push(address);
        }
        let _ = Self::status_notifier_item_registered(&emitter, &registered).await;
        let _ = self.registered_status_notifier_items_changed(&emitter).await;
    }

    async fn register_status_notifier_host(
        &self,
        _service: String,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) {
        self.registry().hosts += 1;
        let _ = Self::status_notifier_host_registered(&emitter).await;
        let _ = self.is_status_notifier_host_registered_changed(&emitter).await;
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.registry().items.iter().map(Address::registered).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        self.registry().hosts > 0
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    /// An item came.
    #[zbus(signal)]
    async fn status_notifier_item_registered(
        emitter: &SignalEmitter<'_>,
        service: &str,
    ) -> zbus::Result<()>;

    /// An item went.
    #[zbus(signal)]
    pub(super) async fn status_notifier_item_unregistered(
        emitter: &SignalEmitter<'_>,
        service: &str,
    ) -> zbus::Result<()>;

    /// Somebody shows the items from now on.
    #[zbus(signal)]
    async fn status_notifier_host_registered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    /// Nobody shows the items any more.
    #[zbus(signal)]
    async fn status_notifier_host_unregistered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}
