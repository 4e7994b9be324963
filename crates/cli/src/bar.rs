//! `porchlight watch --format`: one line for each change, for a status bar.
//!
//! Owns the placeholders of a template and the JSON that Waybar's custom module reads (`return-type: json`).

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

/// The most people in a tooltip. A longer list can't be read at a glance.
const TOOLTIP: usize = 40;

/// The format of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object for Waybar.
    Waybar,
    /// Text with placeholders.
    Template(Vec<Part>),
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Field(Field),
}

/// What a placeholder is replaced by.
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

/// The placeholders by name.
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

/// Why a text is not a format.
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
            Self::Unknown(name) => write!(f, "there is no placeholder {{{name}}}; use one of")?,
            Self::Open => {
                write!(f, "a {{ has no }}; write {{{{ for the brace itself. The placeholders are")?;
            }
            Self::Close => {
                write!(f, "a }} has no {{; write }}}} for the brace itself. The placeholders are")?;
            }
            Self::Lines => {
                return write!(
                    f,
                    "a status bar reads single lines; take the line break out of the format"
                );
            }
        }
        for (name, _) in FIELDS {
            write!(f, " {{{name}}}")?;
        }
        write!(f, ", or `waybar` as the whole format")
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
    /// The line for this roster.
    pub(crate) fn line(&self, roster: &KnownRoster, escape: Escape) -> String {
        match self {
            Self::Waybar => output::json(&Waybar::of(roster)),
            Self::Template(parts) => {
                let mut line = String::new();
                for part in parts {
                    match part {
                        Part::Text(text) => line.push_str(text),
                        Part::Field(field) => line.push_str(&escape.apply(&field.value(roster))),
                    }
                }
                line
            }
        }
    }
}

impl Field {
    fn value(self, roster: &KnownRoster) -> String {
        let names = |wanted: &dyn Fn(&PersonView) -> bool| {
            let others = roster.others();
            let names = others.iter().filter(|person| wanted(person));
            names.map(|person| person.distinct_name()).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Here => roster.count(Group::Here).to_string(),
            Self::Away => roster.count(Group::Away).to_string(),
            Self::Offline => roster.count(Group::Offline).to_string(),
            Self::Total => roster.total().to_string(),
            Self::Names => names(&|person| person.group() == Group::Here),
            Self::AwayNames => names(&|person| person.group() == Group::Away),
            Self::Typing => names(&|person| person.typing),
            Self::Calls => names(&|person| person.in_call && !person.stale),
            Self::Me => {
                roster.me().map(|me| words::status(&me.status, words::english)).unwrap_or_default()
            }
            Self::Glyph => roster
                .me()
                .map(|me| words::glyph(&me.status, me.cause).to_owned())
                .unwrap_or_default(),
            Self::Link => (if roster.is_up() { "up" } else { "down" }).to_owned(),
            Self::AsOf => roster.as_of().map(clock::local).unwrap_or_default(),
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
    fn of(roster: &KnownRoster) -> Self {
        let (here, total) = (roster.count(Group::Here), roster.total());
        let alt = match (roster.is_up(), here) {
            (false, _) => "down",
            (true, 0) => "nobody",
            (true, _) => "here",
        };
        let mut class = vec![alt.to_owned()];
        if let Some(me) = roster.me() {
            // A style sheet can't know the person's own words.
            let known = ["online", "away", "dnd", "offline"].contains(&me.status.as_str());
            class.push(format!("me-{}", if known { &me.status } else { "other" }));
        }
        Self {
            text: format!("{here}/{total}"),
            alt,
            tooltip: tooltip(roster),
            class,
            percentage: (here * 100).checked_div(total).unwrap_or_default(),
        }
    }
}

/// Escapes a text for a tooltip.
fn escaped(text: &str) -> String {
    Escape::Pango.apply(text)
}

/// The roster as Pango's markup.
fn tooltip(roster: &KnownRoster) -> String {
    let mut lines = Vec::new();
    if !roster.is_up() {
        let as_of =
            roster.as_of().map_or_else(String::new, |at| format!(" since {}", clock::local(at)));
        let why = roster.problem().map_or_else(String::new, |why| format!(": {why}"));
        lines.push(escaped(&format!("not connected{as_of}{why}")));
    }
    if roster.may_be_unread() {
        lines.push(escaped(output::NOBODY_SEEN));
    }
    let others = roster.others();
    for person in others.iter().take(TOOLTIP) {
        let line = escaped(&output::person_line(person, crate::style::OutputStyle::NONE));
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

    fn roster(people: Vec<PersonView>, link: ConnectionView) -> KnownRoster {
        let mut roster = KnownRoster::new(Some(&UserId::parse("me").unwrap()));
        roster.apply(&Update { link: Some(link), joins: people, ..Update::default() });
        roster
    }

    fn up() -> ConnectionView {
        ConnectionView::Up { since: porchlight_core::time::Timestamp::default(), gap: None }
    }

    fn line(format: &str, roster: &KnownRoster) -> String {
        let format: Format = format.parse().unwrap_or_else(|error| panic!("{format}: {error}"));
        format.line(roster, Escape::Neutral)
    }

    #[test]
    fn placeholders_leave_out_the_user() {
        let mut typing = person("d", "Dora", "dnd");
        typing.typing = true;
        let people = vec![
            person("me", "Me", "away"),
            person("a", "Anna", "online"),
            person("b", "Bob", "away"),
            person("c", "Carl", "offline"),
            typing,
        ];
        let roster = roster(people, up());
        let all = "{here} {away} {offline} {total} [{names}] [{away_names}] [{typing}] [{calls}] {me} {glyph} {link} [{as_of}]";
        assert_eq!(line(all, &roster), "2 1 1 4 [Anna, Dora] [Bob] [Dora] [] away ☾ up []");
        assert_eq!(line("{{{here}}} of {total}", &roster), "{2} of 4");
        assert_eq!(line("plain", &roster), "plain");
    }

    #[test]
    fn ids_tell_two_people_with_the_same_name_apart() {
        let namesake = |user: &str, status: &str| PersonView {
            shown_id: Some(user.to_owned()),
            ..person(user, "Anna", status)
        };
        let roster = roster(vec![namesake("anna", "online"), namesake("anna-2", "online")], up());
        assert_eq!(line("{names}", &roster), "Anna (anna), Anna (anna-2)");
        let waybar: serde_json::Value = serde_json::from_str(&line("waybar", &roster)).unwrap();
        let tooltip = waybar["tooltip"].as_str().unwrap();
        assert!(tooltip.contains("Anna (anna)") && tooltip.contains("Anna (anna-2)"), "{tooltip}");
    }

    #[test]
    fn an_error_lists_the_placeholders() {
        for (format, part) in [
            ("{heer}", "there is no placeholder {heer}; use one of {here} {away}"),
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
    fn text_of_others_is_escaped_in_the_markup_for_waybar() {
        let mut anna = person("a", "<b>Anna</b> & \"co\"", "online");
        anna.text = Some("it's\u{202E} <span>".to_owned());
        let waybar: serde_json::Value =
            serde_json::from_str(&line("waybar", &roster(vec![anna], up()))).unwrap();
        assert_eq!(waybar["text"], "1/1");
        assert_eq!((&waybar["alt"], &waybar["class"][0]), (&"here".into(), &"here".into()));
        assert_eq!(waybar["percentage"], 100);
        assert_eq!(
            waybar["tooltip"],
            "● &lt;b&gt;Anna&lt;/b&gt; &amp; &quot;co&quot;  online  it&apos;s &lt;span&gt;"
        );
    }

    #[test]
    fn without_a_connection_the_last_known_people_stay() {
        let mut anna = person("a", "Anna", "online");
        anna.stale = true;
        let down =
            ConnectionView::Connecting { as_of: None, retry_at: None, problem: None, host: None };
        let roster = roster(vec![anna, person("me", "Me", "in a meeting")], down);
        let waybar: serde_json::Value = serde_json::from_str(&line("waybar", &roster)).unwrap();
        assert_eq!(waybar["class"], serde_json::json!(["down", "me-other"]));
        let tooltip = waybar["tooltip"].as_str().unwrap();
        assert!(tooltip.starts_with("not connected\n<span"), "{tooltip}");
        assert_eq!(line("{link} {here}", &roster), "down 1");
    }
}
