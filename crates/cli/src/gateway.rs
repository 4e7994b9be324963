//! `porchlight hub --gateway`: what a hub does for a team, beside a broker of somebody else's.
//!
//! Owns the loop between the agent's session and the hub's gateway, which do not know each other.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ArgGroup;
use porchlight_agent::broker::{Broker, Trust};
use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_agent::mqtt_session::{MqttSession, SessionEvent};
use porchlight_agent::redacted::Redacted;
use porchlight_core::access::Withheld;
use porchlight_core::input::{ConnectionFailure, RefusedFilter};
use porchlight_hub::{DEFAULT_GATEWAY_ADDR, Gateway, GatewaySettings, Tokens};

use crate::failure::Failure;
use crate::log::Log;
use crate::signals::StopSignals;
use crate::{args, output};

/// The flags of `porchlight hub` that make it a gateway.
#[derive(Debug, ArgGroup)]
#[command(next_help_heading = "Gateway for another broker")]
pub(crate) struct Args {
    /// Aggregate statuses at this broker and serve HTTP at --listen: mqtts://USER:PASSWORD@HOST/presence.
    /// @FILE reads the URL from a file, so that no list of processes shows the password
    #[arg(long, value_name = "URL", conflicts_with_all = ["memory", "allow_anonymous"])]
    pub(crate) gateway: Option<Redacted>,
    /// A PEM file of certificates to trust instead of the system's
    #[arg(long, value_name = "FILE", requires = "gateway")]
    gateway_ca: Option<PathBuf>,
    /// Make a token for a program that reads over HTTP, print it, and exit; a running gateway accepts it at once
    #[arg(long, value_name = "NAME", conflicts_with = "gateway")]
    new_token: Option<String>,
    /// Revoke the token with this id, which is the part before the dot
    #[arg(long, value_name = "ID", conflicts_with_all = ["gateway", "new_token"])]
    revoke_token: Option<String>,
    /// List the tokens
    #[arg(long, conflicts_with_all = ["gateway", "new_token", "revoke_token"])]
    list_tokens: bool,
}

impl Args {
    /// Whether a gateway is meant, not a broker.
    pub(crate) fn are_given(&self) -> bool {
        self.gateway.is_some()
            || self.new_token.is_some()
            || self.revoke_token.is_some()
            || self.list_tokens
    }
}

pub(crate) async fn gateway(flags: &Flags, args: args::Hub) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let store = args.store.unwrap_or_else(|| resolved.places.state.join("gateway"));
    let Some(url) = &args.gateway.gateway else {
        return tokens(&args.gateway, &store);
    };
    let mut broker = broker(url.text())?;
    if let (Some(tls), Some(authorities)) = (&mut broker.tls, args.gateway.gateway_ca) {
        tls.trust = Trust::Authorities(authorities);
    }
    broker.proxy = resolved.proxy;
    let settings = GatewaySettings {
        root: broker.root.clone(),
        listen: args.listen.unwrap_or(DEFAULT_GATEWAY_ADDR),
        store,
        origins: if args.origins.is_empty() { resolved.hub.origins } else { args.origins },
    };
    let mut stop = StopSignals::listen();
    let mut gateway = Gateway::start(settings).await?;
    output::print(&format!("answering on http://{}", gateway.addr()));
    for warning in gateway.warnings() {
        output::warn(&warning.to_string());
    }
    let address = broker.to_string();
    let mut session = MqttSession::open(broker, gateway.filters(), gateway.announcement())?;
    let mut reporter = Reporter { address, log: Log::default(), told_write_refused: false };
    loop {
        for write in gateway.take_writes() {
            session.write(write);
        }
        tokio::select! {
            () = stop.received() => break,
            event = session.next() => {
                gateway.handle(&event);
                reporter.report(&event);
            }
            () = wait(gateway.due_in()) => {}
        }
    }
    for write in gateway.withdrawal() {
        session.write(write);
    }
    session.close().await;
    Ok(())
}

/// Tokens are made and ended in the file, whether a gateway runs or not.
fn tokens(args: &Args, store: &std::path::Path) -> Result<(), Failure> {
    let mut tokens = Tokens::open(store)?;
    if let Some(name) = &args.new_token {
        output::print(&tokens.make(name)?.to_string());
    } else if let Some(id) = &args.revoke_token {
        // Accept the whole token, too: the caller may know nothing else of it.
        let id = id.split('.').next().unwrap_or_default();
        if !tokens.revoke(id)? {
            return Err(Failure::Usage(format!("no token has the id {id}; see --list-tokens")));
        }
    } else {
        for token in tokens.list() {
            output::print(&format!("{}  {}", token.id, token.label));
        }
    }
    Ok(())
}

fn broker(url: &str) -> Result<Broker, Failure> {
    let read = url.strip_prefix('@').map(|file| {
        std::fs::read_to_string(file)
            .map_err(|error| Failure::Usage(format!("{file} can't be read: {error}")))
    });
    let url = read.transpose()?.unwrap_or_else(|| url.to_owned());
    url.trim().parse().map_err(|error| Failure::Usage(format!("--gateway: {error}")))
}

async fn wait(due: Option<Duration>) {
    match due {
        // Tokio's clock stops while the machine sleeps; the clock of the aggregates does not.
        Some(due) => tokio::time::sleep(due.min(Duration::from_secs(60))).await,
        None => std::future::pending().await,
    }
}

/// Writes what happens to the connection to standard error, each kind of problem once.
struct Reporter {
    address: String,
    log: Log,
    /// Whether a refused write was reported.
    told_write_refused: bool,
}

impl Reporter {
    fn report(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::Read => {
                if self.log.connected(clock::now().mono) {
                    output::warn(&format!("connected to {}", self.address));
                }
            }
            SessionEvent::Lost(failure) => {
                if self.log.not_connected(failure.code(), clock::now().mono) {
                    output::warn(&words(failure));
                }
            }
            SessionEvent::WriteRefused { topic, refusal } => {
                if !std::mem::replace(&mut self.told_write_refused, true) {
                    output::warn(&format!(
                        "the broker does not let the gateway write {topic} ({refusal}); give its account the hub's rights (docs/rest.md)"
                    ));
                }
            }
            SessionEvent::Began | SessionEvent::Received(_) => {}
        }
    }
}

/// Why there is no connection. A gateway has an account like a hub's, so other rights help it than a person.
fn words(failure: &ConnectionFailure) -> String {
    match failure {
        ConnectionFailure::Withheld(Withheld::Filters(refused)) => format!(
            "the broker does not let the gateway read {}; give its account the hub's rights (docs/rest.md)",
            RefusedFilter::list(refused)
        ),
        failure => failure.to_string(),
    }
}
