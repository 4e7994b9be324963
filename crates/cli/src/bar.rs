//! `porchlight watch --format`: one line a change for a status bar.
//!
//! Owns the placeholders of a template and the JSON that Waybar's custom module reads (`return-type: json`). Nothing is
//! polled, and a line that would say the same as the one before is not printed.

use std::fmt;
use std::str::FromStr;

use porchlight_agent::clock;
use porchlight_core::view::{Group, PersonView};
use porchlight_core::words;
use serde::Serialize;

use crate::output;
use crate::roster::KnownRoster;

mod escape;

pub(crate) use escape::Escape;

/// The longest list in a tooltip: more is no glance.
const TOOLTIP: usize = 40;

/// What a line looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object for Waybar.
    Waybar,
    /// A text with placeholders.
    Template(Vec<Part>),
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Field(Field),
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Here,
    Away,
    Offline,
    Total,
    Names,
    AwayNames,
    Typing,
    Calls,
    Me,
    Glyph,
    Link,
    AsOf,
}

/// The placeholders, as they are written.
const FIELDS: [(&str, Field); 12] = [
    ("here", Field::Here),
    ("away", Field::Away),
    ("offline", Field::Offline),
    ("total", Field::Total),
    ("names", Field::Names),
    ("away_names", Field::AwayNames),
    ("typing", Field::Typing),
    ("calls", Field::Calls),
    ("me", Field::Me),
    ("glyph", Field::Glyph),
    ("link", Field::Link),
    ("as_of", Field::AsOf),
];

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FormatError {
    Unknown(String),
    Open,
    Close,
    Lines,
}

impl std::error::Error for FormatError {}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no placeholder {{{name}}}; there are")?,
            Self::Open => write!(f, "a {{ has no }}; write {{{{ for the brace itself. There are")?,
            Self::Close => write!(f, "a }} has no {{; write }}}} for the brace itself. There are")?,
            Self::Lines => {
                return write!(f, "a bar reads line by line, so a format has no line break");
            }
        }
        for (name, _) in FIELDS {
            write!(f, " {{{name}}}")?;
        }
        write!(f, ", or the whole format is `waybar`")
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        if text == "waybar" {
            return Ok(Self::Waybar);
        }
        if text.contains(['\n', '\r']) {
            return Err(FormatError::Lines);
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
            } else if brace == "}" {
                return Err(FormatError::Close);
            } else {
                let (name, after) = rest.split_once('}').ok_or(FormatError::Open)?;
                let field = FIELDS.iter().find(|(known, _)| *known == name);
                let (_, field) = field.ok_or_else(|| FormatError::Unknown(name.to_owned()))?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Field(*field));
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self::Template(parts))
    }
}

impl Format {
    /// The line that says how the room is.
    pub(crate) fn line(&self, room: &KnownRoster, escape: Escape) -> String {
        match self {
            Self::Waybar => output::json(&Waybar::of(room)),
            Self::Template(parts) => {
                let mut line = String::new();
                for part in parts {
                    match part {
                        Part::Text(text) => line.push_str(text),
                        Part::Field(field) => line.push_str(&escape.apply(&field.say(room))),
                    }
                }
                line
            }
        }
    }
}

impl Field {
    fn say(self, room: &KnownRoster) -> String {
        let names = |wanted: &dyn Fn(&PersonView) -> bool| {
            let others = room.others();
            let names = others.iter().filter(|person| wanted(person));
            names.map(|person| person.distinct_name()).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Here => room.count(Group::Here).to_string(),
            Self::Away => room.count(Group::Away).to_string(),
            Self::Offline => room.count(Group::Offline).to_string(),
            Self::Total => room.total().to_string(),
            Self::Names => names(&|person| person.group() == Group::Here),
            Self::AwayNames => names(&|person| person.group() == Group::Away),
            Self::Typing => names(&|person| person.typing),
            Self::Calls => names(&|person| person.in_call && !person.stale),
            Self::Me => {
                room.me().map(|me| words::status(&me.status, words::english)).unwrap_or_default()
            }
            Self::Glyph => room
                .me()
                .map(|me| words::glyph(&me.status, me.cause).to_owned())
                .unwrap_or_default(),
            Self::Link => (if room.is_up() { "up" } else { "down" }).to_owned(),
            Self::AsOf => room.as_of().map(clock::local).unwrap_or_default(),
        }
    }
}

/// What Waybar's custom module reads (waybar-custom(5), `return-type: json`).
#[derive(Debug, Serialize)]
struct Waybar {
    text: String,
    alt: &'static str,
    tooltip: String,
    class: Vec<String>,
    percentage: usize,
}

impl Waybar {
    fn of(room: &KnownRoster) -> Self {
        let (here, total) = (room.count(Group::Here), room.total());
        let alt = match (room.is_up(), here) {
            (false, _) => "down",
            (true, 0) => "nobody",
            (true, _) => "here",
        };
        let mut class = vec![alt.to_owned()];
        if let Some(me) = room.me() {
            // A word of one's own is no class: a style sheet can't name it.
            let known = ["online", "away", "dnd", "offline"].contains(&me.status.as_str());
            class.push(format!("me-{}", if known { &me.status } else { "other" }));
        }
        Self {
            text: format!("{here}/{total}"),
            alt,
            tooltip: tooltip(room),
            class,
            percentage: (here * 100).checked_div(total).unwrap_or_default(),
        }
    }
}

/// A text in a tooltip.
fn shown(text: &str) -> String {
    Escape::Pango.apply(text)
}

/// The roster as Pango's markup.
fn tooltip(room: &KnownRoster) -> String {
    let mut lines = Vec::new();
    if !room.is_up() {
        let as_of =
            room.as_of().map_or_else(String::new, |at| format!(" since {}", clock::local(at)));
        let why = room.problem().map_or_else(String::new, |why| format!(": {why}"));
        lines.push(shown(&format!("not connected{as_of}{why}")));
    }
    if room.may_be_unread() {
        lines.push(shown(output::NOBODY_SEEN));
    }
    let others = room.others();
    for person in others.iter().take(TOOLTIP) {
        let line = shown(&output::line(person, crate::style::OutputStyle::NONE));
        let less = person.stale || person.group() == Group::Offline;
        lines.push(if less { format!("<span alpha=\"60%\">{line}</span>") } else { line });
    }
    if let Some(more) = others.len().checked_sub(TOOLTIP).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use porchlight_core::id::UserId;
    use porchlight_core::view::{ConnectionView, Update};

    use super::*;

    fn person(user: &str, name: &str, status: &str) -> PersonView {
        PersonView {
            user: user.to_owned(),
            name: name.to_owned(),
            status: status.to_owned(),
            ..PersonView::default()
        }
    }

    fn room(people: Vec<PersonView>, link: ConnectionView) -> KnownRoster {
        let mut room = KnownRoster::new(Some(&UserId::parse("me").unwrap()));
        room.apply(&Update { link: Some(link), joins: people, ..Update::default() });
        room
    }

    fn up() -> ConnectionView {
        ConnectionView::Up { since: porchlight_core::time::Timestamp::default(), gap: None }
    }

    fn line(format: &str, room: &KnownRoster) -> String {
        let format: Format = format.parse().unwrap_or_else(|error| panic!("{format}: {error}"));
        format.line(room, Escape::Neutral)
    }

    #[test]
    fn placeholders_tell_of_everybody_but_oneself() {
        let mut typing = person("d", "Dora", "dnd");
        typing.typing = true;
        let people = vec![
            person("me", "Me", "away"),
            person("a", "Anna", "online"),
            person("b", "Bob", "away"),
            person("c", "Carl", "offline"),
            typing,
        ];
        let room = room(people, up());
        let all = "{here} {away} {offline} {total} [{names}] [{away_names}] [{typing}] [{calls}] {me} {glyph} {link} [{as_of}]";
        assert_eq!(line(all, &room), "2 1 1 4 [Anna, Dora] [Bob] [Dora] [] away ☾ up []");
        assert_eq!(line("{{{here}}} of {total}", &room), "{2} of 4");
        assert_eq!(line("plain", &room), "plain");
    }

    #[test]
    fn two_people_whose_names_look_the_same_are_told_apart_by_their_ids() {
        let namesake = |user: &str, status: &str| PersonView {
            shown_id: Some(user.to_owned()),
            ..person(user, "Anna", status)
        };
        let room = room(vec![namesake("anna", "online"), namesake("anna-2", "online")], up());
        assert_eq!(line("{names}", &room), "Anna (anna), Anna (anna-2)");
        let waybar: serde_json::Value = serde_json::from_str(&line("waybar", &room)).unwrap();
        let tooltip = waybar["tooltip"].as_str().unwrap();
        assert!(tooltip.contains("Anna (anna)") && tooltip.contains("Anna (anna-2)"), "{tooltip}");
    }

    #[test]
    fn what_is_no_format_is_told_what_there_is() {
        for (format, part) in [
            ("{heer}", "there is no placeholder {heer}; there are {here} {away}"),
            ("{}", "no placeholder {}"),
            ("a {here", "{ has no }"),
            ("a } b", "} has no {"),
            ("a\nb", "line break"),
        ] {
            let error = format.parse::<Format>().unwrap_err().to_string();
            assert!(error.contains(part), "{format}: {error}");
        }
    }

    #[test]
    fn waybar_gets_markup_in_which_a_stranger_s_text_is_text() {
        let mut anna = person("a", "<b>Anna</b> & \"co\"", "online");
        anna.text = Some("it's\u{202E} <span>".to_owned());
        let said: serde_json::Value =
            serde_json::from_str(&line("waybar", &room(vec![anna], up()))).unwrap();
        assert_eq!(said["text"], "1/1");
        assert_eq!((&said["alt"], &said["class"][0]), (&"here".into(), &"here".into()));
        assert_eq!(said["percentage"], 100);
        assert_eq!(
            said["tooltip"],
            "● &lt;b&gt;Anna&lt;/b&gt; &amp; &quot;co&quot;  online  it&apos;s &lt;span&gt;"
        );
    }

    #[test]
    fn a_lost_broker_is_said_and_the_last_known_stays() {
        let mut anna = person("a", "Anna", "online");
        anna.stale = true;
        let down =
            ConnectionView::Connecting { as_of: None, retry_at: None, problem: None, host: None };
        let room = room(vec![anna, person("me", "Me", "in a meeting")], down);
        let said: serde_json::Value = serde_json::from_str(&line("waybar", &room)).unwrap();
        assert_eq!(said["class"], serde_json::json!(["down", "me-other"]));
        let tooltip = said["tooltip"].as_str().unwrap();
        assert!(tooltip.starts_with("not connected\n<span"), "{tooltip}");
        assert_eq!(line("{link} {here}", &room), "down 1");
    }
}
