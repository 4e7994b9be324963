//! Attacks by members, by pages and by a broker's words: `docs/threat-model.md` has a row for each.

use porchlight_tests::quirks::{End, Quirks};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Light, Message, Probe, never, until};

/// Whoever may write `_hub` at a broker that is not a team's hub can't send anybody's password elsewhere.
#[tokio::test]
async fn what_a_topic_says_sends_no_password_to_another_server() {
    let (broker, mallory) = (Quirks::new().start().await, Quirks::new().start().await);
    let light = Light::new(&broker.url_of("alice", "secret"), "alice", "laptop");
    let running = light.run("none");
    running.wait_line(|line| line.contains("connected to"), START).await;
    let mut probe = Probe::connect(&broker.url()).await;
    let hub = format!(r#"{{"v":1,"at":["127.0.0.1:{}"]}}"#, mallory.port());
    probe.publish(Message::new("presence/_hub", hub).retained()).await;
    let alice = || {
        let users = broker.connects().into_iter().filter_map(|(_, connect)| connect.user);
        users.filter(|user| user == "alice").count()
    };
    let before = alice();
    broker.end_all(&End::Close);
    until("Alice's device to be back", START, || alice() > before).await;
    broker.change(|quirks| quirks.no_connack());
    broker.end_all(&End::Close);
    never("a CONNECT at another server", 2 * SOON, || !mallory.connects().is_empty()).await;
}
