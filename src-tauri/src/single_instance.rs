//! Keeps the app to one instance per session: a second launch brings the first one's window to the
//! front.
//!
//! This module owns the name on the session bus, and implements `org.freedesktop.Application` there
//! (Desktop Entry Specification, *D-Bus Activation*), so that a desktop can activate the app as
//! well.

use std::collections::HashMap;

use zbus::Connection;
use zbus::fdo::RequestNameFlags;
use zbus::zvariant::{OwnedValue, Value};

use crate::deep_link::DeepLink;
use crate::request::Desktop;

const NAME: &str = "app.porchlight.Porchlight";
const PATH: &str = "/app/porchlight/Porchlight";
const INTERFACE: &str = "org.freedesktop.Application";

struct Application(Desktop);

#[zbus::interface(name = "org.freedesktop.Application")]
impl Application {
    fn activate(&self, _platform_data: HashMap<String, OwnedValue>) {
        self.0.open_window();
    }

    fn open(&self, uris: Vec<String>, _platform_data: HashMap<String, OwnedValue>) {
        // Opened for an invalid link too: the person clicked on something, and should see an app.
        self.0.open_window();
        for uri in uris {
            self.0.open_link(uri);
        }
    }

    fn activate_action(
        &self,
        _action: &str,
        _parameter: Vec<OwnedValue>,
        _platform_data: HashMap<String, OwnedValue>,
    ) {
        self.0.open_window();
    }
}

/// Takes the app's name on the bus. The connection holds it. If another instance has the name, it
/// is activated and gets the link, and this process ends. Without a session bus, the app runs
/// anyway.
pub(crate) async fn claim(desktop: &Desktop, link: Option<&DeepLink>) -> Option<Connection> {
    match take_name(desktop).await {
        Ok(connection) => Some(connection),
        Err(zbus::Error::NameTaken) => {
            if let Err(error) = activate_other(link).await {
                eprintln!(
                    "porchlight-desktop: another one runs here, but it does not answer ({error})"
                );
                std::process::exit(1);
            }
            std::process::exit(0);
        }
        Err(error) => {
            tracing::warn!("no session bus, so a second launch will be a second app: {error}");
            None
        }
    }
}

/// Releases the name, so that the next launch can take it even if this process takes a while to
/// end.
pub(crate) async fn release(only: Option<Connection>) {
    if let Some(connection) = only
        && let Err(error) = connection.release_name(NAME).await
    {
        tracing::debug!("the name on the bus stays until the end: {error}");
    }
}

async fn take_name(desktop: &Desktop) -> zbus::Result<Connection> {
    let connection = zbus::connection::Builder::session()?
        .internal_executor(false)
        .serve_at(PATH, Application(desktop.clone()))?
        .build();
    let connection = run_executor(connection).await?;
    connection.request_name_with_flags(NAME, RequestNameFlags::DoNotQueue.into()).await?;
    Ok(connection)
}

/// Runs the connection on this runtime instead of its own thread.
async fn run_executor(
    connection: impl Future<Output = zbus::Result<Connection>>,
) -> zbus::Result<Connection> {
    let connection = connection.await?;
    let executor = connection.executor().clone();
    tokio::spawn(async move {
        while !executor.is_empty() {
            executor.tick().await;
        }
    });
    Ok(connection)
}

/// Activates the other instance as a desktop would (Desktop Entry Specification, *D-Bus
/// Activation*).
async fn activate_other(link: Option<&DeepLink>) -> zbus::Result<()> {
    let connection =
        run_executor(zbus::connection::Builder::session()?.internal_executor(false).build())
            .await?;
    let platform_data: HashMap<&str, Value<'_>> = HashMap::new();
    let (name, interface) = (Some(NAME), Some(INTERFACE));
    let answer = match link {
        Some(link) => {
            let uris = [link.to_string()];
            let body = (uris.as_slice(), platform_data);
            connection.call_method(name, PATH, interface, "Open", &body).await
        }
        None => connection.call_method(name, PATH, interface, "Activate", &platform_data).await,
    };
    answer.map(|_| ())
}
