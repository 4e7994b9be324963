//! A freedesktop StatusNotifierItem, by ksni.

use std::path::PathBuf;

use ksni::{Category, Handle, Icon, MenuItem, OfflineReason, Status, ToolTip, TrayMethods as _};
use porchlight_core::text::markup;
use porchlight_core::view::tray::{TrayConnection, TrayIcon, TrayView};
use porchlight_core::words;
use tokio::sync::mpsc;

use super::{icons, menu};
use crate::i18n::{self, say, say_with};
use crate::request::Desktop;

/// The tray icon, if this desktop has a tray.
pub(crate) struct Tray {
    changes: Option<mpsc::UnboundedSender<Change>>,
}

/// A change of the item.
enum Change {
    View(Box<TrayView>),
    /// The folder of the theme with the symbolic icons; `None` for the icon in colour.
    Theme(Option<String>),
}

impl Tray {
    /// Shows the icon. If there is no tray now, it appears as soon as there is one.
    pub(crate) async fn open(desktop: &Desktop) -> Self {
        let item = Item { desktop: desktop.clone(), view: None, theme: None };
        desktop.tray_there(true);
        match item.assume_sni_available(true).spawn().await {
            Ok(handle) => Self { changes: Some(keep_current(handle)) },
            Err(error) => {
                tracing::warn!("no tray icon: {error}; the window stands in for it");
                desktop.tray_there(false);
                Self { changes: None }
            }
        }
    }

    pub(crate) fn show(&mut self, view: TrayView) {
        self.change(Change::View(Box::new(view)));
    }

    /// Switches to a symbolic icon, with an icon theme written to this folder, or to the one in
    /// colour.
    pub(crate) fn set_theme(&mut self, theme: Option<PathBuf>) {
        let theme = theme.and_then(|theme| match icons::write_theme(&theme) {
            Ok(()) => Some(theme.to_string_lossy().into_owned()),
            Err(error) => {
                tracing::warn!("the icon stays in colour: {}: {error}", theme.display());
                None
            }
        });
        self.change(Change::Theme(theme));
    }

    fn change(&mut self, change: Change) {
        if let Some(changes) = &self.changes {
            // An error means that the item has gone, which its watcher has already reported.
            let _ = changes.send(change);
        }
    }
}

/// Applies changes to the item; those that arrive together are applied at once.
fn keep_current(handle: Handle<Item>) -> mpsc::UnboundedSender<Change> {
    let (sender, mut changes) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(first) = changes.recv().await {
            let mut all = vec![first];
            all.extend(std::iter::from_fn(|| changes.try_recv().ok()));
            handle
                .update(|item| {
                    for change in all {
                        match change {
                            Change::View(view) => item.view = Some(*view),
                            Change::Theme(theme) => item.theme = theme,
                        }
                    }
                })
                .await;
        }
    });
    sender
}

/// The item on D-Bus.
pub(super) struct Item {
    pub(super) desktop: Desktop,
    /// `None` before there is a team.
    pub(super) view: Option<TrayView>,
    /// The folder of the icon theme, if the icon is symbolic.
    theme: Option<String>,
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "porchlight".to_owned()
    }

    fn category(&self) -> Category {
        Category::Communications
    }

    /// Never passive: GNOME hides such icons.
    fn status(&self) -> Status {
        if self.wants_attention() { Status::NeedsAttention } else { Status::Active }
    }

    fn title(&self) -> String {
        "Porchlight".to_owned()
    }

    fn icon_name(&self) -> String {
        match self.theme {
            Some(_) => icons::symbolic(self.icon()).0.to_owned(),
            None => String::new(),
        }
    }

    fn icon_theme_path(&self) -> String {
        self.theme.clone().unwrap_or_default()
    }

    /// Empty for a symbolic icon, because Xfce's panel prefers pixels to a name.
    fn icon_pixmap(&self) -> Vec<Icon> {
        if self.theme.is_some() { Vec::new() } else { self.pixmap(false) }
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        if self.wants_attention() { self.pixmap(true) } else { Vec::new() }
    }

    fn tool_tip(&self) -> ToolTip {
        let (title, description) = match &self.view {
            // A panel may draw the description as markup (StatusNotifierItem, *ToolTip*).
            Some(view) => (headline(view), markup(&me_line(view))),
            None => ("Porchlight".to_owned(), String::new()),
        };
        ToolTip { title, description, ..ToolTip::default() }
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        menu::draw(self.view.as_ref())
    }

    /// A left click, if the panel reports it.
    fn activate(&mut self, _x: i32, _y: i32) {
        self.desktop.open_window();
    }

    fn watcher_online(&self) {
        self.desktop.tray_there(true);
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::info!("no tray on this desktop: {reason:?}");
        self.desktop.tray_there(false);
        true
    }
}

impl Item {
    fn icon(&self) -> TrayIcon {
        self.view.as_ref().map_or(TrayIcon::Offline, |view| view.icon)
    }

    /// Whether there is a knock that nobody has seen yet.
    fn wants_attention(&self) -> bool {
        self.view.as_ref().is_some_and(|view| !view.knocks.is_empty())
    }

    fn pixmap(&self, attention: bool) -> Vec<Icon> {
        icons::pixmaps(self.icon(), attention)
    }
}

/// `3 of 5 online`, or why that is unknown.
pub(super) fn headline(view: &TrayView) -> String {
    match view.link {
        TrayConnection::Up if view.known == 0 => say("tray-nobody"),
        TrayConnection::Up => {
            let (around, known) = (view.around.into(), view.known.into());
            say_with("tray-around", [("around", around), ("known", known)])
        }
        TrayConnection::Withheld => say("tray-withheld"),
        TrayConnection::Connecting { as_of: None } => say("tray-connecting"),
        TrayConnection::Connecting { as_of: Some(at) } => {
            say_with("tray-not-connected", [("time", i18n::moment(at).into())])
        }
        TrayConnection::Refused => say("tray-refused"),
        TrayConnection::Off => say("tray-offline"),
    }
}

fn me_line(view: &TrayView) -> String {
    let me = view.me.iter().map(|me| {
        let status = words::status(&me.status, i18n::say_texts);
        say_with("tray-you", [("status", status.into())])
    });
    let knocks = view
        .knocks
        .iter()
        .map(|knock| say_with("notice-knocks", [("name", knock.name.as_str().into())]));
    me.chain(knocks).collect::<Vec<_>>().join("\n")
}
