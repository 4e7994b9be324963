//! What the tray shows: an icon, a line, and the roster as a menu.
//!
//! Owns what is in it and in which order. Deliberately holds no words: the shell says it.

use crate::id::UserId;
use crate::names::with_id;
use crate::preferences::Preferences;
use crate::presence::Group;
use crate::time::Timestamp;
use crate::view::{ConnectionView, MeView, PersonView, RosterGap};
use crate::wire::SignalId;

/// The most people in the menu; the window shows the others.
pub const MENU_PEOPLE: usize = 15;

/// The whole tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayView {
    /// My own state, or that of the link where I have none.
    pub icon: TrayIcon,
    /// How many others are around: in the group *here*.
    pub around: usize,
    /// How many others are known.
    pub known: usize,
    /// The link.
    pub link: TrayConnection,
    /// Me, once there is somebody to be.
    pub me: Option<MeView>,
    /// The others, favourites first, then those here, at most [`MENU_PEOPLE`]. Their names are what to call them: the
    /// nickname or the name, with the id where somebody else's name looks the same.
    pub people: Vec<PersonView>,
    /// How many of those are favourites: they stand first.
    pub favourites: usize,
    /// How many others are not in `people`.
    pub more: usize,
    /// The knocks that nobody saw yet, the latest last: while there are any, the tray wants attention.
    pub knocks: Vec<TrayKnock>,
    /// Until when no notification pops up, where the person said so.
    pub notices_off_until: Option<Timestamp>,
}

/// Of what a tray is drawn.
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
    /// Whose.
    pub from: UserId,
    /// What to call them.
    pub name: String,
    /// Which.
    pub id: SignalId,
}

/// The tray icon's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrayIcon {
    /// Others see me online.
    Online,
    /// Others see me online, but nothing tells this device whether I am there.
    Unknown,
    /// Others see me away.
    Away,
    /// I chose not to be disturbed.
    Dnd,
    /// I chose to be seen by nobody; the link is up.
    Invisible,
    /// No link yet, or no longer.
    Connecting,
    /// No link is wanted, or the broker said no.
    Offline,
}

/// The link, without what changes from try to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrayConnection {
    /// Not asked to connect yet, or said goodbye.
    Off,
    /// Trying.
    Connecting {
        /// When it was last up.
        as_of: Option<Timestamp>,
    },
    /// Connected.
    Up,
    /// Connected, but the broker does not let us see the others.
    Withheld,
    /// The broker said no.
    Refused,
}

impl TrayConnection {
    /// What the tray shows of a link.
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
    /// Draws the tray.
    pub(crate) fn draw(parts: TrayParts<'_>) -> Self {
        let TrayParts { me, link, mut others, knocks, preferences, notices_off_until } = parts;
        let known = others.len();
        let around = others.iter().filter(|person| person.group() == Group::Here).count();
        let name = |person: &PersonView| {
            preferences.nickname(&person.user).unwrap_or(&person.name).to_lowercase()
        };
        // They come in the order of their ids, and of two with one name stay so.
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
        // Without a link there is nothing to hide from.
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
