//! What passes between two people, as one device of alice's says and hears it.

use super::*;
use crate::effect::Qos;
use crate::notice::Suppressed;
use crate::signal::{Answer, SignalCommand, SignalId};
use crate::view::signals::{ExchangeStage, ExchangeView, When};

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
            self.link(LinkEvent::Published { id, outcome: Ok(()) });
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
            Effect::WithdrawNotice { key } => {
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
    let notices = rig.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(matches!(&notices[0], Notice::Answered { answer: Answer::ComeIn, .. }));
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
    assert_eq!((failure.since, failure.cause), (Timestamp::from_ms(START), Some(CauseView::Left)));
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
fn a_knock_of_somebody_rings_once_and_is_said_to_be_delivered() {
    let mut rig = Rig::with_bob();
    rig.hear(&knock_of_bob("k1"));
    let notices = rig.notices_kept();
    assert!(
        matches!(&notices[..], [Notice::Knock { text: Some(text), .. }] if text == "Coffee?"),
        "{notices:?}"
    );
    assert!(rig.wants_attention());
    rig.hear(&knock_of_bob("k1"));
    assert_eq!(rig.kinds_said(TO_BOB), ["delivered"]);
    assert_eq!(rig.notices_kept(), []);
    assert_eq!(rig.silent(Suppressed::Repeated), 1);
    rig.want(SignalCommand::See { from: user("bob") });
    assert!(!rig.wants_attention());
    assert_eq!(rig.withdrawn(), ["/knock/theirs/bob/k1"]);
    rig.want(SignalCommand::See { from: user("bob") });
    assert_eq!(rig.kinds_said(TO_BOB), ["seen"]);
}

#[test]
fn a_knock_rings_though_coming_and_going_does_not() {
    let mut rig = Rig::with_bob();
    rig.engine.wants_notices = false;
    rig.hear(&knock_of_bob("k1"));
    assert_eq!(rig.notices().len(), 1);
}

#[test]
fn an_answer_goes_to_whoever_asked_and_to_my_other_devices() {
    let mut rig = Rig::with_bob();
    rig.hear(&knock_of_bob("k1"));
    rig.effects.clear();
    rig.answer("bob", "k1", Answer::InFive);
    rig.answer("bob", "k1", Answer::Later);
    let published = rig.published();
    assert_eq!(published.len(), 2, "{published:?}");
    assert_eq!(published[0].0, TO_BOB);
    assert_eq!(published[0].1["answer"], "in_5");
    assert_eq!(published[0].1["text"], "In 5 minutes");
    assert_eq!(published[1].0, TO_MYSELF);
    assert_eq!(published[1].1["of"], "bob");
    assert_eq!(rig.last().answer, Some(Answer::InFive));
}

#[test]
fn what_another_device_of_mine_answered_is_gone_here() {
    let mut rig = Rig::with_bob();
    rig.hear(&knock_of_bob("k1"));
    rig.said(TO_BOB);
    rig.live(TO_MYSELF, &json!({"v":1,"kind":"answer","re":"k1","of":"bob","answer":"later"}));
    assert_eq!(rig.withdrawn(), ["/knock/theirs/bob/k1"]);
    assert!(!rig.wants_attention());
    rig.want(SignalCommand::See { from: user("bob") });
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
    // It came here before the knock did.
    rig.effects.clear();
    rig.live(TO_MYSELF, &json!({"v":1,"kind":"seen","re":"k2","of":"bob"}));
    rig.hear(&knock_of_bob("k2"));
    assert_eq!(rig.notices(), []);
}

#[test]
fn a_knock_that_was_taken_back_is_gone_whenever_that_is_heard() {
    let mut rig = Rig::with_bob();
    rig.hear(&knock_of_bob("k1"));
    rig.hear(&json!({"v":1,"kind":"withdrawn","re":"k1"}));
    assert_eq!(rig.withdrawn(), ["/knock/theirs/bob/k1"]);
    assert_eq!(rig.stage(), ExchangeStage::Withdrawn);
    rig.effects.clear();
    rig.hear(&json!({"v":1,"kind":"withdrawn","re":"k2"}));
    rig.hear(&knock_of_bob("k2"));
    assert_eq!(rig.notices(), []);
}

#[test]
fn do_not_disturb_holds_a_knock_until_it_ends() {
    let mut rig = Rig::with_bob();
    rig.command(Command::Choose {
        status: ChosenStatus::Dnd,
        text: None,
        emoji: None,
        lasting: None,
    });
    rig.said("");
    rig.hear(&knock_of_bob("k1"));
    rig.hear(&knock_of_bob("k2"));
    assert_eq!(rig.notices(), []);
    assert!(!rig.wants_attention());
    assert_eq!(rig.silent(Suppressed::DoNotDisturb), 2);
    assert_eq!(rig.exchanges().len(), 2, "the window shows them");
    rig.hear(&json!({"v":1,"kind":"withdrawn","re":"k2"}));
    rig.command(Command::ClearChosen);
    rig.said("");
    let notices = rig.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(rig.wants_attention());
}

#[test]
fn a_call_holds_a_knock_which_is_delivered_nevertheless() {
    let mut rig = Rig::with_bob();
    rig.observe(Observation::InCall(true));
    rig.said("");
    rig.hear(&knock_of_bob("k1"));
    assert_eq!(rig.kinds_said(TO_BOB), ["delivered"]);
    assert_eq!(rig.notices(), []);
    assert_eq!(rig.silent(Suppressed::InCall), 1);
    rig.observe(Observation::InCall(false));
    assert_eq!(rig.notices().len(), 1);
}

#[test]
fn a_knock_waits_until_both_are_free_and_goes_once() {
    let mut rig = Rig::with_bob();
    rig.bob_is("dnd");
    let re = rig.knock(When::BothFree);
    assert_eq!(rig.kinds_said(TO_BOB), ["waiting"]);
    assert_eq!(rig.notices(), []);
    rig.pass(60_000);
    rig.bob_is("online");
    let notices = rig.notices_kept();
    assert!(matches!(&notices[..], [Notice::BothFree { .. }]), "{notices:?}");
    let said = rig.said(TO_BOB);
    assert_eq!((said.len(), &said[0]["when"]), (1, &json!("both_free")));
    rig.hear(&json!({"v":1,"kind":"free","re":re}));
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
    assert_eq!(rig.notices(), []);
}

#[test]
fn whoever_is_asked_may_see_the_moment_first() {
    let mut rig = Rig::with_bob();
    rig.bob_is("dnd");
    let re = rig.knock(When::BothFree);
    rig.said(TO_BOB);
    rig.hear(&json!({"v":1,"kind":"free","re":re}));
    assert_eq!(rig.kinds_said(TO_BOB), ["knock"]);
    assert_eq!(rig.stage(), ExchangeStage::Sent);
    // And here, where it is alice who is asked.
    let mut rig = Rig::with_bob();
    rig.bob_is("dnd");
    rig.hear(&json!({"v":1,"kind":"waiting","id":"w1","text":"Lunch?"}));
    assert_eq!(rig.notices(), [], "nobody is disturbed by it");
    assert_eq!(rig.stage(), ExchangeStage::Waiting);
    rig.bob_is("online");
    let notices = rig.notices_kept();
    assert!(matches!(&notices[..], [Notice::Knock { both_free: true, .. }]), "{notices:?}");
    assert_eq!(rig.kinds_said(TO_BOB), ["free", "delivered"]);
    let fired = json!({"v":1,"kind":"knock","id":"w1","text":"Lunch?","when":"both_free"});
    rig.hear(&fired);
    rig.hear(&json!({"v":1,"kind":"waiting","id":"w1","text":"Lunch?"}));
    assert_eq!(rig.notices(), []);
    assert_eq!(rig.exchanges().len(), 1);
}

#[test]
fn what_waits_can_be_taken_back_by_either_side() {
    let mut rig = Rig::with_bob();
    rig.bob_is("dnd");
    let re = rig.knock(When::BothFree);
    rig.said(TO_BOB);
    rig.want(SignalCommand::Withdraw { with: user("bob"), id: id(&re) });
    assert_eq!(rig.kinds_said(TO_BOB), ["withdrawn"]);
    rig.bob_is("online");
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
    rig.bob_is("dnd");
    let re = rig.knock(When::BothFree);
    rig.hear(&json!({"v":1,"kind":"withdrawn","re":re}));
    assert_eq!(rig.stage(), ExchangeStage::Withdrawn);
    rig.hear(&json!({"v":1,"kind":"waiting","id":"w1"}));
    rig.said(TO_BOB);
    rig.want(SignalCommand::Withdraw { with: user("bob"), id: id("w1") });
    assert_eq!(rig.kinds_said(TO_BOB), ["withdrawn"]);
    rig.bob_is("online");
    assert_eq!(rig.notices(), []);
}

#[test]
fn what_somebody_waited_for_goes_with_them_and_comes_back_with_them() {
    let mut rig = Rig::with_bob();
    rig.bob_is("dnd");
    let waiting = json!({"v":1,"kind":"waiting","id":"w1"});
    rig.hear(&waiting);
    rig.bob_is("offline");
    assert_eq!(rig.exchanges().len(), 0);
    rig.bob_is("dnd");
    rig.hear(&waiting);
    assert_eq!(rig.stage(), ExchangeStage::Waiting);
    // Whoever quits says that nothing waits any more.
    rig.knock(When::BothFree);
    rig.said(TO_BOB);
    rig.command(Command::Quit);
    assert_eq!(rig.kinds_said(TO_BOB), ["withdrawn"]);
}

#[test]
fn a_burst_of_waves_is_one_notice_with_a_count() {
    let mut rig = Rig::with_bob();
    for n in 0..8 {
        rig.hear(&json!({"v":1,"kind":"wave","id":format!("w{n}"),"text":"🎉"}));
        rig.pass(100);
    }
    rig.pass(1000);
    let notices = rig.notices();
    let [Notice::Waved { count, emoji, .. }] = &notices[..] else {
        panic!("{notices:?}");
    };
    assert_eq!((*count, emoji.as_deref()), (5, Some("🎉")), "five a minute");
    assert_eq!(rig.silent(Suppressed::TooMany), 3);
    assert_eq!((rig.exchanges().len(), rig.last().count), (1, 5));
    rig.pass(60_000);
    rig.hear(&json!({"v":1,"kind":"wave","id":"w9","text":"🎉"}));
    rig.pass(1000);
    assert_eq!(rig.notices().len(), 1);
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
fn of_somebody_muted_nothing_pops_up() {
    let mut rig = Rig::with_bob();
    rig.hear(&knock_of_bob("k0"));
    rig.want(SignalCommand::Mute { user: user("bob"), muted: true });
    assert!(rig.effects.iter().any(|e| matches!(e, Effect::SaveMuted(muted) if muted.len() == 1)));
    assert_eq!(rig.withdrawn(), ["/knock/theirs/bob/k0"]);
    rig.effects.clear();
    rig.hear(&knock_of_bob("k1"));
    rig.hear(&json!({"v":1,"kind":"wave","id":"w1"}));
    rig.hear(&json!({"v":1,"kind":"typing"}));
    rig.pass(2000);
    assert_eq!(rig.notices_kept(), []);
    assert!(!rig.wants_attention());
    assert_eq!(rig.silent(Suppressed::Muted), 2);
    assert_eq!(rig.engine.snapshot(Stage::Running).signals.typing, [""; 0]);
    // They are not told.
    assert_eq!(rig.kinds_said(TO_BOB), ["delivered"]);
}

#[test]
fn typing_to_the_room_is_said_as_the_seed_says_it() {
    let mut rig = Rig::with_bob();
    let room = "presence/alice/typing";
    for _ in 0..20 {
        rig.want(SignalCommand::Type { to: None });
        rig.pass(250);
    }
    assert_eq!(rig.said(room), vec![json!({"isTyping":true}); 3]);
    rig.pass(2749);
    assert_eq!(rig.said(room), [json!(null); 0]);
    rig.pass(1);
    assert_eq!(rig.said(room), [json!({"isTyping":false})]);
    rig.pass(60_000);
    assert_eq!(rig.said(room), [json!(null); 0]);
}

#[test]
fn typing_to_one_person_goes_to_their_inbox_and_ends_when_it_is_sent() {
    let mut rig = Rig::with_bob();
    rig.want(SignalCommand::Type { to: Some(user("bob")) });
    assert_eq!(rig.published_to("presence/alice/typing"), [json!(null); 0]);
    rig.want(SignalCommand::Type { to: Some(user("bob")) });
    rig.pass(2000);
    rig.want(SignalCommand::Type { to: Some(user("bob")) });
    rig.knock(When::Now);
    let said = rig.said(TO_BOB);
    let marks: Vec<_> =
        said.iter().filter(|json| json["kind"] == "typing").map(|json| &json["isTyping"]).collect();
    assert_eq!(marks, [true, false]);
}

#[test]
fn a_mark_to_me_ends_by_itself_when_its_end_is_lost() {
    let mut rig = Rig::with_bob();
    let typing = |rig: &Rig| rig.engine.snapshot(Stage::Running).signals.typing;
    rig.hear(&json!({"v":1,"kind":"typing"}));
    assert_eq!(typing(&rig), ["bob"]);
    rig.pass(3999);
    assert_eq!(typing(&rig), ["bob"]);
    rig.pass(1);
    assert_eq!(typing(&rig), [""; 0]);
    rig.hear(&json!({"v":1,"kind":"typing","isTyping":true}));
    rig.hear(&json!({"v":1,"kind":"typing","isTyping":false}));
    assert_eq!(typing(&rig), [""; 0]);
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
fn i_am_told_once_when_somebody_is_back_though_other_notices_are_off() {
    let mut rig = Rig::with_bob();
    rig.engine.wants_notices = false;
    rig.bob_is("offline");
    rig.want(SignalCommand::TellWhenBack { user: user("bob"), wanted: true });
    assert_eq!(rig.engine.snapshot(Stage::Running).signals.back, ["bob"]);
    rig.pass(60_000);
    rig.bob_is("away");
    assert_eq!(rig.notices(), []);
    rig.bob_is("online");
    rig.bob_is("offline");
    rig.bob_is("online");
    rig.pass(5_000);
    let notices = rig.notices();
    assert!(matches!(&notices[..], [Notice::Back(who)] if who.name == "Bob"), "{notices:?}");
    assert_eq!(rig.engine.snapshot(Stage::Running).signals.back, [""; 0]);
}

#[test]
fn whoever_was_told_so_is_not_told_again_that_somebody_came() {
    let mut rig = Rig::with_bob();
    rig.bob_is("offline");
    rig.pass(5_000);
    rig.effects.clear();
    rig.want(SignalCommand::TellWhenBack { user: user("bob"), wanted: true });
    rig.bob_is("online");
    rig.pass(5_000);
    let notices = rig.notices();
    assert!(matches!(&notices[..], [Notice::Back(_)]), "{notices:?}");
}

#[test]
fn the_twenty_last_are_kept_and_what_is_open_beyond_them() {
    let mut rig = Rig::with_bob();
    rig.bob_is("dnd");
    rig.knock(When::BothFree);
    for n in 0..100 {
        let from = format!("presence/alice/inbox/user{n}");
        rig.live(&from, &json!({"v":1,"kind":"wave","id":"w"}));
    }
    let exchanges = rig.exchanges();
    assert_eq!(exchanges.len(), 20);
    assert_eq!(exchanges[0].stage, ExchangeStage::Waiting);
    for n in 0..100 {
        let from = format!("presence/alice/inbox/user{n}");
        rig.live(&from, &knock_of_bob("k"));
    }
    assert_eq!(rig.exchanges().len(), 40);
}

#[test]
fn one_person_cannot_fill_the_list_with_knocks() {
    let mut rig = Rig::with_bob();
    for n in 0..50 {
        rig.hear(&knock_of_bob(&format!("k{n}")));
        rig.pass(1_000);
    }
    assert_eq!(rig.exchanges().len(), 5);
    assert!(rig.silent(Suppressed::TooMany) >= 45);
}

#[test]
fn retained_signals_and_unknown_kinds_are_counted_and_dropped() {
    let mut rig = Rig::with_bob();
    rig.receive(FROM_BOB, &knock_of_bob("k1").to_string(), true);
    rig.hear(&json!({"v":1,"kind":"poke","id":"p"}));
    rig.hear(&json!({"v":1,"kind":"knock","id":"\u{1b}[2J"}));
    rig.receive(FROM_BOB, &"x".repeat(4097), false);
    let dropped = &rig.engine.diagnostics().dropped;
    for reason in [
        Dropped::RetainedSignal,
        Dropped::Wire(crate::wire::WireError::UnknownKind),
        Dropped::Wire(crate::wire::WireError::WrongShape),
        Dropped::Wire(crate::wire::WireError::TooLarge),
    ] {
        assert_eq!(dropped.get(&reason), Some(&1), "{reason}");
    }
    assert_eq!(rig.exchanges().len(), 0);
}

#[test]
fn hostile_text_is_shown_without_what_deceives() {
    let mut rig = Rig::with_bob();
    let text = format!("\u{202E}<b>hi</b>\u{1b}[31m{}", "🎧".repeat(400));
    rig.hear(&json!({"v":1,"kind":"knock","id":"k1","text":text}));
    let shown = rig.last().text.unwrap();
    assert!(shown.starts_with("<b>hi</b>[31m🎧"), "{shown}");
    assert!(shown.ends_with('…') && shown.chars().count() == 280);
}

#[test]
fn where_nothing_is_under_way_there_is_nothing_to_look_at() {
    let mut rig = Rig::with_bob();
    let moves = |rig: &Rig| rig.engine.signals.as_ref().is_some_and(Signals::moves);
    assert!(!moves(&rig));
    rig.hear(&knock_of_bob("k1"));
    rig.said("");
    assert!(!moves(&rig), "a knock that stands waits for nobody but me");
    let re = rig.knock(When::Now);
    assert!(moves(&rig));
    rig.said("");
    rig.hear(&json!({"v":1,"kind":"delivered","re":re}));
    assert!(!moves(&rig));
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
    let mut rig = Rig::new(Role::Caller(user("alice")));
    rig.handle(Input::Start);
    rig.link(LinkEvent::Up(Granted::default()));
    let filters: Vec<_> = rig
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Subscribe(filters) => Some(filters.clone()),
            _ => None,
        })
        .unwrap();
    let inbox = filters.last().unwrap();
    assert_eq!((inbox.topic.as_str(), inbox.qos), ("presence/alice/inbox/+", Qos::AtLeastOnce));
    rig.link(LinkEvent::Subscribed { refused: Vec::new() });
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
