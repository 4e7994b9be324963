//! `porchlight watch` on a terminal: the live list.
//!
//! Owns the terminal and restores it at the end, after a panic, too. It draws when something changes, when a key is
//! pressed, and at midnight, when the times of day on it change.

use std::io::{self, Stdout};

use crossterm::cursor::Show;
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use futures_lite::StreamExt as _;
use porchlight_agent::clock;
use porchlight_core::view::{Group, PersonView};
use porchlight_core::words;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

use crate::output::plain;
use crate::roster::KnownRoster;
use crate::style::OutputStyle;

/// A terminal that shows the live list.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    keys: EventStream,
    list: LiveList,
}

/// What the user at the terminal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// To draw again: the terminal was resized, or the list scrolled.
    Draw,
    /// To quit.
    Quit,
}

impl Screen {
    /// Takes over the terminal.
    pub(crate) fn open(style: OutputStyle) -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // First, so that the message can be read.
            restore();
            before(panic);
        }));
        enable_raw_mode()?;
        let taken = execute!(io::stdout(), EnterAlternateScreen);
        let terminal = taken.and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        let terminal = terminal.inspect_err(|_| restore())?;
        Ok(Self {
            terminal,
            keys: EventStream::new(),
            list: LiveList { style, scroll: 0, max_scroll: 0 },
        })
    }

    /// Draws the list. Only cells that changed are written.
    pub(crate) fn draw(&mut self, roster: &KnownRoster) -> io::Result<()> {
        let list = &mut self.list;
        self.terminal.draw(|frame| list.draw(roster, frame.area(), frame.buffer_mut()))?;
        Ok(())
    }

    /// The next request of the user. Cancel-safe.
    pub(crate) async fn request(&mut self) -> Request {
        loop {
            match self.keys.next().await {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                    if let Some(request) = self.list.press(key) {
                        return request;
                    }
                }
                Some(Ok(Event::Resize(..))) => return Request::Draw,
                Some(Ok(_)) => {}
                // The terminal is gone.
                Some(Err(_)) | None => return Request::Quit,
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal. Errors are ignored: the terminal may be gone.
fn restore() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

/// The list and how far it is scrolled, independent of a terminal.
struct LiveList {
    style: OutputStyle,
    /// How many lines are scrolled past.
    scroll: usize,
    /// How many lines can be scrolled past, as of the last drawing.
    max_scroll: usize,
}

/// One line of the list.
enum Row<'a> {
    Group(&'static str, usize),
    Person(&'a PersonView),
}

impl LiveList {
    fn press(&mut self, key: KeyEvent) -> Option<Request> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let page = 10;
        self.scroll = match key.code {
            KeyCode::Char('c' | 'd') if control => return Some(Request::Quit),
            KeyCode::Char('q') | KeyCode::Esc => return Some(Request::Quit),
            KeyCode::Down | KeyCode::Char('j') => self.scroll + 1,
            KeyCode::Up | KeyCode::Char('k') => self.scroll.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll + page,
            KeyCode::PageUp => self.scroll.saturating_sub(page),
            KeyCode::Home => 0,
            KeyCode::End => self.max_scroll,
            _ => return None,
        }
        .min(self.max_scroll);
        Some(Request::Draw)
    }

    fn draw(&mut self, roster: &KnownRoster, area: Rect, buffer: &mut Buffer) {
        if area.height == 0 || area.width == 0 {
            return;
        }
        let mut top = area.y;
        let mut put = |text: &str, style| {
            if top < area.bottom() {
                buffer.set_stringn(area.x, top, fit(text, area.width), area.width.into(), style);
                top += 1;
            }
        };
        let others = roster.others();
        let here = roster.count(Group::Here);
        let title = match (roster.was_read(), roster.is_up()) {
            (false, _) => "Porchlight".to_owned(),
            (true, true) => format!("{here} of {} here", others.len()),
            (true, false) => format!("{here} of {} were here", others.len()),
        };
        put(&title, Style::new().add_modifier(Modifier::BOLD));
        if !roster.is_up() {
            let as_of = roster.as_of().map(|at| format!(", as of {}", clock::local(at)));
            put(&format!("not connected{}", as_of.unwrap_or_default()), self.colour(Color::Red));
            if let Some(why) = roster.problem() {
                put(&plain(&why), dim());
            }
        }
        let mut rows = Vec::new();
        for (group, title) in
            [(Group::Here, "Here"), (Group::Away, "Away"), (Group::Offline, "Offline")]
        {
            let of_group: Vec<_> = others.iter().filter(|person| person.group() == group).collect();
            if !of_group.is_empty() {
                rows.push(Row::Group(title, of_group.len()));
                rows.extend(of_group.into_iter().map(|person| Row::Person(person)));
            }
        }
        if rows.is_empty() && roster.was_read() {
            put("Nobody is here yet.", dim());
            if roster.may_be_unread() {
                put("This broker may keep stored messages back; run `porchlight doctor`.", dim());
            }
        }
        let space = usize::from(area.bottom() - top);
        // The last line shows that there is more.
        let whole = rows.len() <= space;
        let lines = if whole { space } else { space.saturating_sub(1) };
        self.max_scroll = rows.len().saturating_sub(lines);
        self.scroll = self.scroll.min(self.max_scroll);
        let names = names_width(&others, area.width);
        for row in rows.iter().skip(self.scroll).take(lines) {
            let line = Rect { y: top, height: 1, ..area };
            match row {
                Row::Group(title, count) => {
                    let style = Style::new().add_modifier(Modifier::UNDERLINED);
                    let title = format!("{title} {count}");
                    buffer.set_stringn(line.x, line.y, title, line.width.into(), style);
                }
                Row::Person(person) => self.draw_person(roster, person, names, line, buffer),
            }
            top += 1;
        }
        if !whole {
            let below = rows.len().saturating_sub(self.scroll + lines);
            let text = match (self.scroll, below) {
                (0, below) => format!("{below} more below"),
                (above, 0) => format!("{above} more above"),
                (above, below) => format!("{above} above, {below} below"),
            };
            buffer.set_stringn(area.x, area.bottom() - 1, text, area.width.into(), dim());
        }
    }

    fn draw_person(
        &self,
        roster: &KnownRoster,
        person: &PersonView,
        names: u16,
        line: Rect,
        buffer: &mut Buffer,
    ) {
        let state = match (person.status.as_str(), person.group()) {
            ("dnd", _) => self.colour(Color::Red),
            (_, Group::Here) => self.colour(Color::Green),
            (_, Group::Away) => self.colour(Color::Yellow),
            (_, Group::Offline) => dim(),
        };
        let (state, text) = if person.stale {
            (dim(), dim())
        } else if person.group() == Group::Offline {
            (state, dim())
        } else {
            (state, Style::new())
        };
        let glyph = words::glyph(&person.status, person.cause);
        let (x, y) = (line.x, line.y);
        buffer.set_stringn(x, y, glyph, line.width.into(), state);
        let left = line.width.saturating_sub(2);
        buffer.set_stringn(x + 2, y, fit_name(person, names.min(left)), left.into(), text);
        let used = 2 + names + 2;
        if let Some(left) = line.width.checked_sub(used).filter(|left| *left > 0) {
            let details = fit(&details(roster, person), left);
            buffer.set_stringn(x + used, y, details, left.into(), text);
        }
    }

    /// A colour, or none if colours are off. The shape shows the same.
    fn colour(&self, colour: Color) -> Style {
        if self.style.is_on() { Style::new().fg(colour) } else { Style::new() }
    }
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// The text after a name. What ends soon comes first, so that a narrow terminal shows it.
fn details(roster: &KnownRoster, person: &PersonView) -> String {
    let mut details = Vec::new();
    if person.typing {
        details.push("typing…".to_owned());
    }
    if person.in_call && !person.stale {
        details.push("in a call".to_owned());
    }
    let as_of = roster.as_of().or(person.evidence.heard);
    details.push(match as_of.filter(|_| person.stale) {
        Some(at) => {
            format!("{} as of {}", words::status(&person.status, words::english), clock::local(at))
        }
        None => words::status_line(person, words::english, clock::local),
    });
    details.extend(words::remark(person));
    plain(&details.join("  ")).into_owned()
}

/// The width of the column of names: that of the longest one, but it leaves space for the details.
fn names_width(people: &[&PersonView], width: u16) -> u16 {
    let longest =
        people.iter().map(|person| Span::raw(plain(&person.distinct_name())).width()).max();
    let longest = u16::try_from(longest.unwrap_or_default()).unwrap_or(u16::MAX);
    longest.min((width * 2 / 5).max(8)).min(28)
}

/// Fits a name into `width` columns. It cuts the name before the id beside it, which says who this is.
fn fit_name(person: &PersonView, width: u16) -> String {
    let Some(id) = &person.shown_id else {
        return fit(&person.name, width);
    };
    let id = format!(" ({})", plain(id));
    let left = u16::try_from(Span::raw(&id).width()).ok().and_then(|id| width.checked_sub(id));
    match left {
        Some(left) if left > 1 => fit(&person.name, left) + &id,
        _ => fit(id.trim_start(), width),
    }
}

/// A text cut to that many columns; a cut text ends in `…`.
fn fit(text: &str, width: u16) -> String {
    let text = plain(text);
    let whole = Span::raw(text.as_ref());
    let width = usize::from(width);
    if whole.width() <= width {
        return text.into_owned();
    }
    let mut fitting = String::new();
    let mut used = 1;
    for grapheme in whole.styled_graphemes(Style::default()) {
        used += Span::raw(grapheme.symbol).width();
        if used > width {
            break;
        }
        fitting.push_str(grapheme.symbol);
    }
    if width > 0 {
        fitting.push('…');
    }
    fitting
}

#[cfg(test)]
mod tests;
