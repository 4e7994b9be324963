//! The Secret Service of Linux desktops: its errors, and whether it is locked.

use std::error::Error;

use secret_service::EncryptionType;
use secret_service::Error as ServiceError;
use secret_service::blocking::SecretService;
use zbus::blocking::Connection;
use zbus::blocking::fdo::DBusProxy;
use zbus::fdo;
use zbus::names::BusName;

use super::KeyringError;

/// Whether the keyring is locked. Never prompts.
pub(super) fn is_locked() -> Result<bool, KeyringError> {
    let service =
        SecretService::connect(EncryptionType::Plain).map_err(|error| keyring_error(&error))?;
    let keyring = service.get_default_collection().map_err(|error| keyring_error(&error))?;
    keyring.is_locked().map_err(|error| keyring_error(&error))
}

pub(super) fn keyring_error(error: &(dyn Error + Send + Sync + 'static)) -> KeyringError {
    let reason = error.to_string();
    tracing::debug!("the keyring: {reason}");
    match error.downcast_ref::<ServiceError>() {
        Some(ServiceError::Locked) => KeyringError::Locked,
        Some(ServiceError::Prompt) if could_not_prompt() => KeyringError::Locked,
        Some(ServiceError::Prompt) => KeyringError::Refused,
        // There is no default keyring, and none was created.
        Some(ServiceError::NoResult) => {
            KeyringError::Absent { reason: "there is none in it yet".to_owned() }
        }
        Some(ServiceError::Unavailable) => KeyringError::Absent { reason },
        Some(ServiceError::Zbus(error)) if is_absence(error) => KeyringError::Absent { reason },
        Some(ServiceError::ZbusFdo(error)) if is_missing_service(error) => {
            KeyringError::Absent { reason }
        }
        _ => KeyringError::Failed { reason },
    }
}

/// Whether the prompt could not even be shown. GNOME's keyring then reports it as dismissed too,
/// because without a desktop its prompter can't start. After a real prompt the prompter is still
/// there.
fn could_not_prompt() -> bool {
    const KEYRING: &str = "org.gnome.keyring";
    const PROMPTER: &str = "org.gnome.keyring.SystemPrompter";
    let is_there = |bus: &DBusProxy<'_>, name: &'static str| {
        BusName::try_from(name).is_ok_and(|name| bus.name_has_owner(name).unwrap_or(false))
    };
    let bus = Connection::session().ok();
    let bus = bus.as_ref().and_then(|bus| DBusProxy::new(bus).ok());
    bus.is_some_and(|bus| is_there(&bus, KEYRING) && !is_there(&bus, PROMPTER))
}

/// Whether the error means that there is no bus, or no Secret Service on it.
fn is_absence(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::Address(_)
        | zbus::Error::Connection(..)
        | zbus::Error::InputOutput(_)
        | zbus::Error::InterfaceNotFound => true,
        zbus::Error::FDO(error) => is_missing_service(error),
        zbus::Error::MethodError(name, ..) => {
            name.starts_with("org.freedesktop.DBus.Error.Spawn.")
                || matches!(
                    name.as_str(),
                    "org.freedesktop.DBus.Error.ServiceUnknown"
                        | "org.freedesktop.DBus.Error.NameHasNoOwner"
                )
        }
        _ => false,
    }
}

fn is_missing_service(error: &fdo::Error) -> bool {
    matches!(
        error,
        fdo::Error::ServiceUnknown(_)
            | fdo::Error::NameHasNoOwner(_)
            | fdo::Error::SpawnExecFailed(_)
            | fdo::Error::SpawnServiceNotFound(_)
            | fdo::Error::SpawnChildExited(_)
            | fdo::Error::SpawnFailed(_)
    )
}
