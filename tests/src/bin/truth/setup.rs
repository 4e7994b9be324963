//! The brokers on which everything happens, each on a port of its own that it keeps.

use porchlight_tests::{Broker, EmbeddedHub, Mosquitto, V311Proxy};

/// A kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `porchlight hub`.
    Hub,
    /// Mosquitto as it comes.
    Mosquitto5,
    /// Mosquitto behind a gate that lets in MQTT 3.1.1 only.
    Mosquitto311,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Hub, Self::Mosquitto5, Self::Mosquitto311];

    /// The word that selects it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Mosquitto5 => "mosquitto5",
            Self::Mosquitto311 => "mosquitto311",
        }
    }

    /// How a table calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Hub => "The embedded hub",
            Self::Mosquitto5 => "Mosquitto, MQTT 5",
            Self::Mosquitto311 => "Mosquitto, MQTT 3.1.1 only",
        }
    }
}

/// A running broker.
#[derive(Debug)]
pub(crate) struct BrokerSetup {
    broker: Broker,
    gate: Option<V311Proxy>,
}

impl BrokerSetup {
    pub(crate) async fn start(kind: Kind) -> Self {
        let broker: Broker = match kind {
            Kind::Hub => EmbeddedHub::start().await.into(),
            Kind::Mosquitto5 | Kind::Mosquitto311 => Mosquitto::start("").await.into(),
        };
        let gate = match kind {
            Kind::Mosquitto311 => Some(V311Proxy::to(broker.port()).await),
            Kind::Hub | Kind::Mosquitto5 => None,
        };
        Self { broker, gate }
    }

    /// Its URL without a topic root.
    pub(crate) fn url(&self) -> String {
        self.gate.as_ref().map_or_else(|| self.broker.url(), V311Proxy::url)
    }

    /// Its port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.gate.as_ref().map_or_else(|| self.broker.port(), V311Proxy::port)
    }

    /// Asks the broker to quit and waits for it.
    pub(crate) async fn stop(&mut self) {
        // It waits on this thread; the scripts of the others go on.
        tokio::task::block_in_place(|| self.broker.stop());
        self.shut_gate().await;
    }

    /// Kills the broker.
    pub(crate) async fn crash(&mut self) {
        self.broker.crash();
        self.shut_gate().await;
    }

    /// Starts the broker again with what it had stored.
    pub(crate) async fn start_again(&mut self) {
        self.broker.start_again().await;
        if let Some(gate) = &mut self.gate {
            gate.open().await;
        }
    }

    async fn shut_gate(&mut self) {
        if let Some(gate) = &mut self.gate {
            gate.shut().await;
        }
    }
}
