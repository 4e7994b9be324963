//! The broker with quirks: an ordinary broker without one, and each quirk by itself.

use std::time::Duration;

use porchlight_tests::quirks::{Action, End, OldBroker, Property, QuirkBroker, Quirks, When};
use porchlight_tests::until::{SOON, Stopwatch};
use porchlight_tests::wire::{OldProbe, retained};
use porchlight_tests::{Message, Probe, never, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A moment in which nothing happens.
const MOMENT: Duration = Duration::from_millis(200);

/// A CONNECT of MQTT 5 and one of 3.1.1, with the client id `a` and Keep Alive 1 s.
const CONNECT_5: &[u8] = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x01\x00\x00\x01a";
const CONNECT_311: &[u8] = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x01\x00\x01a";
/// A SUBSCRIBE of MQTT 5 to `a` and `+`, with the packet identifier 1.
const SUBSCRIBE_5: &[u8] = b"\x82\x0b\x00\x01\x00\x00\x01a\x01\x00\x01+\x01";
/// A PUBLISH of MQTT 5 to `a` at QoS 1, with the packet identifier 2.
const PUBLISH_5: &[u8] = b"\x32\x07\x00\x01a\x00\x02\x00x";

async fn send(broker: &QuirkBroker, packets: &[&[u8]]) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", broker.port())).await;
    let mut stream = stream.expect("the broker listens");
    stream.write_all(&packets.concat()).await.expect("the broker reads");
    stream
}

/// Reads exactly these bytes.
#[track_caller]
fn expect<'a>(stream: &'a mut TcpStream, wanted: &'a [u8]) -> impl Future<Output = ()> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let mut bytes = vec![0; wanted.len()];
        let read = timeout(SOON, stream.read_exact(&mut bytes)).await;
        assert!(matches!(read, Ok(Ok(_))), "{caller}: {read:?}, {bytes:02x?}");
        assert_eq!(bytes, wanted, "{caller}");
    }
}

/// Nothing comes, and the connection stays open.
async fn expect_silence(stream: &mut TcpStream) {
    let read = timeout(MOMENT, stream.read_u8()).await;
    assert!(read.is_err(), "{read:?}");
}

/// The connection ends without another byte.
async fn expect_end(stream: &mut TcpStream) {
    let read = timeout(SOON, stream.read_u8()).await.expect("the connection ends");
    assert!(read.is_err(), "{read:?}");
}

/// What the broker answers to these packets, one after the other.
async fn answers(quirks: Quirks, packets: &[&[u8]], wanted: &[u8]) -> (QuirkBroker, TcpStream) {
    let broker = quirks.start().await;
    let mut stream = send(&broker, packets).await;
    expect(&mut stream, wanted).await;
    (broker, stream)
}

const LET_IN: &[u8] = b"\x20\x03\x00\x00\x00";

#[tokio::test]
async fn without_quirks_it_passes_the_checks_of_a_broker() {
    let broker = Quirks::new().start().await;
    for check in porchlight_tests::behaviour::checks() {
        let target = porchlight_tests::behaviour::Target {
            url: broker.url(),
            root: "presence".to_owned(),
            user: "alice".to_owned(),
        };
        let outcome = (check.run)(target).await;
        assert_eq!(outcome, Ok(()), "{}", check.name);
    }
}

#[tokio::test]
async fn connack_bears_code_properties_and_delay() {
    let quirks = Quirks::new()
        .connack_property(Property::ServerKeepAlive(3600))
        .connack_property(Property::ReceiveMaximum(1))
        .connack_property(Property::AssignedClientIdentifier("b".to_owned()))
        .connack_after(MOMENT);
    let watch = Stopwatch::start();
    let wanted = b"\x20\x0d\x00\x00\x0a\x13\x0e\x10\x21\x00\x01\x12\x00\x01b";
    let (broker, mut stream) = answers(quirks, &[CONNECT_5], wanted).await;
    assert!(watch.elapsed() >= MOMENT);
    expect_silence(&mut stream).await;
    broker.change(|_| {
        let reference = Property::ServerReference("b".to_owned());
        Quirks::new().connack_code(0x9d).connack_property(reference)
    });
    let mut stream = send(&broker, &[CONNECT_5]).await;
    expect(&mut stream, b"\x20\x07\x00\x9d\x04\x1c\x00\x01b").await;
    expect_end(&mut stream).await;
    assert_eq!(broker.connects().len(), 2);
}

#[tokio::test]
async fn connack_can_be_any_bytes_or_nothing() {
    let bytes = b"\x20\x02\x00\x01";
    let (broker, mut stream) =
        answers(Quirks::new().connack_bytes(bytes), &[CONNECT_5], bytes).await;
    expect_silence(&mut stream).await;
    broker.change(|_| Quirks::new().no_connack());
    let mut stream = send(&broker, &[CONNECT_5, SUBSCRIBE_5]).await;
    expect_silence(&mut stream).await;
    assert_eq!(broker.count(|seen| matches!(seen, Action::Subscribe(_))), 1);
}

#[tokio::test]
async fn an_old_broker_closes_refuses_or_says_nothing() {
    let refusal = b"\x20\x02\x00\x01".as_slice();
    for (old, answer, closes) in [
        (OldBroker::Closes, b"".as_slice(), true),
        (OldBroker::IsSilent, b"", false),
        (OldBroker::RefusesAndCloses, refusal, true),
        (OldBroker::Refuses, refusal, false),
    ] {
        let quirks = Quirks::new().only_v311(old);
        let (broker, mut stream) = answers(quirks, &[CONNECT_5], answer).await;
        if closes {
            expect_end(&mut stream).await;
        } else {
            expect_silence(&mut stream).await;
        }
        let mut stream = send(&broker, &[CONNECT_311]).await;
        expect(&mut stream, b"\x20\x02\x00\x00").await;
    }
}

#[tokio::test]
async fn filters_are_refused_one_by_one_or_never_answered() {
    let wildcards = |filter: &str| filter.contains('+');
    let quirks = Quirks::new().refuse_filters(0xa2, wildcards);
    let wanted = [LET_IN, b"\x90\x05\x00\x01\x00\x01\xa2"].concat();
    let (broker, mut stream) = answers(quirks, &[CONNECT_5, SUBSCRIBE_5], &wanted).await;
    broker.store(&Message::new("a", "x"), Duration::ZERO);
    broker.change(|_| Quirks::new().no_suback());
    stream.write_all(SUBSCRIBE_5).await.unwrap();
    expect_silence(&mut stream).await;
    broker.change(|_| Quirks::new().without_wildcards());
    let wanted = [b"\x20\x05\x00\x00\x02\x28\x00", b"\x90\x05\x00\x01\x00\x01\xa2".as_slice()];
    let mut stream = send(&broker, &[CONNECT_5, SUBSCRIBE_5]).await;
    expect(&mut stream, &wanted.concat()).await;
}

#[tokio::test]
async fn wildcard_filters_can_be_granted_without_what_is_retained() {
    let broker = Quirks::new().no_retained_for_wildcards().start().await;
    broker.store(&Message::new("presence/alice", "x"), Duration::ZERO);
    assert!(retained(&broker.url(), "presence/+").await.is_empty());
    assert_eq!(retained(&broker.url(), "presence/alice").await.len(), 1);
}

#[tokio::test]
async fn a_broker_without_retained_messages_says_so_and_ends_who_wants_them() {
    let broker = Quirks::new().without_retain().start().await;
    let mut probe = Probe::connect(&broker.url()).await;
    let refused = probe.try_publish(Message::new("a", "x").retained()).await;
    assert_eq!(refused, Err("RetainNotSupported".to_owned()));
    assert_eq!(broker.retained("a"), None);
}

#[tokio::test]
async fn messages_are_refused_by_topic_or_never_acknowledged() {
    let quirks = Quirks::new().refuse_topics(0x87, |topic| topic == "a");
    let wanted = [LET_IN, b"\x40\x03\x00\x02\x87"].concat();
    let (broker, _stream) = answers(quirks, &[CONNECT_5, PUBLISH_5], &wanted).await;
    broker.change(|_| Quirks::new().no_puback());
    let mut stream = send(&broker, &[CONNECT_5, PUBLISH_5]).await;
    expect(&mut stream, LET_IN).await;
    expect_silence(&mut stream).await;
    assert_eq!(broker.published("a").len(), 2);
}

#[tokio::test]
async fn connections_end_where_they_should_with_or_without_a_reason() {
    let goodbye = || End::Disconnect(0x97, Some("no".to_owned()));
    let suback = b"\x90\x05\x00\x01\x00\x01\x01".as_slice();
    let all = [CONNECT_5, SUBSCRIBE_5, PUBLISH_5, PUBLISH_5];
    // The message comes back for both filters at once: the broker delivers it once.
    let first = b"\x32\x07\x00\x01a\x00\x01\x00x\x40\x02\x00\x02".as_slice();
    let first = [&first[9..], &first[..9]].concat();
    let to_the_second = [LET_IN, suback, &first].concat();
    let last = b"\xe0\x07\x97\x05\x1f\x00\x02no".as_slice();
    for (when, before) in [
        (When::ConnAck, LET_IN.to_vec()),
        (When::Subscribe, LET_IN.to_vec()),
        (When::SubAck, [LET_IN, suback].concat()),
        (When::Publish(2), to_the_second.clone()),
        (When::PacketAbove(12), LET_IN.to_vec()),
        (When::After(MOMENT), [&to_the_second, b"\x40\x02\x00\x02".as_slice()].concat()),
    ] {
        let quirks = Quirks::new().end(when.clone(), goodbye());
        if matches!(when, When::After(_)) {
            // What was delivered for the second message is not looked at.
            let (_broker, mut stream) = answers(quirks, &all, &before).await;
            let mut rest = Vec::new();
            timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
            assert!(rest.ends_with(last), "{rest:02x?}");
            continue;
        }
        let wanted = [&before, last].concat();
        let (_broker, mut stream) = answers(quirks, &all, &wanted).await;
        expect_end(&mut stream).await;

        let quirks = Quirks::new().end(when, End::Close);
        let (_broker, mut stream) = answers(quirks, &all, &before).await;
        expect_end(&mut stream).await;
    }
}

#[tokio::test]
async fn a_short_disconnect_has_no_property_length() {
    let quirks = Quirks::new().end(When::ConnAck, End::Disconnect(0x8e, None));
    let wanted = [LET_IN, b"\xe0\x02\x8e\x00"].concat();
    let (broker, _) = answers(quirks, &[CONNECT_5], &wanted).await;
    broker.change(Quirks::short_disconnect);
    let mut stream = send(&broker, &[CONNECT_5]).await;
    expect(&mut stream, &[LET_IN, b"\xe0\x01\x8e"].concat()).await;
    expect_end(&mut stream).await;
}

#[tokio::test]
async fn one_connection_a_user_ends_the_elder_one() {
    let broker = Quirks::new().one_connection_a_user().start().await;
    let elder = Probe::connect(&broker.url_of("alice", "x")).await;
    let other = Probe::connect(&broker.url_of("bob", "x")).await;
    let _younger = Probe::connect(&broker.url_of("alice", "x")).await;
    let ended = until("the end of the elder", SOON, || elder.ended()).await;
    assert_eq!(ended, "SessionTakenOver");
    assert_eq!(other.ended(), None);
}

#[tokio::test]
async fn a_deaf_broker_reads_on_and_says_nothing() {
    let broker = Quirks::new().start().await;
    let mut stream = send(&broker, &[CONNECT_5]).await;
    expect(&mut stream, LET_IN).await;
    stream.write_all(b"\xc0\x00").await.unwrap();
    expect(&mut stream, b"\xd0\x00").await;
    broker.change(Quirks::deaf);
    stream.write_all(b"\xc0\x00").await.unwrap();
    broker.wait_count("PINGREQ", 2, SOON, |seen| *seen == Action::PingReq).await;
    expect_silence(&mut stream).await;
}

#[tokio::test]
async fn half_a_packet_comes_and_then_nothing() {
    let broker = Quirks::new().start().await;
    let mut stream = send(&broker, &[CONNECT_5]).await;
    expect(&mut stream, LET_IN).await;
    broker.send_half_a_packet();
    expect(&mut stream, b"\x30\x20\x00\x08presence").await;
    stream.write_all(b"\xc0\x00").await.unwrap();
    expect_silence(&mut stream).await;
}

#[tokio::test]
async fn expiries_are_capped_or_handed_out_undiminished() {
    let day = Duration::from_secs(86_400);
    let broker = Quirks::new().expiry_cap(3600).start().await;
    let mut probe = Probe::connect(&broker.url()).await;
    probe.publish(Message::new("a", "x").retained().expires_in(day)).await;
    let [read] = retained(&broker.url(), "a").await.try_into().expect("one message");
    assert!(read.expires_in.is_some_and(|left| left <= day / 24), "{read:?}");

    let old = Message::new("b", "x").expires_in(day);
    broker.store(&old, day / 2);
    let [read] = retained(&broker.url(), "b").await.try_into().expect("one message");
    assert!(read.expires_in.is_some_and(|left| left <= day / 2), "{read:?}");
    broker.store(&old, 2 * day);
    assert!(retained(&broker.url(), "b").await.is_empty());
    broker.change(Quirks::expiry_undiminished);
    let [read] = retained(&broker.url(), "b").await.try_into().expect("one message");
    assert_eq!(read.expires_in, Some(day));
}

#[tokio::test]
async fn everything_that_clients_do_is_recorded() {
    let broker = Quirks::new().start().await;
    let mut stream = send(&broker, &[CONNECT_5, SUBSCRIBE_5, b"\xc0\x00", b"\xe0\x00"]).await;
    timeout(SOON, stream.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    let end = broker.wait_for("the end", SOON, |seen| seen.action == Action::End).await;
    assert_eq!(end.connection, 1);
    let seen: Vec<_> = broker.seen().into_iter().map(|seen| seen.action).collect();
    let [Action::Connect(connect), rest @ ..] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((connect.client_id.as_str(), connect.keep_alive), ("a", 1));
    let filters = vec!["a".to_owned(), "+".to_owned()];
    let wanted = [Action::Subscribe(filters), Action::PingReq, Action::Disconnect(0), Action::End];
    assert_eq!(rest, wanted);
    assert_eq!(broker.connections(), 0);
    drop(send(&broker, &[b"\xc0\x00"]).await);
    broker.wait_count("an end", 2, SOON, |seen| *seen == Action::End).await;
    assert_eq!(broker.count(|seen| matches!(seen, Action::Malformed(_))), 1);
}

#[tokio::test]
async fn a_client_that_says_nothing_more_dies_and_its_will_comes() {
    let broker = Quirks::new().start().await;
    let mut reader = Probe::connect(&broker.url()).await;
    reader.subscribe("will").await;
    // Keep Alive 1 s, a Will on `will`.
    let connect = b"\x10\x18\x00\x04MQTT\x05\x06\x00\x01\x00\x00\x01a\x00\x00\x04will\x00\x01x";
    let _stream = send(&broker, &[connect]).await;
    reader.wait_for(|arrival| arrival.topic == "will", SOON).await;
}

#[tokio::test]
async fn a_client_of_the_older_version_is_served_like_any_other() {
    let broker = Quirks::new().start().await;
    broker.store(&Message::new("presence/bob", "y"), Duration::ZERO);
    let old = OldProbe::connect(&broker.url(), "old", None).await.unwrap();
    old.subscribe("presence/+").await.unwrap();
    let mut probe = Probe::connect(&broker.url()).await;
    probe.publish(Message::new("presence/alice", "x").retained()).await;
    until("both messages", SOON, || old.arrivals().len() == 2).await;
    broker.end_all(&End::Close);
    until("the end", SOON, || probe.ended()).await;
    never("a connection", MOMENT, || broker.connections() > 0).await;
}
