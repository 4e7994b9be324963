//! Topic filters as the sets of topics that they match (MQTT 5, section 4.7).

/// Whether every topic that `filter` matches is matched by `rule`, too. Nothing covers a shared subscription.
///
/// Compared as sets, level by level, never as texts: `presence/+` does not cover `presence/#`, nor does anything
/// but itself cover a `+`.
pub(super) fn covers(rule: &str, filter: &str) -> bool {
    if filter.starts_with("$share/") || filter.starts_with("$queue/") {
        return false;
    }
    // A wildcard at the beginning does not match topics that begin with `$`.
    if rule.starts_with(['+', '#']) && filter.starts_with('$') {
        return false;
    }
    // Every topic has a first level. Further down the two differ: `a/#` matches `a`, and `a/+/#` does not.
    let rule = if rule == "+/#" { "#" } else { rule };
    let mut wanted = filter.split('/');
    let mut allowed = rule.split('/');
    loop {
        match (allowed.next(), wanted.next()) {
            // Everything from here on, the level above included.
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

    /// A letter more than the filters have, so that a wildcard is never mistaken for the sum of its letters.
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
