//! A panel without a picture: a StatusNotifierWatcher and host that the app's tray icon registers
//! with, and what a person can see and click of it.
//!
//! Starting it makes a tray appear on the desktop, dropping it takes the tray away; both may
//! happen while the app runs.

mod menu;
mod watcher;

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, MatchRule, Proxy};

use crate::desktop::Session;
use crate::signals::Listening;
use crate::until::poll_async;
use watcher::{Address, Registry, Watcher};

pub use menu::{Entry, Toggle};

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// A running tray.
#[derive(Debug)]
pub struct Tray {
    bus: Connection,
    registry: Arc<Mutex<Registry>>,
    _listening: [Listening; 3],
}

impl Tray {
    /// Starts watcher and host on the session's bus.
    ///
    /// # Panics
    ///
    /// When the bus has one already.
    pub async fn start(session: &Session) -> Self {
        let registry = Arc::new(Mutex::new(Registry { hosts: 1, ..Registry::default() }));
        let watcher = Watcher { registry: Arc::clone(&registry) };
        let address = session.bus_address();
        let bus = zbus::connection::Builder::address(address.as_str())
            .and_then(|builder| builder.serve_at(PATH, watcher))
            .expect("an address and a path");
        let bus = bus.build().await.expect("the session bus takes connections");
        // Listening before the name is there to register with, so that nothing is missed.
        let listening = [
            forget_the_gone(&bus, &registry).await,
            record(&bus, &registry, ITEM).await,
            record(&bus, &registry, MENU).await,
        ];
        bus.request_name(NAME).await.expect("a bus without a tray");
        Self { bus, registry, _listening: listening }
    }

    /// How many items are registered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read(|registry| registry.items.len())
    }

    /// The item whose `Id` is this, as soon as it is registered.
    ///
    /// # Panics
    ///
    /// When there is none within the time; with those that there are.
    #[track_caller]
    pub fn item(&self, id: &str, within: Duration) -> impl Future<Output = TrayItem> {
        let caller = Location::caller();
        async move {
            let found = poll_async(within, async || {
                for address in self.read(|registry| registry.items.clone()) {
                    let item = TrayItem::at(self, address).await;
                    if item.try_id().await.as_deref() == Ok(id) {
                        return Some(item);
                    }
                }
                None
            });
            match found.await {
                Some(item) => item,
                None => {
                    let there = self.read(|registry| registry.items.clone());
                    panic!("{caller}: no tray item {id} within {within:?}; there are {there:?}")
                }
            }
        }
    }

    /// Waits until no item is registered any more.
    ///
    /// # Panics
    ///
    /// When there still is one after the time.
    #[track_caller]
    pub fn wait_empty(&self, within: Duration) -> impl Future<Output = ()> {
        crate::until::until("the tray to be empty", within, || self.count() == 0)
    }

    fn read<T>(&self, read: impl FnOnce(&Registry) -> T) -> T {
        read(&self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Drops the items of those who leave the bus.
async fn forget_the_gone(bus: &Connection, registry: &Arc<Mutex<Registry>>) -> Listening {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender("org.freedesktop.DBus")
        .and_then(|rule| rule.interface("org.freedesktop.DBus"))
        .and_then(|rule| rule.member("NameOwnerChanged"))
        .expect("names of the bus itself")
        .build();
    let (registry, bus_of_signal) = (Arc::clone(registry), bus.clone());
    Listening::to(bus, rule, move |message| {
        let Ok((name, _, owner)) = message.body().deserialize::<(String, String, String)>() else {
            return;
        };
        if !owner.is_empty() {
            return;
        }
        let gone: Vec<_> = {
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            registry.items.extract_if(.., |item| item.owner == name || item.name == name).collect()
        };
        let bus = bus_of_signal.clone();
        tokio::spawn(async move {
            let emitter = SignalEmitter::new(&bus, PATH).expect("a path");
            for item in gone {
                let _ =
                    Watcher::status_notifier_item_unregistered(&emitter, &item.registered()).await;
            }
        });
    })
    .await
}

/// Records the signals of an interface, by which a test sees how often an item changed.
async fn record(
    bus: &Connection,
    registry: &Arc<Mutex<Registry>>,
    interface: &'static str,
) -> Listening {
    let rule = MatchRule::builder().msg_type(zbus::message::Type::Signal).interface(interface);
    let registry = Arc::clone(registry);
    Listening::to(bus, rule.expect("an interface").build(), move |message| {
        let header = message.header();
        if let (Some(sender), Some(member)) = (header.sender(), header.member()) {
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            registry.signals.push((sender.to_string(), member.to_string()));
        }
    })
    .await
}

/// The tooltip of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolTip {
    /// The line in bold.
    pub title: String,
    /// The text below.
    pub text: String,
}

/// A tray icon that registered, read anew with every call: nothing is cached.
#[derive(Debug)]
pub struct TrayItem {
    address: Address,
    registry: Arc<Mutex<Registry>>,
    item: Proxy<'static>,
}

impl TrayItem {
    async fn at(tray: &Tray, address: Address) -> Self {
        let item = proxy(&tray.bus, &address.owner, &address.path, ITEM).await;
        Self { address, registry: Arc::clone(&tray.registry), item }
    }

    async fn try_id(&self) -> zbus::Result<String> {
        self.item.get_property("Id").await
    }

    /// `Id`: the app's name.
    ///
    /// # Panics
    ///
    /// This and every other function here, when the item has gone or has no such property.
    pub async fn id(&self) -> String {
        self.try_id().await.expect("a tray item has an Id")
    }

    /// `Title`.
    pub async fn title(&self) -> String {
        self.item.get_property("Title").await.expect("a tray item has a Title")
    }

    /// `Status`: `Passive`, `Active` or `NeedsAttention`.
    pub async fn status(&self) -> String {
        self.item.get_property("Status").await.expect("a tray item has a Status")
    }

    /// `IconName`, empty where the icon is given as pixels.
    pub async fn icon_name(&self) -> String {
        self.item.get_property("IconName").await.expect("a tray item has an IconName")
    }

    /// `OverlayIconName`, empty where there is none.
    pub async fn overlay_icon_name(&self) -> String {
        self.item.get_property("OverlayIconName").await.unwrap_or_default()
    }

    /// `IconThemePath`: where the panel looks for a named icon first.
    pub async fn icon_theme_path(&self) -> String {
        self.item.get_property("IconThemePath").await.unwrap_or_default()
    }

    /// `IconPixmap`: width, height and pixels of each, ARGB in network byte order.
    pub async fn icon_pixmaps(&self) -> Vec<(i32, i32, Vec<u8>)> {
        self.item.get_property("IconPixmap").await.unwrap_or_default()
    }

    /// Width and height of each of its pixel icons.
    pub async fn icon_sizes(&self) -> Vec<(i32, i32)> {
        self.icon_pixmaps().await.into_iter().map(|(width, height, _)| (width, height)).collect()
    }

    /// `ToolTip`.
    pub async fn tooltip(&self) -> ToolTip {
        type Wire = (String, Vec<(i32, i32, Vec<u8>)>, String, String);
        let (_, _, title, text): Wire =
            self.item.get_property("ToolTip").await.expect("a tray item has a ToolTip");
        ToolTip { title, text }
    }

    /// The whole menu. As a panel does, it says first that the menu is about to be shown.
    pub async fn menu(&self) -> Entry {
        let menu = self.menu_proxy().await;
        // Not every app has this call.
        let _ = menu.call::<_, _, bool>("AboutToShow", &0_i32).await;
        menu::read(&menu).await
    }

    /// Clicks the one menu entry with this label, wherever in the menu it is.
    ///
    /// # Panics
    ///
    /// When there is none or more than one, or it is disabled; with the whole menu.
    #[track_caller]
    pub fn click(&self, label: &str) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let menu = self.menu().await;
            let entries =
                menu.all().into_iter().filter(|entry| entry.label == label).collect::<Vec<_>>();
            let [entry] = entries.as_slice() else {
                panic!("{caller}: {} entries {label:?} in the menu\n{menu}", entries.len())
            };
            assert!(entry.enabled, "{caller}: {label:?} is disabled in the menu\n{menu}");
            menu::click(&self.menu_proxy().await, entry.id).await;
        }
    }

    /// A left click on the icon.
    pub async fn activate(&self) {
        self.item
            .call::<_, _, ()>("Activate", &(0_i32, 0_i32))
            .await
            .expect("the item takes a click");
    }

    /// A middle click on the icon.
    pub async fn secondary_activate(&self) {
        self.item
            .call::<_, _, ()>("SecondaryActivate", &(0_i32, 0_i32))
            .await
            .expect("the item takes a click");
    }

    /// The names of the signals that it sent so far, such as `NewIcon` and `LayoutUpdated`, in
    /// order. An item that only changes when there is something to show sends few.
    #[must_use]
    pub fn signals(&self) -> Vec<String> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = registry.signals.iter().filter(|(sender, _)| *sender == self.address.owner);
        mine.map(|(_, member)| member.clone()).collect()
    }

    async fn menu_proxy(&self) -> Proxy<'static> {
        let path: OwnedObjectPath =
            self.item.get_property("Menu").await.expect("a tray item has a Menu");
        proxy(self.item.connection(), &self.address.owner, path.as_str(), MENU).await
    }
}

async fn proxy(bus: &Connection, owner: &str, path: &str, interface: &str) -> Proxy<'static> {
    let proxy = zbus::proxy::Builder::<Proxy<'static>>::new(bus)
        .destination(owner.to_owned())
        .and_then(|proxy| proxy.path(path.to_owned()))
        .and_then(|proxy| proxy.interface(interface.to_owned()))
        .expect("names from the bus");
    // Read when asked: what a cache holds is as old as the last signal that somebody sent.
    proxy
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await
        .expect("a proxy makes no call")
}
