//! Two people whose names look the same, in everything that the engine shows.

use super::*;
use crate::preferences::Preference;
use crate::signal::SignalCommand;
use crate::view::signals::When;

const ANNA: &str = "presence/anna/device/desk";
const EVE: &str = "presence/eve/device/desk";

fn record(name: &str) -> Value {
    json!({"v":1,"status":"online","timestamp":START,"epoch":5,"name":name})
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

impl Rig {
    /// What each of these notifications calls whom it is about.
    fn called(&mut self) -> Vec<String> {
        let notifications = self.notifications();
        let called = |mut notification: Notification| {
            notification.who_mut().map(|who| who.name.clone()).collect()
        };
        notifications.into_iter().flat_map::<Vec<_>, _>(called).collect()
    }

    fn tray(&self) -> Vec<String> {
        let tray = self.engine.shown.tray.as_ref().unwrap();
        tray.people.iter().map(|person| person.name.clone()).collect()
    }

    fn in_the_list(&self) -> Vec<String> {
        self.engine.others().map(PersonView::distinct_name).collect()
    }
}

#[test]
fn a_notice_tells_two_people_of_one_name_apart() {
    let mut rig = Rig::up();
    rig.live(ANNA, &record("Anna"));
    rig.pass(5000);
    assert_eq!(rig.called(), ["Anna"]);
    // A letter of another script, and nothing to see.
    rig.live(EVE, &record("\u{410}nna\u{2800}"));
    rig.pass(5000);
    assert_eq!(rig.called(), ["\u{410}nna\u{2800} (eve)"]);
    rig.live(ANNA, &json!({"v":1,"status":"offline","cause":"left","epoch":5,"name":"Anna"}));
    rig.pass(60_000);
    assert_eq!(rig.called(), ["Anna (anna)"]);
}

#[test]
fn several_in_one_notice_are_told_apart_too() {
    let mut rig = Rig::up();
    for who in ["anna", "anna-2", "bob", "carl"] {
        let name = if who.starts_with("anna") { "Anna" } else { who };
        rig.live(&format!("presence/{who}/device/desk"), &record(name));
    }
    rig.pass(5000);
    assert_eq!(rig.called(), ["Anna (anna)", "Anna (anna-2)", "bob", "carl"]);
}

#[test]
fn list_and_tray_tell_them_apart_and_stop_when_one_is_forgotten() {
    let mut rig = Rig::up();
    rig.live(ANNA, &record("Anna"));
    rig.live(EVE, &record("anna"));
    rig.pass(1000);
    assert_eq!(rig.in_the_list(), ["Anna (anna)", "anna (eve)"]);
    assert_eq!(rig.tray(), ["Anna (anna)", "anna (eve)"]);
    // A person who was shown before is shown again, now with the id.
    let ids = |effects: &VecDeque<Effect>| {
        let updates = effects.iter().filter_map(|effect| match effect {
            Effect::Show(update) => Some(update),
            _ => None,
        });
        let people = updates.flat_map(|update| update.joins.iter().chain(&update.changes));
        people.map(|person| (person.user.clone(), person.shown_id.clone())).collect::<Vec<_>>()
    };
    let named = |user: &str, id: Option<&str>| (user.to_owned(), id.map(str::to_owned));
    let told = ids(&rig.effects);
    assert_eq!(told.last_chunk(), Some(&[named("eve", Some("eve")), named("anna", Some("anna"))]));
    rig.effects.clear();
    rig.receive(EVE, "", false);
    rig.pass(1000);
    assert_eq!(rig.in_the_list(), ["Anna"]);
    assert_eq!(rig.tray(), ["Anna"]);
    assert!(ids(&rig.effects).contains(&named("anna", None)), "{:?}", rig.effects);
}

#[test]
fn a_name_like_mine_is_told_apart_from_mine() {
    let mut rig = Rig::up();
    let mine = rig.engine.local_device.as_ref().unwrap().holder.name.clone();
    rig.live(EVE, &record(&mine.to_uppercase()));
    rig.pass(5000);
    assert_eq!(rig.called(), [format!("{} (eve)", mine.to_uppercase())]);
    assert_eq!(rig.in_the_list(), rig.tray());
    assert!(rig.tray()[0].ends_with(" (eve)"), "{:?}", rig.tray());
}

#[test]
fn knocks_and_waves_say_which_of_the_two_it_is_and_follow_a_new_name() {
    let mut rig = Rig::up();
    rig.live(ANNA, &record("Anna"));
    rig.live(EVE, &record("Anna (anna)"));
    rig.pass(5000);
    rig.called();
    let knock = json!({"v":1,"kind":"knock","id":"k1","text":"Coffee?","at":1});
    rig.live("presence/alice/inbox/eve", &knock);
    rig.pass(100);
    assert_eq!(rig.called(), ["Anna (anna) (eve)"]);
    let tray = rig.engine.shown.tray.clone().unwrap();
    assert_eq!(tray.knocks[0].name, "Anna (anna) (eve)");
    let names = |rig: &Rig| {
        let signals = rig.engine.snapshot(Stage::Running).signals;
        signals.exchanges.iter().map(|it| it.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&rig), ["Anna (anna) (eve)"]);
    // The window hears of it in the same update.
    rig.effects.clear();
    rig.command(Command::Prefer(Preference::Nickname {
        user: user("eve"),
        nickname: Some("Eve".to_owned()),
    }));
    assert_eq!(names(&rig), ["Eve"]);
    assert!(rig.effects.iter().any(|effect| {
        matches!(effect, Effect::Show(update) if update.signals.as_ref().is_some_and(|it| it.exchanges[0].name == "Eve"))
    }));
    assert_eq!(rig.tray(), ["Anna", "Eve"]);
    // What I send says it, too.
    rig.live(ANNA, &json!({"v":1,"status":"offline","cause":"left","epoch":5,"name":"Eve"}));
    rig.pass(100);
    let knock = SignalCommand::Knock { to: user("anna"), text: None, when: When::Now };
    rig.command(Command::Signal(knock));
    let failure = rig.engine.snapshot(Stage::Running).signals.exchanges.pop().unwrap().failure;
    let said = failure.unwrap().message;
    assert!(said.contains("Eve (anna)"), "{said}");
}
