//! URLs: of a broker, and of a person who can be reached there.

use porchlight_agent::broker::{Broker, Password};
use porchlight_core::contact::{ContactLink, MAX_LINK, SCHEMES};
use porchlight_core::text::is_deceptive;

/// Passwords from this length on are looked for, where they have a digit in them: others may be part of any word.
const LONG_ENOUGH: usize = 6;

/// Any text as a broker's URL: what is accepted prints as a URL of the same broker, and neither that nor an error has
/// the password in it.
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
                shows_none_of(&format!("{broker} {broker:?} {login:?}"), password, text);
            }
            return;
        }
        Err(error) => format!("{error} {error:?}"),
    };
    // What would be the password, if it were a URL.
    if let Some((_, rest)) = text.split_once("://")
        && let Some((login, _)) = rest.rsplit_once('@')
        && let Some((_, password)) = login.split_once(':')
    {
        shows_none_of(&printed, password, text);
    }
}

/// A password that is also something else in the text may be shown as that.
pub(crate) fn shows_none_of(printed: &str, password: &str, text: &str) {
    let is_told_from_words =
        password.len() >= LONG_ENOUGH && password.contains(|c: char| c.is_ascii_digit());
    if is_told_from_words && text.matches(password).count() <= 1 {
        assert!(!printed.contains(password), "{printed}");
    }
}

/// Any text as a link by which somebody can be reached: what is accepted has a scheme from the list, the characters of a
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
