//! Compares topic filters by the sets of topics that they match (MQTT 5, section 4.7).

/// Returns whether `rule` matches every topic that `filter` matches. No rule covers a shared subscription.
///
/// Compares level by level, and not as text. `presence/+` does not cover `presence/#`, and only a wildcard
/// covers a `+`.
pub(super) fn covers(rule: &str, filter: &str) -> bool {
    if filter.starts_with("$share/") || filter.starts_with("$queue/") {
        return false;
    }
    // A wildcard at the beginning does not match topics that begin with `$`.
    if rule.starts_with(['+', '#']) && filter.starts_with('$') {
        return false;
    }
    // Every topic has a first level, so `+/#` equals `#`. Further down they differ: `a/#` matches `a`, but
    // `a/+/#` does not.
    let rule = if rule == "+/#" { "#" } else { rule };
    let mut wanted = filter.split('/');
    let mut allowed = rule.split('/');
    loop {
        match (allowed.next(), wanted.next()) {
            // `#` also matches the level above it.
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(a), Some(w)) if a == w && w != "#" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;
    use mqtt5::validation::{topic_matches_filter, validate_topic_filter};
    use proptest::prelude::*;

    #[test]
    fn nothing_broader_passes() {
        for filter in [
            "#",
            "+",
            "+/#",
            "presence/#",
            "presence/+/#",
            "presence/a/#",
            "+/+",
            "+/+/device/+",
            "presence/+/+",
            "presence/+/+/+",
            "presence/+/device/#",
            "presence/+/inbox/+",
            "$share/g/presence/+",
            "$share/g/presence/+/device/+",
            "/presence/+",
            "presence",
            "presence/+/device",
        ] {
            for rule in ["presence/+", "presence/+/device/+"] {
                assert!(!covers(rule, filter), "{rule} {filter}");
            }
        }
        assert!(covers("presence/+", "presence/_hub"));
        assert!(covers("presence/+/device/+", "presence/bob/device/+"));
        assert!(covers("presence/#", "presence/+/device/#"));
        assert!(!covers("#", "$SYS/#"));
    }

    /// The topics have one letter that the filters lack. So the letters together never equal a wildcard.
    const LEVELS: [&str; 4] = ["a", "b", "$c", "other"];
    const DEPTH: usize = 5;

    fn topics() -> Vec<String> {
        let mut all: Vec<String> = LEVELS.iter().map(|&level| level.to_owned()).collect();
        let mut last = all.clone();
        for _ in 1..DEPTH {
            last = last
                .iter()
                .flat_map(|topic| LEVELS.iter().map(move |level| format!("{topic}/{level}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    fn filter() -> impl Strategy<Value = String> {
        let level = prop_oneof![Just("a"), Just("b"), Just("$c"), Just("+")];
        let levels = proptest::collection::vec(level, 0..4);
        (levels, any::<bool>())
            .prop_map(|(mut levels, all)| {
                if all {
                    levels.push("#");
                }
                levels.join("/")
            })
            .prop_filter("a filter", |f| validate_topic_filter(f).is_ok())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn covering_is_being_a_superset_of_topics(rule in filter(), filter in filter()) {
            let superset = topics()
                .iter()
                .filter(|topic| topic_matches_filter(topic, &filter))
                .all(|topic| topic_matches_filter(topic, &rule));
            prop_assert_eq!(covers(&rule, &filter), superset, "{} {}", rule, filter);
        }
    }
}
