use porchlight_core::id::UserId;
use porchlight_core::time::Timestamp;
use porchlight_core::view::{Cause, ConnectionView, Update};

use super::*;

fn person(user: &str, name: &str, status: &str) -> PersonView {
    PersonView {
        user: user.to_owned(),
        name: name.to_owned(),
        status: status.to_owned(),
        ..PersonView::default()
    }
}

fn update(people: Vec<PersonView>, link: ConnectionView) -> Update {
    Update { link: Some(link), joins: people, ..Update::default() }
}

fn up() -> ConnectionView {
    ConnectionView::Up { since: Timestamp::default(), gap: None }
}

fn roster(people: Vec<PersonView>) -> KnownRoster {
    let mut roster = KnownRoster::new(Some(&UserId::parse("me").unwrap()));
    roster.apply(&update(people, up()));
    roster
}

fn list() -> LiveList {
    LiveList { style: OutputStyle::NONE, scroll: 0, max_scroll: 0 }
}

/// What a terminal of that size shows, line by line.
fn lines(list: &mut LiveList, roster: &KnownRoster, width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    list.draw(roster, area, &mut buffer);
    let line = |y| {
        let cells = (0..width).map(|x| buffer[(x, y)].symbol().to_owned());
        cells.collect::<String>().trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

#[test]
fn forty_columns_are_enough() {
    let mut anna = person("a", "Anna", "online");
    anna.typing = true;
    let mut carl = person("c", "Carl with a very long name indeed", "dnd");
    carl.in_call = true;
    carl.text = Some("Deep work".to_owned());
    let mut bob = person("b", "Bob", "away");
    bob.cause = Some(Cause::Locked);
    let roster =
        roster(vec![anna, bob, carl, person("me", "Me", "online"), person("z", "Zoë", "offline")]);
    assert_eq!(
        lines(&mut list(), &roster, 40, 9),
        [
            "2 of 4 here",
            "Here 2",
            "● Anna              typing…  online",
            "⊖ Carl with a ver…  in a call  do not d…",
            "Away 1",
            "☾ Bob               away, screen locked",
            "Offline 1",
            "○ Zoë               offline",
            "",
        ]
    );
}

#[test]
fn keys_scroll_to_what_does_not_fit() {
    let people = (0..20).map(|n| person(&format!("p{n:02}"), &format!("P{n:02}"), "online"));
    let roster = roster(people.collect());
    let mut list = list();
    let shown = lines(&mut list, &roster, 40, 8);
    assert_eq!((shown[1].as_str(), shown[7].as_str()), ("Here 20", "15 more below"));
    let press = |list: &mut LiveList, code| list.press(KeyEvent::new(code, KeyModifiers::NONE));
    assert_eq!(press(&mut list, KeyCode::Down), Some(Request::Draw));
    let shown = lines(&mut list, &roster, 40, 8);
    assert_eq!((&shown[1][..], &shown[7][..]), ("● P00  online", "1 above, 14 below"));
    press(&mut list, KeyCode::End);
    let shown = lines(&mut list, &roster, 40, 8);
    assert_eq!((&shown[6][..], &shown[7][..]), ("● P19  online", "15 more above"));
    // A terminal that grows shows all again.
    let shown = lines(&mut list, &roster, 40, 30);
    assert_eq!((&shown[1][..], &shown[22][..]), ("Here 20", ""));
    for (code, modifiers) in [
        (KeyCode::Char('q'), KeyModifiers::NONE),
        (KeyCode::Esc, KeyModifiers::NONE),
        (KeyCode::Char('c'), KeyModifiers::CONTROL),
    ] {
        assert_eq!(list.press(KeyEvent::new(code, modifiers)), Some(Request::Quit));
    }
    assert_eq!(press(&mut list, KeyCode::Char('x')), None);
}

#[test]
fn the_smallest_terminals_break_nothing() {
    let people: Vec<_> =
        (0..5).map(|n| person(&format!("p{n}"), "名前の長い人", "online")).collect();
    let roster = roster(people);
    for width in 0..12 {
        for height in 0..6 {
            lines(&mut list(), &roster, width, height);
        }
    }
}

#[test]
fn a_person_who_is_only_last_known_has_an_as_of_time() {
    let mut roster = roster(Vec::new());
    assert_eq!(lines(&mut list(), &roster, 40, 2)[1], "Nobody is here yet.");
    let mut anna = person("a", "Anna", "online");
    anna.stale = true;
    let at = Timestamp::from_ms(1_763_741_700_000);
    let down = ConnectionView::Connecting { as_of: at, retry_at: None, problem: None, host: None };
    roster.apply(&update(vec![anna], down));
    let shown = lines(&mut list(), &roster, 60, 4);
    let at = at.map(clock::local).unwrap();
    assert_eq!(
        shown,
        [
            "1 of 1 were here".to_owned(),
            format!("not connected, as of {at}"),
            "Here 1".to_owned(),
            format!("● Anna  online as of {at}"),
        ]
    );
}

#[test]
fn text_of_others_can_not_control_the_terminal() {
    let mut anna = person("a", "An\u{1B}[31mna\u{202E}", "online");
    anna.text = Some("x\u{9B}2J".to_owned());
    let shown = lines(&mut list(), &roster(vec![anna]), 60, 3);
    assert_eq!(shown[2], "● An[31mna  online  x2J");
}

#[test]
fn wide_letters_count_as_two_columns() {
    assert_eq!(fit("名前の長い人", 6), "名前…");
    assert_eq!(fit("Zoë", 3), "Zoë");
    assert_eq!(fit("Zoë", 2), "Z…");
    assert_eq!(fit("Zoë", 0), "");
}

/// The child process of the test below: takes over the terminal and panics.
#[test]
fn child_that_panics() {
    if std::env::var_os("PORCHLIGHT_SCREEN_TEST_CHILD").is_some() {
        let _screen = Screen::open(OutputStyle::NONE).expect("there is a terminal");
        panic!("on purpose");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_panic_restores_the_terminal_before_its_message() {
    let program = std::env::current_exe().unwrap();
    let command = format!(
        "{} --exact screen::tests::child_that_panics --nocapture; stty -a",
        program.display()
    );
    // A terminal of its own.
    let child = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env("PORCHLIGHT_SCREEN_TEST_CHILD", "1")
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("script(1) is part of every Linux");
    let output = String::from_utf8_lossy(&child.stdout);
    let at = |what: &str| output.find(what).unwrap_or_else(|| panic!("no {what:?} in {output:?}"));
    assert!(at("\u{1B}[?1049h") < at("\u{1B}[?1049l"), "{output:?}");
    assert!(at("\u{1B}[?1049l") < at("on purpose"), "{output:?}");
    // Line mode and echo are on again.
    assert!(at(" icanon") > at("on purpose"), "{output:?}");
    assert!(output.contains(" echo "), "{output:?}");
}

#[test]
fn a_name_is_cut_before_the_id_beside_it() {
    let namesake = |user: &str, name: &str| PersonView {
        shown_id: Some(user.to_owned()),
        ..person(user, name, "online")
    };
    let long = "Anna of a very long house indeed";
    let roster = roster(vec![namesake("anna", "Anna"), namesake("anna-2", long)]);
    let shown = lines(&mut list(), &roster, 40, 4);
    assert!(shown[2].starts_with("● Anna (anna)"), "{shown:?}");
    assert!(shown[3].starts_with("● Anna o… (anna-2)"), "{shown:?}");
    let shown = lines(&mut list(), &roster, 12, 4);
    assert!(shown[2].starts_with("● Anna") || shown[2].contains("(anna)"), "{shown:?}");
    assert!(shown[3].contains("(anna-2)"), "{shown:?}");
}
