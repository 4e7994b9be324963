//! What passes between two people, as one device of alice's says and hears it.

use super::*;
use crate::effect::Qos;
use crate::notification::Suppressed;
use crate::signal::SignalCommand;
use crate::view::signals::{ExchangeStage, ExchangeView, When};
use crate::wire::{Answer, SignalId};

mod example;
mod incoming;
mod typing;
mod waiting;

const FROM_BOB: &str = "presence/alice/inbox/bob";
const TO_BOB: &str = "presence/bob/inbox/alice";
const TO_MYSELF: &str = "presence/alice/inbox/alice";

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn id(id: &str) -> SignalId {
    SignalId::parse(id).unwrap()
}

impl Rig {
    /// Alice's laptop, and bob is online.
    fn with_bob() -> Self {
        let mut rig = Self::up();
        rig.bob_is("online");
        rig.pass(1000);
        rig.effects.clear();
        rig
    }

    fn bob_is(&mut self, status: &str) {
        let mut record = json!({"v":1,"status":status,"name":"Bob","epoch":1});
        if status == "dnd" {
            record["status"] = json!("online");
            record["chosen"] = json!({"rev":1,"status":"dnd"});
        }
        self.live("presence/bob/device/desk", &record);
    }

    fn want(&mut self, command: SignalCommand) {
        self.command(Command::Signal(command));
    }

    fn knock(&mut self, when: When) -> String {
        let text = Some("Got a minute?".to_owned());
        self.want(SignalCommand::Knock { to: user("bob"), text, when });
        self.last().id
    }

    fn answer(&mut self, from: &str, of: &str, answer: Answer) {
        self.want(SignalCommand::Answer { from: user(from), id: id(of), answer });
    }

    fn hear(&mut self, message: &Value) {
        self.live(FROM_BOB, message);
    }

    fn exchanges(&self) -> Vec<ExchangeView> {
        self.engine.snapshot(Stage::Running).signals.exchanges
    }

    fn last(&self) -> ExchangeView {
        self.exchanges().pop().unwrap()
    }

    fn stage(&self) -> ExchangeStage {
        self.last().stage
    }

    fn failure(&self) -> String {
        self.last().failure.map(|failure| failure.code).unwrap_or_default()
    }

    /// Publishes that were asked for, acknowledged; those to this topic, as JSON.
    fn said(&mut self, topic: &str) -> Vec<Value> {
        let mut said = Vec::new();
        let mut ids = Vec::new();
        self.effects.retain(|effect| {
            if let Effect::Publish(publish) = effect {
                if publish.topic == topic {
                    said.push(serde_json::from_slice(&publish.payload).unwrap());
                }
                if publish.qos == Qos::AtLeastOnce {
                    ids.push(publish.id);
                }
            }
            !matches!(effect, Effect::Publish(_))
        });
        for id in ids {
            self.link(ConnectionEvent::Published { id, outcome: Ok(()) });
        }
        said
    }

    fn kinds_said(&mut self, topic: &str) -> Vec<String> {
        let kind = |json: &Value| json["kind"].as_str().unwrap_or_default().to_owned();
        self.said(topic).iter().map(kind).collect()
    }

    fn withdrawn(&mut self) -> Vec<String> {
        let mut keys = Vec::new();
        self.effects.retain(|effect| match effect {
            Effect::WithdrawNotification { key } => {
                keys.push(key.clone());
                false
            }
            _ => true,
        });
        keys
    }

    fn wants_attention(&mut self) -> bool {
        let tray = self.engine.shown.tray.as_ref();
        tray.is_some_and(|tray| !tray.knocks.is_empty())
    }

    fn silent(&self, why: Suppressed) -> u64 {
        self.engine.diagnostics().silent.get(&why).copied().unwrap_or_default()
    }
}

fn knock_of_bob(id: &str) -> Value {
    json!({"v":1,"kind":"knock","id":id,"text":"Coffee?","at":1})
}

#[test]
fn a_knock_goes_forward_and_never_back() {
    let mut rig = Rig::with_bob();
    let re = rig.knock(When::Now);
    assert_eq!(rig.stage(), ExchangeStage::Sending);
    let Some(Effect::Publish(publish)) =
        rig.effects.iter().find(|effect| matches!(effect, Effect::Publish(_))).cloned()
    else {
        panic!("{:?}", rig.effects);
    };
    assert_eq!((publish.qos, publish.retain), (Qos::AtLeastOnce, false));
    assert_eq!(publish.expires_in, Some(Duration::from_secs(30)));
    let said = rig.said(TO_BOB);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["kind"], "knock");
    assert_eq!(said[0]["text"], "Got a minute?");
    assert_eq!(rig.stage(), ExchangeStage::Sent);
    rig.hear(&json!({"v":1,"kind":"seen","re":re}));
    assert_eq!(rig.stage(), ExchangeStage::Seen);
    rig.hear(&json!({"v":1,"kind":"delivered","re":re}));
    assert_eq!(rig.stage(), ExchangeStage::Seen);
    rig.hear(&json!({"v":1,"kind":"answer","re":re,"answer":"come_in","text":"Come in"}));
    rig.hear(&json!({"v":1,"kind":"answer","re":re,"answer":"later","text":"Later"}));
    rig.hear(&json!({"v":1,"kind":"seen","re":re}));
    assert_eq!(rig.last().answer, Some(Answer::ComeIn));
    assert_eq!(rig.stage(), ExchangeStage::Answered);
    let notifications = rig.notifications();
    assert_eq!(notifications.len(), 1, "{notifications:?}");
    assert!(matches!(&notifications[0], Notification::Answered { answer: Answer::ComeIn, .. }));
}

#[test]
fn only_whoever_was_asked_can_answer() {
    let mut rig = Rig::with_bob();
    let re = rig.knock(When::Now);
    rig.said(TO_BOB);
    rig.live(
        "presence/alice/inbox/carol",
        &json!({"v":1,"kind":"answer","re":re,"answer":"later"}),
    );
    rig.live(TO_MYSELF, &json!({"v":1,"kind":"answer","re":re,"answer":"later"}));
    assert_eq!(rig.stage(), ExchangeStage::Sent);
}

#[test]
fn somebody_offline_is_not_knocked_at_but_may_be_waited_for() {
    let mut rig = Rig::with_bob();
    rig.live(
        "presence/bob/device/desk",
        &json!({"v":1,"status":"offline","cause":"left","since":START,"name":"Bob","epoch":2}),
    );
    rig.knock(When::Now);
    let last = rig.last();
    let failure = last.failure.unwrap();
    assert_eq!(last.stage, ExchangeStage::Failed);
    assert_eq!(failure.code, "offline");
    assert_eq!(failure.message, "Bob is offline; knock when they are back instead");
    assert_eq!((failure.since, failure.cause), (Timestamp::from_ms(START), Some(Cause::Left)));
    rig.knock(When::Back);
    assert_eq!(rig.stage(), ExchangeStage::Waiting);
    rig.pass(3_600_000);
    rig.bob_is("away");
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
    rig.bob_is("online");
    assert_eq!(rig.kinds_said(TO_BOB), ["knock"]);
    assert_eq!(rig.stage(), ExchangeStage::Sent);
}

#[test]
fn a_knock_that_cannot_be_sent_says_why() {
    let mut rig = Rig::with_bob();
    rig.want(SignalCommand::Knock { to: user("nobody"), text: None, when: When::Now });
    assert_eq!(rig.failure(), "not_known");
    rig.want(SignalCommand::Knock { to: user("alice"), text: None, when: When::Now });
    assert_eq!(rig.failure(), "myself");
    let text = Some("x".repeat(281));
    rig.want(SignalCommand::Knock { to: user("bob"), text, when: When::Now });
    assert_eq!(rig.failure(), "too_long");
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
    for _ in 0..6 {
        rig.knock(When::Now);
    }
    assert_eq!(rig.failure(), "too_many");
    assert_eq!(rig.kinds_said(TO_BOB), ["knock"; 5]);
}

#[test]
fn a_short_drop_of_our_own_connection_delays_a_knock() {
    let mut rig = Rig::with_bob();
    rig.link(broken());
    let re = rig.knock(When::Now);
    rig.pass(3_000);
    rig.connect();
    let said = rig.said(TO_BOB);
    assert_eq!((said.len(), &said[0]["id"]), (1, &json!(re)));
    // Sent and not acknowledged, it is sent again under the same id.
    let again = rig.knock(When::Now);
    assert_eq!(rig.stage(), ExchangeStage::Sending);
    rig.link(broken());
    rig.pass(3_000);
    rig.connect();
    let said = rig.said(TO_BOB);
    let ids: Vec<_> =
        said.iter().filter(|json| json["kind"] == "knock").map(|j| &j["id"]).collect();
    assert_eq!(ids, [&json!(again); 2], "once on each connection");
    assert_eq!(rig.stage(), ExchangeStage::Sent);
}

#[test]
fn a_long_drop_of_our_own_connection_ends_a_knock_and_says_so() {
    let mut rig = Rig::with_bob();
    rig.link(broken());
    rig.knock(When::Now);
    rig.pass(29_999);
    assert_eq!(rig.stage(), ExchangeStage::Sending);
    rig.pass(1);
    assert_eq!(rig.failure(), "link_down");
    rig.connect();
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
}

#[test]
fn a_crowd_that_knocks_does_not_push_out_a_knock_of_mine() {
    let mut rig = Rig::with_bob();
    rig.knock(When::Now);
    // The broker takes its time, and everything waits.
    for n in 0..100 {
        let knock = json!({"v":1,"kind":"knock","id":format!("k{n}")});
        rig.live(&format!("presence/alice/inbox/u{n}"), &knock);
        rig.live(
            &format!("presence/alice/inbox/u{n}"),
            &json!({"v":1,"kind":"withdrawn","re":format!("k{n}")}),
        );
    }
    let mine = |rig: &Rig| rig.exchanges().into_iter().find(|it| it.mine).expect("it is open");
    rig.said("nowhere");
    assert_eq!(mine(&rig).stage, ExchangeStage::Sent, "{:?}", mine(&rig).failure);
}

#[test]
fn a_knock_that_no_device_says_to_have_is_sent_again_for_half_a_minute() {
    let mut rig = Rig::with_bob();
    rig.knock(When::Now);
    let mut sent = 0;
    for _ in 0..60 {
        sent += rig.kinds_said(TO_BOB).len();
        rig.pass(1000);
    }
    assert_eq!(sent, 6);
    assert!(rig.last().unheard);
    assert_eq!(rig.stage(), ExchangeStage::Sent);
    let re = rig.last().id;
    rig.hear(&json!({"v":1,"kind":"delivered","re":re}));
    assert!(!rig.last().unheard);
    assert_eq!(rig.stage(), ExchangeStage::Delivered);
}

#[test]
fn no_more_than_five_waves_a_minute_are_sent() {
    let mut rig = Rig::with_bob();
    for _ in 0..6 {
        rig.want(SignalCommand::Wave { to: user("bob"), emoji: Some("👋".to_owned()) });
    }
    assert_eq!(rig.kinds_said(TO_BOB), ["wave"; 5]);
    assert_eq!(rig.failure(), "too_many");
}

#[test]
fn whoever_is_invisible_gives_no_sign() {
    let mut rig = Rig::with_bob();
    rig.command(Command::Choose {
        status: ChosenStatus::Invisible,
        text: None,
        emoji: None,
        lasting: None,
    });
    rig.said("");
    rig.said("");
    rig.connect();
    rig.bob_is("online");
    rig.effects.clear();
    rig.knock(When::Now);
    assert_eq!(rig.failure(), "invisible");
    rig.want(SignalCommand::Type { to: None });
    rig.want(SignalCommand::Wave { to: user("bob"), emoji: None });
    assert_eq!(rig.failure(), "invisible");
    rig.hear(&knock_of_bob("k1"));
    assert_eq!(rig.notices_kept().len(), 1, "they are there, after all");
    rig.answer("bob", "k1", Answer::ComeIn);
    assert_eq!(rig.failure(), "invisible");
    rig.want(SignalCommand::See { from: user("bob") });
    rig.pass(60_000);
    assert_eq!(rig.published(), []);
}

#[test]
fn where_nothing_is_under_way_there_is_nothing_to_look_at() {
    let mut rig = Rig::with_bob();
    let active = |rig: &Rig| rig.engine.signals.as_ref().is_some_and(Signals::is_active);
    assert!(!active(&rig));
    rig.hear(&knock_of_bob("k1"));
    rig.said("");
    assert!(!active(&rig), "a knock that stands waits for nobody but me");
    let re = rig.knock(When::Now);
    assert!(active(&rig));
    rig.said("");
    rig.hear(&json!({"v":1,"kind":"delivered","re":re}));
    assert!(!active(&rig));
}

#[test]
fn after_a_drop_it_is_asked_how_a_knock_stands() {
    let mut rig = Rig::with_bob();
    let re = rig.knock(When::Now);
    rig.said(TO_BOB);
    rig.hear(&json!({"v":1,"kind":"delivered","re":re}));
    rig.link(broken());
    rig.pass(1_000);
    rig.connect();
    assert_eq!(rig.kinds_said(TO_BOB), ["again"]);
    // And here, where it is alice who answered.
    rig.hear(&knock_of_bob("k1"));
    rig.answer("bob", "k1", Answer::Text("On my way".to_owned()));
    rig.said(TO_BOB);
    rig.hear(&json!({"v":1,"kind":"again","re":"k1"}));
    let said = rig.said(TO_BOB);
    assert_eq!((&said[0]["kind"], &said[0]["text"]), (&json!("answer"), &json!("On my way")));
}

#[test]
fn the_command_line_knocks_for_a_person_and_takes_no_knocks() {
    let mut rig = Rig::new(Role::Signaller(user("alice")));
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Up(Granted::default()));
    let filters: Vec<_> = rig
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Subscribe(filters) => Some(filters.clone()),
            _ => None,
        })
        .unwrap();
    let inbox = filters.iter().find(|filter| filter.topic == "presence/alice/inbox/+").unwrap();
    assert_eq!(inbox.qos, Qos::AtLeastOnce);
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.bob_is("online");
    rig.pass(1000);
    rig.effects.clear();
    rig.hear(&knock_of_bob("k1"));
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
    let re = rig.knock(When::Now);
    assert_eq!(rig.kinds_said(TO_BOB), ["knock"]);
    rig.hear(&json!({"v":1,"kind":"answer","re":re,"text":"Sure"}));
    assert_eq!(rig.last().answer, Some(Answer::Text("Sure".to_owned())));
}
