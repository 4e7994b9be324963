//! Fuzzes URLs: of a broker, and contact links of a person.

use porchlight_agent::broker::{Broker, Password};
use porchlight_core::contact::{ContactLink, MAX_LINK, SCHEMES};
use porchlight_core::text::is_deceptive;

/// The minimum length of a password to search for. It must also contain a digit: others may be part
/// of any word.
const MIN_LENGTH: usize = 6;

/// Parses any text as a broker's URL. What is accepted prints as a URL of the same broker. Neither
/// that nor an error contains the password.
pub fn read_broker_url(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    let printed = match text.parse::<Broker>() {
        Ok(broker) => {
            let printed = broker.to_string();
            let again: Broker =
                printed.parse().unwrap_or_else(|error| panic!("{printed} of {text}: {error}"));
            assert_eq!(printed, again.to_string(), "{text}");
            assert_eq!(
                (broker.addresses(), &broker.web_socket, &broker.tls, &broker.root),
                (again.addresses(), &again.web_socket, &again.tls, &again.root),
                "{printed} of {text}"
            );
            assert!(!printed.contains(is_deceptive), "{printed:?}");
            if let Some(login) = &broker.login
                && let Password::Plain(password) = &login.password
            {
                assert_hidden(&format!("{broker} {broker:?} {login:?}"), password, text);
            }
            return;
        }
        Err(error) => format!("{error} {error:?}"),
    };
    // What would be the password if the text were a URL.
    if let Some((_, rest)) = text.split_once("://")
        && let Some((login, _)) = rest.rsplit_once('@')
        && let Some((_, password)) = login.split_once(':')
    {
        assert_hidden(&printed, password, text);
    }
}

/// Checks that `printed` does not contain the password, unless the text contains it elsewhere too.
pub(crate) fn assert_hidden(printed: &str, password: &str, text: &str) {
    let is_distinctive =
        password.len() >= MIN_LENGTH && password.contains(|c: char| c.is_ascii_digit());
    if is_distinctive && text.matches(password).count() <= 1 {
        assert!(!printed.contains(password), "{printed}");
    }
}

/// Parses any text as a contact link. What is accepted has a known scheme, only characters of a
/// URI, and no file to attach.
pub fn read_contact_link(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    let Ok(link) = text.parse::<ContactLink>() else { return };
    let link = link.as_str();
    assert_eq!(ContactLink::parse(link).as_ref().map(ContactLink::as_str), Ok(link));
    assert!(link.len() <= MAX_LINK && link.bytes().all(|byte| byte.is_ascii_graphic()), "{link}");
    let (scheme, rest) = link.split_once(':').expect("a link has a scheme");
    assert!(SCHEMES.contains(&scheme), "{link}");
    if scheme == "mailto" {
        let query = rest.split_once('?').map_or("", |(_, query)| query).to_ascii_lowercase();
        assert!(!query.split(['&', ';', '?']).any(|field| field.starts_with("attach")), "{link}");
    }
}
