//! Signals to Alice: which of them ring, and which answers they get.

use super::*;

#[test]
fn a_knock_of_somebody_rings_once_and_is_said_to_be_delivered() {
    let mut rig = Rig::with_bob();
    rig.hear(&knock_of_bob("k1"));
    let notifications = rig.notices_kept();
    assert!(
        matches!(&notifications[..], [Notification::Knock { text: Some(text), .. }] if text == "Coffee?"),
        "{notifications:?}"
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
    rig.engine.policy = crate::notification::NotificationPolicy::silent();
    rig.hear(&knock_of_bob("k1"));
    assert_eq!(rig.notifications().len(), 1);
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
    assert_eq!(published[0].1["text"], "Give me 5 minutes");
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
    assert_eq!(rig.notifications(), []);
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
    assert_eq!(rig.notifications(), []);
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
    assert_eq!(rig.notifications(), []);
    assert!(!rig.wants_attention());
    assert_eq!(rig.silent(Suppressed::DoNotDisturb), 2);
    assert_eq!(rig.exchanges().len(), 2, "the window shows them");
    rig.hear(&json!({"v":1,"kind":"withdrawn","re":"k2"}));
    rig.command(Command::ClearChosen);
    rig.said("");
    let notifications = rig.notifications();
    assert_eq!(notifications.len(), 1, "{notifications:?}");
    assert!(rig.wants_attention());
}

#[test]
fn a_call_holds_a_knock_which_is_delivered_nevertheless() {
    let mut rig = Rig::with_bob();
    rig.observe(Observation::InCall(true));
    rig.said("");
    rig.hear(&knock_of_bob("k1"));
    assert_eq!(rig.kinds_said(TO_BOB), ["delivered"]);
    assert_eq!(rig.notifications(), []);
    assert_eq!(rig.silent(Suppressed::InCall), 1);
    rig.observe(Observation::InCall(false));
    assert_eq!(rig.notifications().len(), 1);
}

#[test]
fn a_burst_of_waves_is_one_notice_with_a_count() {
    let mut rig = Rig::with_bob();
    for n in 0..8 {
        rig.hear(&json!({"v":1,"kind":"wave","id":format!("w{n}"),"text":"🎉"}));
        rig.pass(100);
    }
    rig.pass(1000);
    let notifications = rig.notifications();
    let [Notification::Waved { count, emoji, .. }] = &notifications[..] else {
        panic!("{notifications:?}");
    };
    assert_eq!((*count, emoji.as_deref()), (5, Some("🎉")), "five a minute");
    assert_eq!(rig.silent(Suppressed::TooMany), 3);
    assert_eq!((rig.exchanges().len(), rig.last().count), (1, 5));
    rig.pass(60_000);
    rig.hear(&json!({"v":1,"kind":"wave","id":"w9","text":"🎉"}));
    rig.pass(1000);
    assert_eq!(rig.notifications().len(), 1);
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
        DropReason::RetainedSignal,
        DropReason::Wire(crate::wire::WireError::UnknownKind),
        DropReason::Wire(crate::wire::WireError::WrongShape),
        DropReason::Wire(crate::wire::WireError::TooLarge),
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
