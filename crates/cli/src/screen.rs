//! `porchlight watch` on a terminal: the roster, alive.
//!
//! Owns the terminal while it lives, and gives it back as it was, after a panic, too. It draws when something changed
//! or a key was pressed, and at midnight: all times are times of day, which change by themselves only then.

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

/// A terminal that shows the room.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    keys: EventStream,
    look: Look,
}

/// What a person at the terminal wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// To see it anew: another size, or another part.
    Draw,
    /// To end.
    Quit,
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn open(ink: OutputStyle) -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // First, so that what went wrong can be read.
            give_back();
            before(panic);
        }));
        enable_raw_mode()?;
        let taken = execute!(io::stdout(), EnterAlternateScreen);
        let terminal = taken.and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        let terminal = terminal.inspect_err(|_| give_back())?;
        Ok(Self { terminal, keys: EventStream::new(), look: Look { ink, scroll: 0, most: 0 } })
    }

    /// Draws what is to be seen; only what changed is written.
    pub(crate) fn draw(&mut self, room: &KnownRoster) -> io::Result<()> {
        let look = &mut self.look;
        self.terminal.draw(|frame| look.draw(room, frame.area(), frame.buffer_mut()))?;
        Ok(())
    }

    /// The next wish. Cancel-safe.
    pub(crate) async fn wish(&mut self) -> Request {
        loop {
            match self.keys.next().await {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                    if let Some(wish) = self.look.press(key) {
                        return wish;
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
        give_back();
    }
}

/// Leaves the terminal as it was found. What can't be done any more is not missed.
fn give_back() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

/// How the room is drawn, without a terminal.
struct Look {
    ink: OutputStyle,
    /// How many lines were scrolled past.
    scroll: usize,
    /// How many can be, as of the last drawing.
    most: usize,
}

/// One line of the list.
enum Row<'a> {
    Group(&'static str, usize),
    Person(&'a PersonView),
}

impl Look {
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
            KeyCode::End => self.most,
            _ => return None,
        }
        .min(self.most);
        Some(Request::Draw)
    }

    fn draw(&mut self, room: &KnownRoster, area: Rect, buffer: &mut Buffer) {
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
        let others = room.others();
        let here = room.count(Group::Here);
        let title = match (room.was_read(), room.is_up()) {
            (false, _) => "Porchlight".to_owned(),
            (true, true) => format!("{here} of {} here", others.len()),
            (true, false) => format!("{here} of {} were here", others.len()),
        };
        put(&title, Style::new().add_modifier(Modifier::BOLD));
        if !room.is_up() {
            let as_of = room.as_of().map(|at| format!(", as of {}", clock::local(at)));
            put(&format!("not connected{}", as_of.unwrap_or_default()), self.colour(Color::Red));
            if let Some(why) = room.problem() {
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
        if rows.is_empty() && room.was_read() {
            put("Nobody is here yet.", dim());
            if room.may_be_unread() {
                put("This broker may keep stored messages back; see `porchlight doctor`.", dim());
            }
        }
        let room_for = usize::from(area.bottom() - top);
        // The last line says that there is more.
        let whole = rows.len() <= room_for;
        let lines = if whole { room_for } else { room_for.saturating_sub(1) };
        self.most = rows.len().saturating_sub(lines);
        self.scroll = self.scroll.min(self.most);
        let names = names_width(&others, area.width);
        for row in rows.iter().skip(self.scroll).take(lines) {
            let line = Rect { y: top, height: 1, ..area };
            match row {
                Row::Group(title, count) => {
                    let style = Style::new().add_modifier(Modifier::UNDERLINED);
                    let title = format!("{title} {count}");
                    buffer.set_stringn(line.x, line.y, title, line.width.into(), style);
                }
                Row::Person(person) => self.person(room, person, names, line, buffer),
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

    fn person(
        &self,
        room: &KnownRoster,
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
            let said = fit(&said(room, person), left);
            buffer.set_stringn(x + used, y, said, left.into(), text);
        }
    }

    /// A colour, or none where none is wanted: the shape says it, too.
    fn colour(&self, colour: Color) -> Style {
        if self.ink.is_on() { Style::new().fg(colour) } else { Style::new() }
    }
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// What is said of a person behind the name. What ends soon comes first, so that a narrow terminal shows it.
fn said(room: &KnownRoster, person: &PersonView) -> String {
    let mut said = Vec::new();
    if person.typing {
        said.push("typing…".to_owned());
    }
    if person.in_call && !person.stale {
        said.push("in a call".to_owned());
    }
    let as_of = room.as_of().or(person.evidence.heard);
    said.push(match as_of.filter(|_| person.stale) {
        Some(at) => {
            format!("{} as of {}", words::status(&person.status, words::english), clock::local(at))
        }
        None => words::status_line(person, words::english, clock::local),
    });
    said.extend(words::remark(person));
    plain(&said.join("  ")).into_owned()
}

/// How wide the column of names is: as the longest, but it leaves room for what is said of them.
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

/// A text in so many columns; one that is longer ends in `…`.
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
