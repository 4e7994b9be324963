//! Typing marks.

use super::*;

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
