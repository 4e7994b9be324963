//! The content of the tray: an icon, a line, and the roster as a menu.
//!
//! Owns what is in it and in which order. Contains no words: the app adds them.

use crate::id::UserId;
use crate::names::with_id;
use crate::preferences::Preferences;
use crate::presence::Group;
use crate::time::Timestamp;
use crate::view::{ConnectionView, MeView, PersonView, RosterGap};
use crate::wire::SignalId;

/// Maximum number of people in the menu; the window shows the others.
pub const MENU_PEOPLE: usize = 15;

/// The whole tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayView {
    /// My own state, or that of the connection if I have none.
    pub icon: TrayIcon,
    /// How many others are around: in the group *here*.
    pub around: usize,
    /// How many others are known.
    pub known: usize,
    /// The state of the connection.
    pub link: TrayConnection,
    /// My own status; absent until I have a user id.
    pub me: Option<MeView>,
    /// The others, favourites first, then people here, at most [`MENU_PEOPLE`]. Each name is the
    /// nickname or the name, with the id if somebody else's name looks the same.
    pub people: Vec<PersonView>,
    /// How many of those are favourites, which come first.
    pub favourites: usize,
    /// How many others are not in `people`.
    pub more: usize,
    /// The knocks that nobody saw yet, the latest last: while there is one, the tray asks for
    /// attention.
    pub knocks: Vec<TrayKnock>,
    /// When paused notifications resume; `None` without a pause.
    pub notices_off_until: Option<Timestamp>,
}

/// The data from which the tray is drawn.
#[derive(Debug)]
pub(crate) struct TrayParts<'a> {
    pub(crate) me: Option<&'a MeView>,
    pub(crate) link: &'a ConnectionView,
    pub(crate) others: Vec<&'a PersonView>,
    pub(crate) knocks: Vec<TrayKnock>,
    pub(crate) preferences: &'a Preferences,
    pub(crate) notices_off_until: Option<Timestamp>,
}

/// A knock that nobody saw yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayKnock {
    /// The person who knocked.
    pub from: UserId,
    /// The name to show for them.
    pub name: String,
    /// The knock's id.
    pub id: SignalId,
}

/// The tray icon's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrayIcon {
    /// Others see me online.
    Online,
    /// Others see me online, but this device does not know my activity.
    Unknown,
    /// Others see me away.
    Away,
    /// I chose do not disturb.
    Dnd,
    /// I chose to be invisible; the connection is up.
    Invisible,
    /// There is no connection yet, or no longer.
    Connecting,
    /// No connection is wanted, or the broker refused us.
    Offline,
}

/// The state of the connection, without details of each try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrayConnection {
    /// No connection was asked for yet, or we disconnected.
    Off,
    /// We are trying to connect.
    Connecting {
        /// When the connection was last up.
        as_of: Option<Timestamp>,
    },
    /// The connection is up.
    Up,
    /// The connection is up, but the broker does not let us see the others.
    Withheld,
    /// The broker refused us.
    Refused,
}

impl TrayConnection {
    /// The tray's state for a connection.
    pub(crate) const fn of(link: &ConnectionView) -> Self {
        match link {
            ConnectionView::Unset | ConnectionView::Closed => Self::Off,
            ConnectionView::Connecting { as_of, .. } => Self::Connecting { as_of: *as_of },
            ConnectionView::Up { gap: Some(RosterGap::Withheld), .. } => Self::Withheld,
            ConnectionView::Up { .. } => Self::Up,
            ConnectionView::Refused { .. } => Self::Refused,
        }
    }
}

impl TrayView {
    /// Computes the tray's content.
    pub(crate) fn draw(parts: TrayParts<'_>) -> Self {
        let TrayParts { me, link, mut others, knocks, preferences, notices_off_until } = parts;
        let known = others.len();
        let around = others.iter().filter(|person| person.group() == Group::Here).count();
        let name = |person: &PersonView| {
            preferences.nickname(&person.user).unwrap_or(&person.name).to_lowercase()
        };
        // They come in the order of their ids, and a stable sort keeps that for equal names.
        others.sort_by_cached_key(|person| {
            (!preferences.is_favourite(&person.user), person.group(), name(person))
        });
        let link = TrayConnection::of(link);
        let people: Vec<_> = others
            .iter()
            .take(MENU_PEOPLE)
            .map(|person| {
                let mut person = (*person).clone();
                let name = preferences.nickname(&person.user).unwrap_or(&person.name);
                person.name = with_id(name, person.shown_id.as_deref());
                person
            })
            .collect();
        Self {
            icon: icon(me, link),
            around,
            known,
            link,
            me: me.cloned(),
            favourites: people.iter().filter(|it| preferences.is_favourite(&it.user)).count(),
            people,
            more: known.saturating_sub(MENU_PEOPLE),
            knocks,
            notices_off_until,
        }
    }
}

fn icon(me: Option<&MeView>, link: TrayConnection) -> TrayIcon {
    match (link, me) {
        (TrayConnection::Connecting { .. }, _) => TrayIcon::Connecting,
        (TrayConnection::Off | TrayConnection::Refused, _)
        | (TrayConnection::Up | TrayConnection::Withheld, None) => TrayIcon::Offline,
        (TrayConnection::Up | TrayConnection::Withheld, Some(me)) => {
            match (me.status.as_str(), me.cause) {
                ("online", Some(crate::view::Cause::Unknown)) => TrayIcon::Unknown,
                ("away", _) => TrayIcon::Away,
                ("dnd", _) => TrayIcon::Dnd,
                ("invisible", _) => TrayIcon::Invisible,
                ("offline", _) => TrayIcon::Offline,
                _ => TrayIcon::Online,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::Cause;

    fn me(status: &str, cause: Option<Cause>) -> MeView {
        let (user, name) = ("mara".to_owned(), "Mara".to_owned());
        MeView { user, name, status: status.to_owned(), cause, since: None, chosen: None }
    }

    #[test]
    fn whoever_hides_is_told_apart_from_whoever_is_not_connected() {
        let invisible = me("invisible", Some(Cause::Chosen));
        assert_eq!(icon(Some(&invisible), TrayConnection::Up), TrayIcon::Invisible);
        assert_eq!(icon(Some(&me("offline", None)), TrayConnection::Up), TrayIcon::Offline);
        // Without a connection I am not invisible but offline.
        assert_eq!(icon(Some(&invisible), TrayConnection::Off), TrayIcon::Offline);
        let connecting = TrayConnection::Connecting { as_of: None };
        assert_eq!(icon(Some(&invisible), connecting), TrayIcon::Connecting);
    }

    #[test]
    fn an_own_state_is_the_icon_while_the_link_is_up() {
        let of = |status, cause| icon(Some(&me(status, cause)), TrayConnection::Up);
        assert_eq!(of("online", None), TrayIcon::Online);
        assert_eq!(of("online", Some(Cause::Unknown)), TrayIcon::Unknown);
        assert_eq!(of("away", Some(Cause::Idle)), TrayIcon::Away);
        assert_eq!(of("dnd", Some(Cause::Chosen)), TrayIcon::Dnd);
        assert_eq!(of("in a meeting", None), TrayIcon::Online);
        assert_eq!(icon(None, TrayConnection::Up), TrayIcon::Offline);
    }
}
