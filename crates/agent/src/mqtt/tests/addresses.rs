//! Tests a broker with several addresses.

use porchlight_core::id::Root;
use porchlight_core::team::Pin;

use super::*;

fn endpoints(at: &[&str]) -> Endpoints {
    let addresses: Vec<Address> = at.iter().map(|address| address.parse().unwrap()).collect();
    let login = Login::new("a".to_owned(), "b".to_owned()).unwrap().unwrap();
    let broker = Broker::pinned(addresses, Pin::of_digest([7; 32]), Root::default(), login);
    Endpoints::new(broker).unwrap()
}

fn unreachable() -> ConnectionEvent {
    let address = "a:1".to_owned();
    ConnectionEvent::Down(ConnectionFailure::Unreachable { address, reason: "refused".to_owned() })
}

fn protocol() -> ConnectionEvent {
    ConnectionEvent::Down(ConnectionFailure::Protocol { reason: "it hung up".to_owned() })
}

fn broken() -> ConnectionEvent {
    ConnectionEvent::Down(ConnectionFailure::Broken { reason: "reset".to_owned() })
}

/// The hosts that are tried, if the attempts end like this.
fn tried(endpoints: &mut Endpoints, ends: &[ConnectionEvent]) -> String {
    let mut tried = String::new();
    for end in ends {
        tried.push_str(endpoints.address().host());
        endpoints.note(end);
    }
    tried.push_str(endpoints.address().host());
    tried
}

#[test]
fn each_attempt_moves_on_and_an_address_that_accepted_comes_first_from_then_on() {
    let mut endpoints = endpoints(&["a:1", "b:1", "c:1"]);
    let up = ConnectionEvent::Up(Granted::default());
    assert_eq!(tried(&mut endpoints, &[unreachable(), unreachable(), unreachable()]), "abca");
    assert_eq!(tried(&mut endpoints, &[unreachable(), up, broken()]), "abbb");
    assert_eq!(tried(&mut endpoints, &[unreachable(), unreachable(), unreachable()]), "bacb");
}

#[test]
fn what_may_speak_the_other_version_gets_one_more_try() {
    let mut endpoints = endpoints(&["a:1", "b:1"]);
    assert_eq!(
        tried(&mut endpoints, &[protocol(), protocol(), protocol(), unreachable()]),
        "aabba"
    );
}

#[test]
fn if_no_connection_was_attempted_the_same_address_is_next() {
    let locked = ConnectionFailure::Credential {
        code: "keyring_locked",
        may_pass: true,
        message: "locked".to_owned(),
    };
    assert_eq!(tried(&mut endpoints(&["a:1", "b:1"]), &[ConnectionEvent::Down(locked)]), "aa");
}

#[test]
fn a_hub_that_moves_is_followed() {
    let mut endpoints = endpoints(&["a:1", "b:1"]);
    let at: Vec<Address> = vec!["x:1".parse().unwrap(), "y:1".parse().unwrap()];
    endpoints.note(&ConnectionEvent::Up(Granted::default()));
    endpoints.found_at(&at);
    // The address in use stays until the connection breaks.
    assert_eq!(tried(&mut endpoints, &[broken(), unreachable(), unreachable()]), "aaxy");
}

#[test]
fn without_a_connection_the_hubs_new_address_is_tried_first() {
    let mut endpoints = endpoints(&["a:1", "b:1"]);
    endpoints.note(&unreachable());
    endpoints.found_at(&["x:1".parse().unwrap()]);
    assert_eq!(tried(&mut endpoints, &[unreachable(), unreachable()]), "xbx");
}

#[tokio::test]
async fn a_broker_is_found_at_its_second_address() {
    let (closed, door) = (Door::open().await, Door::open().await);
    let mut broker = door.broker();
    broker.prefer(closed.broker().address().clone());
    drop(closed);
    let mut endpoints = Endpoints::new(broker).unwrap();
    let mut connection = Connection::open(&endpoints, &connect(Version::V5, "plabcm"));
    let event = within(connection.next()).await;
    endpoints.note(&event);
    assert_eq!(down(event).code(), "unreachable");
    let mut connection = Connection::open(&endpoints, &connect(Version::V5, "plabcm"));
    let mut peer = door.accept().await;
    peer.let_in(&CONNACK_V5).await;
    assert_eq!(within(connection.next()).await, ConnectionEvent::Up(Granted::default()));
}
