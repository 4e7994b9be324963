//! Parses one line into one observation.

use porchlight_core::observation::{Moment, Observation};
use porchlight_core::time::Timestamp;
use serde_json::Value;

/// The maximum length of a line in bytes, without its line ending.
pub const LINE_LIMIT: usize = 4096;

/// Why a line is invalid. Each message says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is longer than [`LINE_LIMIT`].
    #[error("longer than {LINE_LIMIT} bytes: write one short JSON object a line")]
    TooLong,
    /// The line is not UTF-8.
    #[error("not UTF-8: write JSON in UTF-8")]
    NotUtf8,
    /// The line is not a JSON object.
    #[error("not a JSON object ({0}): write one a line, for example {{\"active\":true}}")]
    NotJson(String),
    /// The object has no known field.
    #[error(
        "no known field: write one of idle_since, active, locked, in_call, suspending, resumed"
    )]
    NothingKnown,
    /// The object has more than one known field, so the order of the facts is unknown.
    #[error("both {0} and {1}: write one fact a line")]
    SeveralFacts(&'static str, &'static str),
    /// `idle_since` is not a time.
    #[error("idle_since must be whole milliseconds since 1970, from 0 to 9007199254740991")]
    NotATime,
    /// The value is not a boolean.
    #[error("{0} must be true or false")]
    NotABool(&'static str),
    /// The value is not `true`, and this field allows nothing else.
    #[error("{field} can only be true: {instead}")]
    OnlyTrue {
        /// The name of the field.
        field: &'static str,
        /// What to write for the opposite.
        instead: &'static str,
    },
}

/// The known fields.
const FIELDS: [&str; 6] = ["idle_since", "active", "locked", "in_call", "suspending", "resumed"];

/// Parses one line.
///
/// | line | observation |
/// |---|---|
/// | `{"idle_since":1763741700000}` | no input since then, in milliseconds since the Unix epoch |
/// | `{"active":true}` | there was input just now |
/// | `{"locked":true}`, `{"locked":false}` | the screen was locked, unlocked |
/// | `{"in_call":true}`, `{"in_call":false}` | a microphone is in use, as in a call, or no longer |
/// | `{"suspending":true}` | the machine is about to sleep |
/// | `{"resumed":true}` | the machine is awake again |
///
/// Unknown fields are ignored, so that a writer may add its own.
///
/// # Errors
///
/// * [`LineError::TooLong`] if the line has more than [`LINE_LIMIT`] bytes;
/// * [`LineError::NotJson`] if it is not a JSON object;
/// * [`LineError::NothingKnown`] or [`LineError::SeveralFacts`] unless exactly one field is known;
/// * [`LineError::NotATime`], [`LineError::NotABool`] or [`LineError::OnlyTrue`] if the value of
///   that field is wrong.
///
/// The caller should skip such a line and keep reading.
pub fn parse_line(line: &str) -> Result<Observation, LineError> {
    if line.len() > LINE_LIMIT {
        return Err(LineError::TooLong);
    }
    let object = match serde_json::from_str(line) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(LineError::NotJson("another kind of value".to_owned())),
        Err(error) => return Err(LineError::NotJson(error.to_string())),
    };
    let mut known =
        FIELDS.into_iter().filter_map(|field| object.get(field).map(|value| (field, value)));
    let (field, value) = known.next().ok_or(LineError::NothingKnown)?;
    if let Some((other, _)) = known.next() {
        return Err(LineError::SeveralFacts(field, other));
    }
    match field {
        "idle_since" => {
            let at = value.as_u64().and_then(Timestamp::from_ms).ok_or(LineError::NotATime)?;
            Ok(Observation::InputIdle { since: Moment::At(at) })
        }
        "locked" => Ok(Observation::Locked(value.as_bool().ok_or(LineError::NotABool(field))?)),
        "in_call" => Ok(Observation::InCall(value.as_bool().ok_or(LineError::NotABool(field))?)),
        "active" => only_true(field, value, "write idle_since instead", Observation::InputActive),
        "suspending" => only_true(field, value, "write resumed instead", Observation::Suspending),
        "resumed" => only_true(field, value, "write suspending instead", Observation::Resumed),
        _ => unreachable!("FIELDS has only these"),
    }
}

fn only_true(
    field: &'static str,
    value: &Value,
    instead: &'static str,
    observation: Observation,
) -> Result<Observation, LineError> {
    if *value == Value::Bool(true) {
        Ok(observation)
    } else {
        Err(LineError::OnlyTrue { field, instead })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

    use super::*;

    fn idle_since(ms: u64) -> Observation {
        Observation::InputIdle { since: Moment::At(Timestamp::from_ms(ms).unwrap()) }
    }

    #[test]
    fn every_documented_line_is_understood() {
        let table = [
            (r#"{"idle_since":1763741700000}"#, idle_since(1_763_741_700_000)),
            (r#"{"idle_since":0}"#, idle_since(0)),
            (r#"{"idle_since":9007199254740991}"#, idle_since((1 << 53) - 1)),
            (r#"{"active":true}"#, Observation::InputActive),
            (r#"{"locked":true}"#, Observation::Locked(true)),
            (r#"{"locked":false}"#, Observation::Locked(false)),
            (r#"{"in_call":true}"#, Observation::InCall(true)),
            (r#"{"in_call":false}"#, Observation::InCall(false)),
            (r#"{"suspending":true}"#, Observation::Suspending),
            (r#"{"resumed":true}"#, Observation::Resumed),
            (" \t{ \"active\" : true }\r", Observation::InputActive),
            (r#"{"active":true,"from":"my script","n":[1,{}]}"#, Observation::InputActive),
        ];
        for (line, observation) in table {
            assert_eq!(parse_line(line), Ok(observation), "{line}");
        }
    }

    #[test]
    fn every_other_line_is_a_named_error() {
        let only_true = |field, instead| LineError::OnlyTrue { field, instead };
        let table = [
            ("{}", LineError::NothingKnown),
            (r#"{"Active":true}"#, LineError::NothingKnown),
            (r#"{"unknown":1}"#, LineError::NothingKnown),
            (r#"{"active":false}"#, only_true("active", "write idle_since instead")),
            (r#"{"active":1}"#, only_true("active", "write idle_since instead")),
            (r#"{"suspending":false}"#, only_true("suspending", "write resumed instead")),
            (r#"{"resumed":null}"#, only_true("resumed", "write suspending instead")),
            (r#"{"locked":"yes"}"#, LineError::NotABool("locked")),
            (r#"{"locked":null}"#, LineError::NotABool("locked")),
            (r#"{"in_call":1}"#, LineError::NotABool("in_call")),
            (r#"{"idle_since":-1}"#, LineError::NotATime),
            (r#"{"idle_since":1.5}"#, LineError::NotATime),
            (r#"{"idle_since":"1763741700000"}"#, LineError::NotATime),
            (r#"{"idle_since":9007199254740992}"#, LineError::NotATime),
            (r#"{"idle_since":1e400}"#, LineError::NotJson(String::new())),
            (r#"{"active":true,"locked":false}"#, LineError::SeveralFacts("active", "locked")),
            ("", LineError::NotJson(String::new())),
            ("active", LineError::NotJson(String::new())),
            ("true", LineError::NotJson(String::new())),
            (r#"["active"]"#, LineError::NotJson(String::new())),
            (r#"{"active":true"#, LineError::NotJson(String::new())),
            (r#"{"active":true}{"active":true}"#, LineError::NotJson(String::new())),
        ];
        for (line, expected) in table {
            let error = match parse_line(line) {
                // Its text comes from serde_json.
                Err(LineError::NotJson(_)) => LineError::NotJson(String::new()),
                Err(error) => error,
                Ok(observation) => panic!("{line} was taken for {observation:?}"),
            };
            assert_eq!(error, expected, "{line}");
        }
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_read_and_one_more_byte_is_not() {
        let mut line = r#"{"active":true}"#.to_owned();
        line.push_str(&" ".repeat(LINE_LIMIT - line.len()));
        assert_eq!(parse_line(&line), Ok(Observation::InputActive));
        line.push(' ');
        assert_eq!(parse_line(&line), Err(LineError::TooLong));
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        assert!(matches!(parse_line(&"[".repeat(LINE_LIMIT)), Err(LineError::NotJson(_))));
        assert!(matches!(
            parse_line(&"{\"a\":".repeat(LINE_LIMIT / 5)),
            Err(LineError::NotJson(_))
        ));
    }

    /// Generates lines that are nearly valid, which find more than noise does.
    fn nearly_a_line() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            proptest::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
            any::<String>()
        ];
        let value = prop_oneof![
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("null".to_owned()),
            any::<f64>().prop_map(|number| number.to_string()),
            any::<u64>().prop_map(|number| number.to_string()),
            any::<String>(),
        ];
        proptest::collection::vec((field, value), 0..4).prop_map(|fields| {
            let fields: Vec<_> =
                fields.iter().map(|(field, value)| format!("\"{field}\":{value}")).collect();
            format!("{{{}}}", fields.join(","))
        })
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(line in prop_oneof![any::<String>(), nearly_a_line()]) {
            if let Ok(Observation::InputIdle { since }) = parse_line(&line) {
                assert!(matches!(since, Moment::At(at) if at <= Timestamp::MAX));
            }
        }

        #[test]
        fn every_time_that_is_written_is_read(ms in 0..(1_u64 << 53)) {
            assert_eq!(parse_line(&format!("{{\"idle_since\":{ms}}}")), Ok(idle_since(ms)));
        }
    }
}
