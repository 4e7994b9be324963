//! What waits: until somebody is back, until both are free.

use super::*;

#[test]
fn a_knock_waits_until_both_are_free_and_goes_once() {
    let mut rig = Rig::with_bob();
    rig.bob_is("dnd");
    let re = rig.knock(When::BothFree);
    assert_eq!(rig.kinds_said(TO_BOB), ["waiting"]);
    assert_eq!(rig.notifications(), []);
    rig.pass(60_000);
    rig.bob_is("online");
    let notifications = rig.notices_kept();
    assert!(matches!(&notifications[..], [Notification::BothFree { .. }]), "{notifications:?}");
    let said = rig.said(TO_BOB);
    assert_eq!((said.len(), &said[0]["when"]), (1, &json!("both_free")));
    rig.hear(&json!({"v":1,"kind":"free","re":re}));
    assert_eq!(rig.kinds_said(TO_BOB), [""; 0]);
    assert_eq!(rig.notifications(), []);
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
    assert_eq!(rig.notifications(), [], "nobody is disturbed by it");
    assert_eq!(rig.stage(), ExchangeStage::Waiting);
    rig.bob_is("online");
    let notifications = rig.notices_kept();
    assert!(
        matches!(&notifications[..], [Notification::Knock { both_free: true, .. }]),
        "{notifications:?}"
    );
    assert_eq!(rig.kinds_said(TO_BOB), ["free", "delivered"]);
    let fired = json!({"v":1,"kind":"knock","id":"w1","text":"Lunch?","when":"both_free"});
    rig.hear(&fired);
    rig.hear(&json!({"v":1,"kind":"waiting","id":"w1","text":"Lunch?"}));
    assert_eq!(rig.notifications(), []);
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
    assert_eq!(rig.notifications(), []);
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
    // A device that quits withdraws what waits.
    rig.knock(When::BothFree);
    rig.said(TO_BOB);
    rig.command(Command::Quit);
    assert_eq!(rig.kinds_said(TO_BOB), ["withdrawn"]);
}

#[test]
fn i_am_told_once_when_somebody_is_back_though_other_notices_are_off() {
    let mut rig = Rig::with_bob();
    rig.engine.policy = crate::notification::NotificationPolicy::silent();
    rig.bob_is("offline");
    rig.want(SignalCommand::TellWhenBack { user: user("bob"), wanted: true });
    assert_eq!(rig.engine.snapshot(Stage::Running).signals.back, ["bob"]);
    rig.pass(60_000);
    rig.bob_is("away");
    assert_eq!(rig.notifications(), []);
    rig.bob_is("online");
    rig.bob_is("offline");
    rig.bob_is("online");
    rig.pass(5_000);
    let notifications = rig.notifications();
    assert!(
        matches!(&notifications[..], [Notification::Back(who)] if who.name == "Bob"),
        "{notifications:?}"
    );
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
    let notifications = rig.notifications();
    assert!(matches!(&notifications[..], [Notification::Back(_)]), "{notifications:?}");
}
