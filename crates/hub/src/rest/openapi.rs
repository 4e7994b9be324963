//! The API's description of itself (OpenAPI 3.1).
//!
//! Owns the few parts that differ between hub and gateway; `openapi.json` contains the rest.

use super::answer;
use axum::body::Bytes;
use serde_json::{Value, json};

const WRITTEN: &str = include_str!("openapi.json");

/// The description; `basic` is true if members' credentials are accepted as well as tokens.
pub(super) fn document(basic: bool) -> Bytes {
    let mut document: Value =
        serde_json::from_str(WRITTEN).expect("the file is JSON, as a test shows");
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    if basic {
        document["security"] = json!([{ "bearer": [] }, { "basic": [] }]);
    } else if let Some(schemes) = document["components"]["securitySchemes"].as_object_mut() {
        schemes.remove("basic");
    }
    answer::to_json(&document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::RestError;
    use crate::rest::change_log::tests::person;
    use porchlight_core::view::{Cause, DeviceView, Doubt};
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn described() -> Value {
        serde_json::from_slice(&document(true)).unwrap()
    }

    fn names(of: &Value) -> BTreeSet<&str> {
        of.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn only_who_takes_members_says_so() {
        let of = |basic| serde_json::from_slice::<Value>(&document(basic)).unwrap();
        assert_eq!(of(false)["security"], json!([{ "bearer": [] }]));
        assert_eq!(of(false)["components"]["securitySchemes"]["basic"], Value::Null);
        assert_eq!(of(true)["security"].as_array().unwrap().len(), 2);
        assert_eq!(of(true)["components"]["securitySchemes"]["basic"]["scheme"], "basic");
        assert_eq!(of(true)["info"]["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn every_code_is_described() {
        let all = [
            RestError::Unauthorized { basic: false },
            RestError::TooManyAttempts(Duration::ZERO),
            RestError::NotFound,
            RestError::Nobody,
            RestError::MethodNotAllowed,
            RestError::NotAcceptable,
            RestError::BadQuery,
            RestError::Busy,
            RestError::TooManyStreams,
            RestError::NotReady,
            RestError::NoBroker,
            RestError::BadHost,
            RestError::WrongHost,
            RestError::ForeignPage,
        ];
        let codes: BTreeSet<_> = all.iter().map(|refused| refused.code()).collect();
        let described = described();
        let listed = &described["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
        let listed: BTreeSet<_> =
            listed.as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        assert_eq!(codes, listed);
    }

    #[test]
    fn every_field_of_a_person_is_described() {
        let mut person = person("alice", "online");
        person.typing = true;
        person.in_call = true;
        person.shown_id = Some("alice".to_owned());
        person.devices.push(DeviceView {
            device: "d".to_owned(),
            kind: None,
            status: "away".to_owned(),
            cause: Some(Cause::Idle),
            since: None,
        });
        person.evidence.doubt = Some(Doubt::Settling);
        let shown = serde_json::to_value(&person).unwrap();
        let described = described();
        let schemas = &described["components"]["schemas"];
        for (schema, shown) in
            [("Person", &shown), ("Device", &shown["devices"][0]), ("Evidence", &shown["evidence"])]
        {
            assert_eq!(names(&schemas[schema]["properties"]), names(shown), "{schema}");
        }
    }
}
