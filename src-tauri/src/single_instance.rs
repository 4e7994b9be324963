//! One app a session: a second launch brings the first one's window to the front.
//!
//! Owns the name on the session bus, and speaks `org.freedesktop.Application` there (Desktop Entry Specification,
//! *D-Bus Activation*), so that a desktop can do the same.

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
        // Also for a link that is refused: the person clicked on something, and sees at least whose it was.
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

/// Takes the name for as long as the connection is held. Where another app has it, that one is brought to the
/// front and given the link, and this process ends. Without a session bus nobody can tell, and the app goes on.
pub(crate) async fn claim(desktop: &Desktop, link: Option<&DeepLink>) -> Option<Connection> {
    match take_name(desktop).await {
        Ok(connection) => Some(connection),
        Err(zbus::Error::NameTaken) => {
            if let Err(error) = hand_over(link).await {
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

/// Gives the name back, so that whoever comes next has it, however long this process still takes to end.
pub(crate) async fn let_go(only: Option<Connection>) {
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
    let connection = driven(connection).await?;
    connection.request_name_with_flags(NAME, RequestNameFlags::DoNotQueue.into()).await?;
    Ok(connection)
}

/// Ticks the connection on this runtime instead of on a thread of its own.
async fn driven(
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

/// Does with the other app as a desktop would (Desktop Entry Specification, *D-Bus Activation*).
async fn hand_over(link: Option<&DeepLink>) -> zbus::Result<()> {
    let connection =
        driven(zbus::connection::Builder::session()?.internal_executor(false).build()).await?;
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
