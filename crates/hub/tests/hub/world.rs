//! The test harness: a client on its own task, and conditions to await with a deadline.

use porchlight_hub::{Access, Hub, HubSettings, Listen, Store};
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, LastWill, LastWillProperties, Packet, PubAckReason, Publish,
    PublishProperties, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, MqttOptions};
use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for a future with a deadline. `what` names it in the failure.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come in {DEADLINE:?}"))
}

/// Calls `look` repeatedly until it returns a value.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    within(what, async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

pub(crate) fn settings(store: Store) -> HubSettings {
    HubSettings {
        listen: Listen::Exactly(SocketAddr::from(([127, 0, 0, 1], 0))),
        store,
        runtime_file: None,
        access: Access::Open { allow_anonymous: false },
    }
}

pub(crate) async fn hub_in(folder: &Path) -> Hub {
    within("the hub", Box::pin(Hub::start(settings(Store::Folder(folder.to_owned())))))
        .await
        .unwrap()
}

pub(crate) async fn hub_in_memory() -> Hub {
    within("the hub", Hub::start(settings(Store::Memory))).await.unwrap()
}

pub(crate) fn codes(hub: &Hub) -> Vec<&'static str> {
    hub.warnings().iter().map(porchlight_hub::HubWarning::code).collect()
}

/// The topic that marks the end of a snapshot. A client that also reads "#" receives it twice.
const END: &str = "end-of-snapshot";

/// The end of the hub's announcement topic. Only tests that request it see it.
const HUB: &str = "/_hub";

/// An event that a client received.
#[derive(Debug)]
enum Seen {
    Connected,
    Message(Box<Publish>),
    Subscribed(Vec<SubscribeReasonCode>),
    Refused(ConnectReturnCode),
    Acknowledged(PubAckReason),
    /// The connection ended, and the client does not reconnect.
    Ended,
}

pub(crate) struct Client {
    client: AsyncClient,
    seen: mpsc::UnboundedReceiver<Seen>,
    waiting: VecDeque<Seen>,
    snapshots: u32,
    // `poll` is not cancel-safe, so it runs on its own task.
    pump: JoinHandle<()>,
}

pub(crate) fn options(addr: SocketAddr, id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(id, addr.ip().to_string(), addr.port());
    options.set_max_packet_size(Some(64 * 1024));
    // Otherwise each client allocates space for 65,535 messages, which slows down many clients.
    options.set_outgoing_inflight_upper_limit(100);
    options
}

pub(crate) fn will(topic: &str, payload: &str, delay_s: Option<u32>) -> LastWill {
    let properties = delay_s.map(|delay| LastWillProperties {
        delay_interval: Some(delay),
        payload_format_indicator: None,
        message_expiry_interval: None,
        content_type: None,
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    });
    LastWill::new(topic, payload, QoS::AtLeastOnce, true, properties)
}

impl Client {
    /// Connects, and returns when the hub has accepted the connection.
    pub(crate) async fn connect(options: MqttOptions) -> Self {
        Self::try_connect(options).await.unwrap_or_else(|refused| panic!("refused: {refused:?}"))
    }

    /// Connects, and returns when the hub has accepted or refused. The reason is none if the hub only closed
    /// the connection.
    pub(crate) async fn try_connect(
        options: MqttOptions,
    ) -> Result<Self, Option<ConnectReturnCode>> {
        let (client, mut events) = AsyncClient::new(options, 100);
        let (tell, seen) = mpsc::unbounded_channel();
        let pump = tokio::spawn(async move {
            loop {
                let seen = match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => Seen::Connected,
                    Ok(Event::Incoming(Packet::Publish(p))) => Seen::Message(Box::new(p)),
                    Ok(Event::Incoming(Packet::SubAck(ack))) => Seen::Subscribed(ack.return_codes),
                    Err(ConnectionError::ConnectionRefused(code)) => Seen::Refused(code),
                    Ok(Event::Incoming(Packet::PubAck(p))) => Seen::Acknowledged(p.reason),
                    // Another poll would reconnect.
                    Ok(Event::Outgoing(Outgoing::Disconnect)) => Seen::Ended,
                    Err(e) => {
                        // A failing test shows this.
                        println!("a client's connection ended: {e}");
                        Seen::Ended
                    }
                    Ok(_) => continue,
                };
                let ended = matches!(seen, Seen::Ended | Seen::Refused(_));
                if tell.send(seen).is_err() || ended {
                    return;
                }
            }
        });
        let mut this = Self { client, seen, waiting: VecDeque::new(), snapshots: 0, pump };
        match within("CONNACK", this.seen.recv()).await {
            Some(Seen::Connected) => Ok(this),
            Some(Seen::Refused(code)) => Err(Some(code)),
            _ => Err(None),
        }
    }

    pub(crate) async fn named(addr: SocketAddr, id: &str) -> Self {
        Self::connect(options(addr, id)).await
    }

    /// Publishes a retained message at `QoS` 1. Returns the reason once the hub has acknowledged it.
    pub(crate) async fn retain(
        &mut self,
        topic: &str,
        payload: impl Into<Vec<u8>>,
    ) -> PubAckReason {
        self.retain_for(topic, payload, None).await
    }

    pub(crate) async fn retain_for(
        &mut self,
        topic: &str,
        payload: impl Into<Vec<u8>>,
        expiry_s: Option<u32>,
    ) -> PubAckReason {
        let properties =
            PublishProperties { message_expiry_interval: expiry_s, ..Default::default() };
        self.client
            .publish_with_properties(topic, QoS::AtLeastOnce, true, payload.into(), properties)
            .await
            .unwrap();
        match self.wait("PUBACK", |s| matches!(s, Seen::Acknowledged(_))).await {
            Seen::Acknowledged(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Publishes a retained message at `QoS` 1 to a hub that may end meanwhile. Returns whether the hub
    /// acknowledged it.
    pub(crate) async fn retain_or_end(&mut self, topic: &str, payload: &str) -> bool {
        let payload = payload.as_bytes().to_vec();
        if self.client.publish(topic, QoS::AtLeastOnce, true, payload).await.is_err() {
            return false;
        }
        let over = |seen: &Seen| matches!(seen, Seen::Acknowledged(_) | Seen::Ended);
        match self.wait("PUBACK, or the hub's end", over).await {
            Seen::Acknowledged(reason) => {
                assert_eq!(reason, PubAckReason::Success, "{topic}");
                true
            }
            _ => false,
        }
    }

    /// Publishes a message without retain, and does not wait.
    pub(crate) async fn say(&self, topic: &str, payload: &str) {
        self.client
            .publish(topic, QoS::AtMostOnce, false, payload.as_bytes().to_vec())
            .await
            .unwrap();
    }

    pub(crate) async fn subscribe(&mut self, filter: &str) {
        let granted = self.ask_for(filter).await;
        assert!(matches!(granted, SubscribeReasonCode::Success(_)), "{filter}: {granted:?}");
    }

    /// Subscribes, and returns the hub's answer.
    pub(crate) async fn ask_for(&mut self, filter: &str) -> SubscribeReasonCode {
        self.client.subscribe(filter, QoS::AtMostOnce).await.unwrap();
        match self.wait("SUBACK", |s| matches!(s, Seen::Subscribed(_))).await {
            Seen::Subscribed(codes) => codes[0],
            other => panic!("{other:?}"),
        }
    }

    /// Publishes at `QoS` 1 without retain, and returns the hub's answer.
    pub(crate) async fn tell(&mut self, topic: &str, payload: &str) -> PubAckReason {
        self.client
            .publish(topic, QoS::AtLeastOnce, false, payload.as_bytes().to_vec())
            .await
            .unwrap();
        match self.wait("PUBACK", |s| matches!(s, Seen::Acknowledged(_))).await {
            Seen::Acknowledged(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Asserts that no message arrives before our own one on `marker`, a topic that we may write and read.
    pub(crate) async fn has_heard_nothing_else(&mut self, marker: &str) {
        self.subscribe(marker).await;
        self.say(marker, "marker").await;
        loop {
            let (topic, text) = self.any_text().await;
            if topic == marker && text == "marker" {
                return;
            }
            assert!(topic.ends_with(HUB) || topic == marker, "heard {topic}: {text}");
        }
    }

    pub(crate) async fn message(&mut self) -> Publish {
        loop {
            let message = self.any_message().await;
            if !message.topic.starts_with(END.as_bytes())
                && !message.topic.ends_with(HUB.as_bytes())
            {
                return message;
            }
        }
    }

    /// Returns the next message, as topic and text, including the hub's announcement.
    pub(crate) async fn any_text(&mut self) -> (String, String) {
        let p = self.any_message().await;
        (text(&p.topic), text(&p.payload))
    }

    /// Returns the next message, as topic and text.
    pub(crate) async fn text(&mut self) -> (String, String) {
        let p = self.message().await;
        (text(&p.topic), text(&p.payload))
    }

    /// Returns all retained messages of clients under `filter`, sorted.
    pub(crate) async fn snapshot(&mut self, filter: &str) -> Vec<(String, String)> {
        let mut all = self.everything(filter).await;
        all.retain(|(topic, _)| !topic.ends_with(HUB));
        all
    }

    /// Returns all retained messages under `filter`, sorted. A message of our own marks the end.
    pub(crate) async fn everything(&mut self, filter: &str) -> Vec<(String, String)> {
        self.snapshots += 1;
        let end = format!("{END}/{}", self.snapshots);
        self.subscribe(&end).await;
        self.subscribe(filter).await;
        self.say(&end, "").await;
        let mut all = Vec::new();
        loop {
            let p = self.any_message().await;
            if p.topic == end.as_bytes() {
                break;
            }
            all.push((text(&p.topic), text(&p.payload)));
        }
        all.sort();
        all
    }

    /// Returns all retained messages under `filter`, sorted. `marker` is a topic that we may write and read.
    pub(crate) async fn records(&mut self, filter: &str, marker: &str) -> Vec<(String, String)> {
        self.subscribe(marker).await;
        self.subscribe(filter).await;
        self.say(marker, "marker").await;
        let mut all = Vec::new();
        loop {
            let p = self.any_message().await;
            if p.topic == marker.as_bytes() {
                all.sort();
                return all;
            }
            all.push((text(&p.topic), text(&p.payload)));
        }
    }

    async fn any_message(&mut self) -> Publish {
        match self.wait("a message", |s| matches!(s, Seen::Message(_))).await {
            Seen::Message(p) => *p,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the hub has closed the connection.
    pub(crate) async fn ended(&mut self) {
        self.wait("the end of the connection", |s| matches!(s, Seen::Ended)).await;
    }

    /// Disconnects with a DISCONNECT.
    pub(crate) async fn leave(mut self) {
        self.client.disconnect().await.unwrap();
        self.ended().await;
    }

    /// Drops the connection without a DISCONNECT.
    pub(crate) async fn vanish(self) {
        self.pump.abort();
        let _ = self.pump.await;
    }

    async fn wait(&mut self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).unwrap();
        }
        within(what, async {
            loop {
                match self.seen.recv().await {
                    Some(seen) if wanted(&seen) => return seen,
                    Some(Seen::Ended | Seen::Refused(_)) | None => {
                        panic!("the connection ended while waiting for {what}")
                    }
                    Some(seen) => self.waiting.push_back(seen),
                }
            }
        })
        .await
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn pair(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

/// A separate file system, unmounted when dropped.
pub(crate) struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    /// Mounts a tmpfs on `at`, or reports that the test cannot run here.
    pub(crate) fn tmpfs(at: &'a Path, options: &str, test: &str) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        if mounted.is_ok_and(|out| out.status.success()) {
            Some(Self(at))
        } else {
            println!("skipped: {test} (a tmpfs cannot be mounted here)");
            None
        }
    }

    pub(crate) fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(self.0)
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
