//! A probe that speaks MQTT 3.1.1.

use std::sync::{Arc, Mutex, PoisonError};

use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS};
use tokio::task::JoinHandle;
use url::Url;

use super::Message;
use crate::until::{SOON, poll};

/// A message that arrived: its topic, its payload, and whether it came from the broker's store.
pub type OldArrival = (String, Vec<u8>, bool);

#[derive(Debug, Default)]
struct Record {
    connected: bool,
    arrivals: Vec<OldArrival>,
    granted: usize,
    confirmed: usize,
    ended: bool,
}

/// A connected probe of MQTT 3.1.1. Dropped, it closes its socket without a DISCONNECT, as a crash does.
#[derive(Debug)]
pub struct OldProbe {
    client: AsyncClient,
    record: Arc<Mutex<Record>>,
    pump: JoinHandle<()>,
}

impl OldProbe {
    /// Connects with a clean session.
    ///
    /// # Errors
    ///
    /// Why not, as text.
    pub async fn connect(url: &str, id: &str, will: Option<Message>) -> Result<Self, String> {
        let parsed = Url::parse(url).map_err(|error| error.to_string())?;
        let host = parsed.host_str().ok_or("no host in the URL")?;
        let mut options = MqttOptions::new(id, host, parsed.port().unwrap_or(1883));
        options.set_max_packet_size(1024 * 1024, 1024 * 1024);
        if !parsed.username().is_empty() {
            options.set_credentials(parsed.username(), parsed.password().unwrap_or_default());
        }
        if let Some(will) = will {
            let last = LastWill::new(will.topic, will.payload, QoS::AtLeastOnce, will.retained);
            options.set_last_will(last);
        }
        let (client, events) = AsyncClient::new(options, 100);
        let record = Arc::new(Mutex::new(Record::default()));
        let pump = tokio::spawn(pump(events, Arc::clone(&record)));
        let probe = Self { client, record, pump };
        probe.settled("CONNACK", |record| record.connected).await?;
        Ok(probe)
    }

    /// Subscribes at QoS 0 and waits until the broker has granted it.
    ///
    /// # Errors
    ///
    /// Where the connection ended instead.
    pub async fn subscribe(&self, filter: &str) -> Result<(), String> {
        let granted = self.read(|record| record.granted);
        self.client.subscribe(filter, QoS::AtMostOnce).await.map_err(|error| error.to_string())?;
        self.settled("SUBACK", |record| record.granted > granted).await
    }

    /// Publishes at QoS 1 and waits until the broker has confirmed it.
    ///
    /// # Errors
    ///
    /// Where the connection ended instead.
    pub async fn publish(&self, message: Message) -> Result<(), String> {
        let confirmed = self.read(|record| record.confirmed);
        let Message { topic, payload, retained, .. } = message;
        self.client
            .publish(topic, QoS::AtLeastOnce, retained, payload)
            .await
            .map_err(|error| error.to_string())?;
        self.settled("PUBACK", |record| record.confirmed > confirmed).await
    }

    /// Everything that arrived so far, in order.
    #[must_use]
    pub fn arrivals(&self) -> Vec<OldArrival> {
        self.read(|record| record.arrivals.clone())
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.read(|record| record.ended)
    }

    /// Says goodbye with a DISCONNECT.
    pub async fn leave(self) {
        // An error means that it has ended already.
        let _ = self.client.disconnect().await;
        let _ = poll(SOON, || self.ended()).await;
    }

    async fn settled(&self, what: &str, done: impl Fn(&Record) -> bool) -> Result<(), String> {
        let settled = poll(2 * SOON, || {
            self.read(|record| match (done(record), record.ended) {
                (true, _) => Some(Ok(())),
                (false, true) => Some(Err(format!("the connection ended before {what}"))),
                (false, false) => None,
            })
        });
        settled.await.unwrap_or_else(|| Err(format!("{what} did not come")))
    }

    fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for OldProbe {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Drives the connection, on a task of its own since `poll` is not cancel-safe.
async fn pump(mut events: EventLoop, record: Arc<Mutex<Record>>) {
    loop {
        let polled = events.poll().await;
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        match polled {
            Ok(Event::Incoming(Packet::ConnAck(_))) => record.connected = true,
            Ok(Event::Incoming(Packet::SubAck(_))) => record.granted += 1,
            Ok(Event::Incoming(Packet::PubAck(_))) => record.confirmed += 1,
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                record.arrivals.push((publish.topic, publish.payload.to_vec(), publish.retain));
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(_) => {
                record.ended = true;
                return;
            }
            Ok(_) => {}
        }
    }
}
