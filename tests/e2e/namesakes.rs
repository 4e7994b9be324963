//! People whose names look the same are told apart wherever they are named.

use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Cli, EmbeddedHub, Message, Probe};
use serde_json::json;

/// A letter that looks like the Latin one, and something that nobody sees.
const ANNA_OF_OTHER_LETTERS: &str = "\u{410}nna\u{2800}";

async fn comes(probe: &mut Probe, user: &str, name: &str) {
    let record = json!({ "v": 1, "status": "online", "name": name, "kind": "laptop", "epoch": 1,
        "since": unix_ms(), "timestamp": unix_ms() });
    probe.publish(Message::json(format!("presence/{user}/device/d"), &record).retained()).await;
}

async fn forgotten(probe: &mut Probe, user: &str) {
    probe.publish(Message::new(format!("presence/{user}/device/d"), "").retained()).await;
}

async fn two_annas(hub: &EmbeddedHub) -> Probe {
    let mut probe = Probe::connect(&hub.url()).await;
    comes(&mut probe, "anna", "Anna").await;
    comes(&mut probe, "eve", ANNA_OF_OTHER_LETTERS).await;
    comes(&mut probe, "bob", "Bob").await;
    probe
}

#[tokio::test]
async fn the_terminal_names_two_people_who_look_the_same_with_their_ids() {
    let hub = EmbeddedHub::start().await;
    let mut probe = two_annas(&hub).await;
    let me = Cli::new(&hub.url(), "me", "desk");
    let (exit, who) = me.finish(&["who"]).await;
    assert!(exit.success());
    for part in ["Anna (anna)  online", "nna\u{2800} (eve)  online", "Bob  online"] {
        assert!(who.contains(part), "{part}: {who}");
    }
    let bar = me.start(&["watch", "--format", "{names}"]);
    bar.wait_line(|line| line.contains("Anna (anna)") && line.contains("(eve)"), START).await;
    let watch = me.start(&["watch", "--plain"]);
    watch.wait_line(|line| line.contains("Anna (anna)  online"), START).await;
    watch.wait_line(|line| line.contains("(eve)  online"), SOON).await;
    // Alone with the name, Anna needs no id; told anew, as the line is another one.
    forgotten(&mut probe, "eve").await;
    watch.wait_line(|line| line.contains("Anna  online"), SOON).await;
    bar.wait_line(|line| line == "Anna, Bob", SOON).await;
    comes(&mut probe, "anna-2", "ANNA").await;
    watch.wait_line(|line| line.contains("ANNA (anna-2)  online"), SOON).await;
    let (exit, waited) = me.finish(&["wait", "anna-2"]).await;
    assert!(exit.success() && waited.contains("ANNA (anna-2)"), "{waited}");
    // What is for programs has the id of its own.
    let (_, json) = me.finish(&["who", "--json"]).await;
    assert!(json.contains(r#""name":"ANNA","shown_id":"anna-2""#), "{json}");
}

#[tokio::test]
async fn a_knock_on_the_terminal_says_which_of_the_two_it_is() {
    let hub = EmbeddedHub::start().await;
    let mut probe = two_annas(&hub).await;
    let bob = Cli::new(&hub.url(), "bob", "desk").run("none");
    bob.wait_line(|line| line.contains("connected to"), START).await;
    let knock = json!({ "v": 1, "kind": "knock", "id": "k1", "text": "Coffee?" });
    probe.publish(Message::json("presence/bob/inbox/eve", &knock)).await;
    let line = bob.wait_line(|line| line.contains(" knocks"), SOON).await;
    assert!(line.contains("(eve) knocks"), "{line}");

    forgotten(&mut probe, "anna").await;
    comes(&mut probe, "anna", "Anna").await;
    let me = Cli::new(&hub.url(), "me", "desk");
    let waiting = me.start(&["knock", "anna", "--when-back"]);
    let says = |line: &str| line == "sent" || line.contains("Anna (anna)");
    waiting.wait_line(says, START).await;
}
