//! The Authorization header of an HTTP request.
//!
//! Owns how it is parsed, for every path of the hub and of a gateway. Whether the credentials are valid is decided elsewhere.

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;
use porchlight_core::team::Secret;

/// The credentials in a request's Authorization header.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// `Basic`: the id of a member's credential, and what the request claims to be its secret (RFC 7617).
    Basic(String, String),
    /// `Bearer`: the token of a program, or the ticket of a request to join (RFC 6750, section 2.1).
    Bearer(Secret),
}

impl Authorization {
    /// None unless there is exactly one such header, it has one of the two schemes, and its value has the right form.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (scheme, value) = value.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return value.parse().ok().map(Self::Bearer);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let value = String::from_utf8(BASE64.decode(value.trim().as_bytes()).ok()?).ok()?;
        let (id, secret) = value.split_once(':')?;
        Some(Self::Basic(id.to_owned(), secret.to_owned()))
    }

    /// The id of the credential or token. The request has not proved that it knows the secret.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Basic(id, _) => id,
            Self::Bearer(token) => token.id(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_is_read_and_two_are_refused() {
        let token = Secret::of_parts("QorSFUEDOC", &"s".repeat(27)).unwrap();
        let mut headers = HeaderMap::new();
        assert!(Authorization::of(&headers).is_none());
        headers.append(header::AUTHORIZATION, format!("bearer  {token} ").parse().unwrap());
        assert!(Authorization::of(&headers) == Some(Authorization::Bearer(token)));
        headers.append(header::AUTHORIZATION, "Bearer other".parse().unwrap());
        assert!(Authorization::of(&headers).is_none());
    }

    #[test]
    fn a_secret_may_contain_a_colon_and_another_scheme_is_none() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            Authorization::of(&headers)
        };
        let basic = |text: &str| of(&format!("BASIC {}", BASE64.encode(text.as_bytes())));
        let both = Authorization::Basic("id".to_owned(), "a:b".to_owned());
        assert!(basic("id:a:b") == Some(both));
        assert!(basic("id").is_none());
        for wrong in ["Basic !", "Basic", "Bearer not.whole", "Digest x", ""] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}
