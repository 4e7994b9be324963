//! The example on the protocol page.

use super::*;

/// The messages to inboxes since this was last asked, which the broker acknowledges.
fn inbox_messages(rig: &mut Rig) -> Vec<(String, Value)> {
    let mut messages = Vec::new();
    for effect in std::mem::take(&mut rig.effects) {
        let Effect::Publish(publish) = effect else {
            continue;
        };
        if publish.topic.contains("/inbox/") {
            messages.push((publish.topic, serde_json::from_slice(&publish.payload).unwrap()));
            rig.link(ConnectionEvent::Published { id: publish.id, outcome: Ok(()) });
        }
    }
    messages
}

/// A message without its time and under the id of the page.
fn as_on_the_page((topic, payload): &(String, Value), id: &str) -> (String, Value) {
    let mut payload: Value =
        serde_json::from_str(&payload.to_string().replace(id, "k7c3")).unwrap();
    payload.as_object_mut().unwrap().remove("at");
    (topic.clone(), payload)
}

#[test]
fn the_example_of_a_knock_on_the_protocol_page_is_what_two_devices_publish() {
    let page = include_str!("../../../../../../docs/protocol.md");
    let (_, example) = page.split_once("### An example of a knock").unwrap();
    let block = example.split("```").nth(1).unwrap();
    let mut alice = Rig::with_bob();
    let mut bob = Rig::up_as(DeviceSettings { user: user("bob"), ..holder("desk") });
    bob.live(
        "presence/alice/device/laptop",
        &json!({"v":1,"status":"online","name":"Alice","epoch":1}),
    );
    inbox_messages(&mut bob);
    let re = alice.knock(When::Now);
    let mut stages = Vec::new();
    for step in block.split("# ").skip(1) {
        let (comment, lines) = step.split_once('\n').unwrap();
        let published = match comment.split_once('.').unwrap().0 {
            "Alice knocks" => inbox_messages(&mut alice),
            "Bob opens the conversation" => {
                bob.want(SignalCommand::See { from: user("alice") });
                inbox_messages(&mut bob)
            }
            "Bob answers" => {
                bob.answer("alice", &re, Answer::InFive);
                inbox_messages(&mut bob)
            }
            _ => inbox_messages(&mut bob),
        };
        let expected = lines.lines().filter(|line| !line.is_empty()).map(|line| {
            let (topic, payload) = line.split_once(' ').unwrap();
            let message = (topic.to_owned(), serde_json::from_str(payload).unwrap());
            as_on_the_page(&message, "k7c3")
        });
        let shown: Vec<_> = published.iter().map(|it| as_on_the_page(it, &re)).collect();
        assert_eq!(shown, expected.collect::<Vec<_>>(), "{comment}");
        for (topic, payload) in &published {
            match topic.as_str() {
                TO_BOB => bob.live(topic, payload),
                FROM_BOB => alice.live(topic, payload),
                _ => {}
            }
        }
        let stage = serde_json::to_value(alice.stage()).unwrap();
        assert_eq!(comment.split_once("Alice sees: ").unwrap().1, stage, "{comment}");
        stages.push(alice.stage());
    }
    assert_eq!(stages.len(), 4, "{stages:?}");
}
