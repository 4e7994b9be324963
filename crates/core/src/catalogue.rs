//! The English messages about people, as `locales/en/people.ftl` has them.
//!
//! Owns a reader for plain messages. Deliberately knows neither selectors nor other languages: who needs them reads the
//! catalogue (Project Fluent) with a library.

/// Compiled in, so that the terminal and the messages on the wire need no file.
const PEOPLE: &str = include_str!("../../../locales/en/people.ftl");

/// A message as it is written; its id where there is none, which the tests of its users find.
#[must_use]
pub fn pattern(id: &'static str) -> &'static str {
    PEOPLE.lines().find_map(|line| line.strip_prefix(id)?.strip_prefix(" = ")).unwrap_or(id)
}

/// A message with its variables replaced by these texts.
#[must_use]
pub fn english(id: &'static str, texts: &[(&str, &str)]) -> String {
    let mut rest = pattern(id);
    let mut message = String::new();
    while let Some((before, (name, behind))) =
        rest.split_once("{ $").and_then(|(before, rest)| Some((before, rest.split_once(" }")?)))
    {
        message.push_str(before);
        message.extend(texts.iter().filter(|(known, _)| *known == name).map(|(_, text)| *text));
        rest = behind;
    }
    message + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_texts_in_it_as_they_are() {
        let texts = [("reason", "{ $status }"), ("status", "away")];
        assert_eq!(english("status-because", &texts), "away, { $status }");
        assert_eq!(english("status-away", &[]), "away");
        assert_eq!(english("no-such-message", &[]), "no-such-message");
    }
}
