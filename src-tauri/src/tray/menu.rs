//! The tray's menu: the people, then the actions.

use std::time::Duration;

use ksni::MenuItem;
use ksni::menu::{RadioGroup, RadioItem, StandardItem, SubMenu};
use porchlight_core::id::UserId;
use porchlight_core::input::Command;
use porchlight_core::signal::{Answer, SignalCommand};
use porchlight_core::view::signals::When;
use porchlight_core::view::tray::{TrayKnock, TrayView};
use porchlight_core::view::{ChosenStatus, Group, PersonView};

use porchlight_core::words;

use super::item::{Item, headline};
use crate::i18n::{self, say, say_with};
use crate::notifications;

/// The statuses that a person can choose, in the order of the menu; `None` follows the keyboard.
const CHOICES: [Option<ChosenStatus>; 5] = [
    None,
    Some(ChosenStatus::Online),
    Some(ChosenStatus::Away),
    Some(ChosenStatus::Dnd),
    Some(ChosenStatus::Invisible),
];

/// The durations for a status, in minutes; the window offers more.
const DURATIONS: [u64; 4] = [30, 60, 120, 240];

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) fn draw(view: Option<&TrayView>) -> Vec<MenuItem<Item>> {
    let mut menu = Vec::new();
    if let Some(view) = view {
        menu.push(label(&headline(view)));
        menu.extend(view.knocks.iter().map(knock));
        let (favourites, others) = view.people.split_at(view.favourites.min(view.people.len()));
        menu.extend(favourites.iter().map(person));
        if !favourites.is_empty() && !others.is_empty() {
            menu.push(MenuItem::Separator);
        }
        menu.extend(others.iter().map(person));
        if view.more > 0 {
            menu.push(opening(&say_with("tray-more", [("count", view.more.into())])));
        }
        menu.push(MenuItem::Separator);
        if view.me.is_some() {
            menu.push(set_status(view));
            menu.push(pause(view));
        }
    }
    menu.push(opening(&say("tray-open")));
    menu.push(
        StandardItem {
            label: say("tray-quit"),
            activate: Box::new(|item: &mut Item| item.desktop.quit()),
            ..StandardItem::default()
        }
        .into(),
    );
    menu
}

fn label(text: &str) -> MenuItem<Item> {
    StandardItem { label: literal(text), enabled: false, ..StandardItem::default() }.into()
}

fn opening(text: &str) -> MenuItem<Item> {
    StandardItem {
        label: literal(text),
        activate: Box::new(|item: &mut Item| item.desktop.open_window()),
        ..StandardItem::default()
    }
    .into()
}

/// A knock, with the answers that need one click.
fn knock(knock: &TrayKnock) -> MenuItem<Item> {
    let mut submenu: Vec<MenuItem<Item>> = Answer::SHORT
        .iter()
        .map(|answer| {
            let (from, id) = (knock.from.clone(), knock.id.clone());
            let answers = SignalCommand::Answer { from, id, answer: answer.clone() };
            signal(&notifications::answer(answer), answers)
        })
        .collect();
    submenu.push(opening(&say("tray-open")));
    let label = literal(&say_with("notice-knocks", [("name", knock.name.as_str().into())]));
    SubMenu { label, submenu, ..SubMenu::default() }.into()
}

fn person(person: &PersonView) -> MenuItem<Item> {
    let mut text = format!(
        "{} {} — {}",
        words::glyph(&person.status, person.cause),
        person.name,
        words::status_line(person, i18n::say_texts, i18n::moment)
    );
    if let Some(remark) = words::remark(person) {
        text.push_str(" · ");
        text.push_str(&remark);
    }
    let Ok(user) = UserId::parse(&person.user) else {
        return opening(&text);
    };
    let (group, mut submenu) = (person.group(), Vec::new());
    let to = user.clone();
    if group != Group::Offline {
        let knock = SignalCommand::Knock { to: to.clone(), text: None, when: When::Now };
        submenu.push(signal(&say("knock"), knock));
        submenu.push(signal(&say("wave"), SignalCommand::Wave { to, emoji: None }));
    }
    if group != Group::Here {
        let wanted = SignalCommand::TellWhenBack { user, wanted: true };
        submenu.push(signal(&say("tell-me-when-back"), wanted));
    }
    submenu.push(opening(&say("tray-open")));
    SubMenu { label: literal(&text), submenu, ..SubMenu::default() }.into()
}

/// An entry that sends a signal.
fn signal(text: &str, command: SignalCommand) -> MenuItem<Item> {
    StandardItem {
        label: text.to_owned(),
        activate: Box::new(move |item: &mut Item| item.desktop.signal(command.clone())),
        ..StandardItem::default()
    }
    .into()
}

fn set_status(view: &TrayView) -> MenuItem<Item> {
    let chosen = view.me.as_ref().and_then(|me| me.chosen.as_ref()).map(|chosen| chosen.status);
    let options = CHOICES
        .iter()
        .map(|choice| RadioItem { label: i18n::choice(*choice), ..RadioItem::default() })
        .collect();
    let group = RadioGroup {
        selected: CHOICES.iter().position(|choice| *choice == chosen).unwrap_or(0),
        select: Box::new(|item: &mut Item, picked| {
            let command = match CHOICES.get(picked).copied().flatten() {
                None => Command::ClearChosen,
                Some(status) => Command::Choose { status, text: None, emoji: None, lasting: None },
            };
            item.desktop.command(command);
        }),
        options,
    };
    let mut submenu = vec![group.into(), MenuItem::Separator];
    submenu.extend([ChosenStatus::Away, ChosenStatus::Dnd].map(for_a_while));
    SubMenu { label: say("tray-set-status"), submenu, ..SubMenu::default() }.into()
}

/// A status that ends by itself.
fn for_a_while(status: ChosenStatus) -> MenuItem<Item> {
    let submenu = DURATIONS
        .iter()
        .map(|minutes| {
            let lasting = Some(Duration::from_secs(60 * minutes));
            let chooses = Command::Choose { status, text: None, emoji: None, lasting };
            command(&how_long(*minutes), chooses)
        })
        .collect();
    let choice = i18n::choice(Some(status));
    let label = say_with("tray-status-for", [("status", choice.into())]);
    SubMenu { label, submenu, ..SubMenu::default() }.into()
}

fn how_long(minutes: u64) -> String {
    if minutes.is_multiple_of(60) {
        say_with("lasting-hours", [("hours", (minutes / 60).into())])
    } else {
        say_with("lasting-minutes", [("minutes", minutes.into())])
    }
}

/// An entry that pauses notifications for a while, or resumes them.
fn pause(view: &TrayView) -> MenuItem<Item> {
    match view.notices_off_until {
        None => command(&say("tray-notices-off"), Command::PauseNotifications(Some(HOUR))),
        Some(until) => {
            let until = i18n::moment(until);
            let label = say_with("tray-notices-on", [("time", until.into())]);
            command(&label, Command::PauseNotifications(None))
        }
    }
}

/// An entry that sends a command.
fn command(label: &str, command: Command) -> MenuItem<Item> {
    StandardItem {
        label: label.to_owned(),
        activate: Box::new(move |item: &mut Item| item.desktop.command(command.clone())),
        ..StandardItem::default()
    }
    .into()
}

/// Escapes underscores, which mark an access key in a label (com.canonical.dbusmenu, *label*).
fn literal(text: &str) -> String {
    text.replace('_', "__")
}
