use super::*;

fn read_text(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, text).unwrap();
    read(&path).map(Option::unwrap).map_err(|error| {
        let dir = format!("{}/", dir.path().display());
        error.to_string().replace(&dir, "")
    })
}

#[test]
fn a_whole_config_is_read() {
    let config = read_text(
        r#"
        user = "alice"
        name = "Alice Liddell"
        [broker]
        url = "mqtts://broker.example/presence/acme"
        username = "alice@acme"
        password = "secret"
        [activity]
        source = "stdin"
        away_after = "90s"
        [presence]
        grace = 0
        lease = "24h"
        user_topic = false
        [notices]
        come_and_go = false
        [hub]
        run = true
        public = "0.0.0.0:443"
        certificate = "/etc/fullchain.pem"
        trusted_proxies = ["127.0.0.1", "2001:db8::/64"]
        at = ["Team.example", "team.example:443"]
        origins = ["https://Board.example:443", "http://localhost:3000"]
        "#,
    )
    .unwrap();
    assert_eq!(config.user.unwrap().as_str(), "alice");
    assert_eq!(config.broker.url.unwrap().root.as_str(), "presence/acme");
    assert_eq!(config.activity.source, porchlight_activity::Choice::Stdin);
    assert_eq!(config.activity.away_after, Span(Duration::from_secs(90)));
    let lease = Lease(Duration::from_secs(86_400));
    let presence =
        PresenceConfig { grace: Grace(Duration::ZERO), lease, user_topic: false, coarse: false };
    assert_eq!(config.presence, presence);
    let NotificationPolicy { come, go, .. } = config.notices.policy();
    assert!(!come && !go);
    assert!(config.hub.run);
    let at: Vec<_> = config.hub.at.iter().map(|at| at.with_port(7).to_string()).collect();
    assert_eq!(at, ["team.example:7", "team.example:443"]);
    let proxies: Vec<_> = config.hub.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["127.0.0.1/32", "2001:db8::/64"]);
    assert!(config.hub.public.is_some() && config.hub.key.is_none());
    let origins: Vec<_> = config.hub.origins.iter().map(ToString::to_string).collect();
    assert_eq!(origins, ["https://board.example", "http://localhost:3000"]);
}

#[test]
fn an_empty_config_has_defaults_and_a_missing_one_is_none() {
    let config = read_text("").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.activity.away_after, Span::minutes(5));
    assert_eq!(config.presence.grace, Grace(Duration::from_secs(6)));
    assert_eq!(config.presence.lease, Lease(Duration::from_secs(3600)));
    assert!(config.presence.user_topic);
    assert_eq!(config.notices.policy(), NotificationPolicy::default());
    assert!(matches!(read(Path::new("/nonexistent/config.toml")), Ok(None)));
}

#[test]
fn a_wrong_value_names_file_line_and_what_is_allowed() {
    for (text, parts) in [
        ("user = \"alice\"\nusr = 1", ["config.toml, line 2", "`user`"]),
        ("\n\nuser = \"a/b\"", ["config.toml, line 3", "none of + # /"]),
        ("[activity]\nsource = \"gnome\"", ["config.toml, line 2", "stdin"]),
        ("[activity]\naway_after = \"soon\"", ["config.toml, line 2", "5m"]),
        ("[activity]\ncalls = \"loud\"", ["config.toml, line 2", "true, false or \"dnd\""]),
        ("[broker]\nurl = \"http://x\"", ["config.toml, line 2", "mqtt://"]),
        ("[presence]\ngrace = \"61s\"", ["config.toml, line 2", "at most 60s"]),
        ("[presence]\ngrace = \"-1s\"", ["config.toml, line 2", "at least 0s"]),
        ("[presence]\ngrace = \"1s\"\nlease = \"9s\"", ["config.toml, line 3", "at least 10s"]),
        ("[presence]\nlease = \"25h\"", ["config.toml, line 2", "at most 24h"]),
        ("[presence]\nuser_topic = \"off\"", ["config.toml, line 2", "boolean"]),
        ("[notices]\ncome_and_go = \"yes\"", ["config.toml, line 2", "boolean"]),
        ("[hub]\norigins = \"https://board.example\"", ["config.toml, line 2", "sequence"]),
        ("[hub]\norigins = [\"*\"]", ["config.toml, line 2", "\"*\" is no origin"]),
        ("[hub]\norigins = [\"https://a.example/b\"]", ["config.toml, line 2", "nothing behind"]),
        ("[hub]\nat = [\"https://a\"]", ["config.toml, line 2", "leave out the scheme"]),
        ("[hub]\nat = [\"a\",\"b\",\"c\",\"d\",\"e\"]", ["config.toml, line 2", "at most 4"]),
        ("[hub]\npublic = \":443\"", ["config.toml, line 2", "0.0.0.0:18831"]),
        ("[hub]\ntrusted_proxies = [\"a\"]", ["config.toml, line 2", "10.1.0.0/16"]),
        ("user = ", ["config.toml, line 1", ""]),
    ] {
        let error = read_text(text).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

#[test]
fn calls_are_ignored_shown_or_a_do_not_disturb() {
    let calls =
        |written: &str| read_text(&format!("[activity]\n{written}")).unwrap().activity.calls;
    assert_eq!(calls(""), Calls::Ignored);
    assert_eq!(calls("calls = false"), Calls::Ignored);
    assert_eq!(calls("calls = true"), Calls::Shown);
    assert_eq!(calls("calls = \"dnd\""), Calls::Dnd);
}

#[test]
fn lengths_of_time_are_written_as_people_do() {
    for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("2 h", 7200), ("1d", 86_400)] {
        assert_eq!(text.parse(), Ok(Span(Duration::from_secs(seconds))), "{text}");
    }
    for wrong in ["", "s", "-5m", "0", "5 weeks", "99999999999999999999d", "366d"] {
        assert_eq!(wrong.parse::<Span>(), Err(SpanError), "{wrong}");
    }
}

#[test]
fn notifications_follow_the_config() {
    let policy =
        |text: &str| read_text(&format!("[notices]\n{text}")).map(|it| it.notices.policy());
    let quiet = "22:00-07:00".parse().ok();
    let wanted = NotificationPolicy {
        about: About::Favourites,
        go: false,
        away: true,
        back: true,
        quiet,
        ..NotificationPolicy::default()
    };
    let text = "about = \"favourites\"\ngo = false\naway = true\nback = true\nquiet_hours = \"22:00-07:00\"";
    assert_eq!(policy(text), Ok(wanted));
    let comes_alone = NotificationPolicy { come: true, go: false, ..NotificationPolicy::default() };
    assert_eq!(policy("come_and_go = false\ncome = true"), Ok(comes_alone));
    let wrong = policy("about = \"everybody\"").unwrap_err();
    assert!(wrong.contains("config.toml, line 2") && wrong.contains("`everyone`"), "{wrong}");
    let wrong = policy("quiet_hours = \"at night\"").unwrap_err();
    assert!(wrong.contains("line 2") && wrong.contains("22:00-07:00"), "{wrong}");
}
