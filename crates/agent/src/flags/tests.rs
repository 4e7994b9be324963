use std::time::Duration;

use porchlight_core::id::Root;
use porchlight_core::team::{Joined, Pin, Role, Secret};

use super::*;
use crate::broker::Tls;
use crate::device::{DeviceLock, Identity};
use crate::membership::SecretStorage;

fn flags(dir: &std::path::Path, config: &str) -> Flags {
    std::fs::write(dir.join("config.toml"), config).unwrap();
    Flags { config_dir: Some(dir.to_owned()), ..Flags::default() }
}

#[test]
fn flags_override_the_config() {
    let dir = tempfile::tempdir().unwrap();
    let mut flags = flags(
        dir.path(),
        "user = \"alice\"\nname = \"Alice\"\n[broker]\nurl = \"mqtt://a\"\nusername = \"u\"\npassword = \"p\"",
    );
    let plain = flags.resolve().unwrap();
    let login = plain.broker.clone().unwrap().login.unwrap();
    assert_eq!((login.username, login.password), ("u".to_owned(), Password::Plain("p".to_owned())));
    assert!(plain.configured);

    flags.user = Some(UserId::parse("bob").unwrap());
    flags.broker = Some("mqtt://b".parse().unwrap());
    let over = flags.resolve().unwrap();
    assert_eq!(over.user.unwrap().as_str(), "bob");
    assert_eq!(over.broker.unwrap().address().host(), "b");
    assert_eq!(over.name.as_deref(), Some("Alice"));
}

/// The user name and password that config and flags result in.
fn login(flags: &Flags) -> (String, String) {
    match flags.resolve().unwrap().broker.unwrap().login.unwrap() {
        Login { username, password: Password::Plain(password) } => (username, password),
        Login { password: Password::Stored(_), .. } => panic!("nothing is kept"),
    }
}

#[test]
fn user_name_and_password_of_the_config_each_override_the_url() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("password"), "from a file\r\n").unwrap();
    let file = format!("password_file = {:?}", dir.path().join("password"));
    for (url, more, expected) in [
        ("mqtt://u:p@a", "", ("u", "p")),
        ("mqtt://u:p@a", "username = \"v\"", ("v", "p")),
        ("mqtt://u:p@a", "password = \"q\"", ("u", "q")),
        ("mqtt://u@a", "password = \"q\"", ("u", "q")),
        ("mqtt://a", "password = \"q\"", ("", "q")),
        ("mqtt://a", "username = \"v\"", ("v", "")),
        ("mqtt://u:p@a", &file, ("u", "from a file")),
        ("mqtt://a", &file, ("", "from a file")),
    ] {
        let flags = flags(dir.path(), &format!("[broker]\nurl = \"{url}\"\n{more}"));
        let (username, password) = login(&flags);
        assert_eq!((username.as_str(), password.as_str()), expected, "{url} {more}");
    }
}

#[test]
fn the_password_file_flag_applies_to_the_broker_of_flag_or_config() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, " s3cret ").unwrap();
    let mut flags = flags(dir.path(), "[broker]\nurl = \"mqtt://u@a\"\npassword = \"p\"");
    flags.password_file = Some(file.clone());
    assert_eq!(login(&flags), ("u".to_owned(), " s3cret ".to_owned()));
    flags.broker = Some("mqtt://v@b".parse().unwrap());
    assert_eq!(login(&flags), ("v".to_owned(), " s3cret ".to_owned()));
    std::fs::remove_file(file).unwrap();
    let error = flags.resolve().unwrap_err().to_string();
    assert!(error.contains("password") && error.contains("check the path"), "{error}");
}

#[test]
fn no_error_of_the_config_repeats_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    for (config, part) in [
        ("url = \"mqtt://u:s3cret#x@a\"", "# as %23"),
        ("url = \"mqtt://u:s3cret%E9@a\"", "UTF-8"),
        ("url = \"mqtt://a\"\npassword = 73573", "a text in quotes"),
        ("url = \"mqtt://a\"\npassword = s3cret", "line 3"),
        ("url = \"mqtt://a\"\npassword = \"s3cret\"\npassword_file = \"f\"", "remove one"),
        ("url = \"mqtt://a\"\nusername = \"s3cret\\u0000\"", "U+0000"),
        ("proxy = \"socks5://u:s3cret@a\"", "only HTTP proxies"),
        ("proxy = \"http://u:s3cret@\"", "or none"),
        ("proxy = 73573", "or none"),
    ] {
        let error = flags(dir.path(), &format!("[broker]\n{config}")).resolve().unwrap_err();
        let message = format!("{error} {error:?}");
        assert!(message.contains(part), "{config}: {message}");
        assert!(!message.contains("s3cret") && !message.contains("73573"), "{config}: {message}");
    }
    let secrets = "[broker]\nurl = \"mqtt://s3cret:s3cret@a\"\nproxy = \"http://s3cret:s3cret@p\"";
    let flags = flags(dir.path(), secrets);
    let resolved = flags.resolve().unwrap();
    assert!(!format!("{resolved:?}").contains("s3cret"), "{resolved:?}");
    let config = config::read(&resolved.places.config_file()).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"), "{config:?}");
}

#[test]
fn the_certificates_to_trust_come_from_the_config() {
    let dir = tempfile::tempdir().unwrap();
    let tls = |config: &str| {
        let config = format!("[broker]\nurl = \"wss://a\"\n{config}");
        flags(dir.path(), &config).resolve().map(|it| it.broker.unwrap().tls.unwrap())
    };
    assert_eq!(tls("").unwrap(), Tls::default());
    let files = |certificate: &str, key: &str| {
        Some(ClientCertificate { certificate: certificate.into(), key: key.into() })
    };
    let both = tls("ca = \"ca.pem\"\ncertificate = \"me.pem\"\nkey = \"me.key\"").unwrap();
    assert_eq!(both.trust, Trust::Authorities("ca.pem".into()));
    assert_eq!(both.certificate, files("me.pem", "me.key"));
    assert_eq!(tls("certificate = \"me.pem\"").unwrap().certificate, files("me.pem", "me.pem"));
    assert!(tls("key = \"me.key\"").unwrap_err().to_string().contains("broker.certificate"));
}

#[test]
fn presence_options_come_from_the_config() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(flags(dir.path(), "").resolve().unwrap().habits, PresenceOptions::default());
    let config = "[activity]\naway_after = \"1m\"\ncalls = \"dnd\"\n\
                  [presence]\ngrace = \"2s\"\nlease = \"3m\"\nuser_topic = false\n\
                  coarse = true";
    let expected = PresenceOptions {
        away_after: Duration::from_secs(60),
        grace: Duration::from_secs(2),
        lease: Duration::from_secs(180),
        calls_dnd: true,
        user_topic: false,
        coarse: true,
    };
    assert_eq!(flags(dir.path(), config).resolve().unwrap().habits, expected);
}

#[test]
fn an_unreadable_id_is_refused_unless_it_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let unseen = UserId::parse("\u{3164}").unwrap();
    let with = |config: &str| {
        let mut flags = flags(dir.path(), config);
        flags.user = Some(unseen.clone());
        flags.resolve().map(|resolved| resolved.user)
    };
    let refused = with("").unwrap_err().to_string();
    assert!(refused.starts_with("U+3164 can't be a new id"), "{refused}");
    assert_eq!(with("user = \"\u{3164}\"").unwrap().as_ref(), Some(&unseen));
    let mut rng = fastrand::Rng::with_seed(1);
    let state = crate::places::Dirs::find(Some(dir.path())).unwrap().state;
    let broker = "mqtt://b".parse().unwrap();
    let claim = DeviceLock { state: &state, user: &unseen, device: None, broker: &broker };
    drop(Identity::take(claim, &mut rng).unwrap());
    assert_eq!(with("").unwrap().as_ref(), Some(&unseen));
}

#[test]
fn without_a_config_user_and_broker_are_needed() {
    let dir = tempfile::tempdir().unwrap();
    let mut flags = Flags { config_dir: Some(dir.path().to_owned()), ..Flags::default() };
    assert!(!flags.resolve().unwrap().configured);
    flags.broker = Some("mqtt://b".parse().unwrap());
    assert!(!flags.resolve().unwrap().configured);
    flags.user = Some(UserId::parse("bob").unwrap());
    assert!(flags.resolve().unwrap().configured);
}

/// Stores a membership of a team that Bob joined.
async fn join(dir: &std::path::Path) {
    let joined = Joined {
        team: "Team".to_owned(),
        root: Root::parse("presence/acme").unwrap(),
        user: UserId::parse("bob-2").unwrap(),
        name: "Bob".to_owned(),
        role: Role::Member,
        credential: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
        at: vec!["10.0.0.7:1".parse().unwrap()],
        pin: Pin::of_digest([7; 32]),
    };
    let state = Dirs::find(Some(dir)).unwrap().state;
    Membership::keep(&state, &joined, SecretStorage::FileAgreed).await.unwrap();
}

#[tokio::test]
async fn the_joined_team_is_the_broker_if_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    join(dir.path()).await;
    let nothing = Flags { config_dir: Some(dir.path().to_owned()), ..Flags::default() };
    let it = nothing.resolve().unwrap();
    let broker = it.broker.clone().unwrap();
    assert_eq!(broker.to_string(), "mqtts://10.0.0.7:1/presence/acme");
    assert_eq!(broker.tls.unwrap().trust, Trust::Pinned(Pin::of_digest([7; 32])));
    assert_eq!((it.user.unwrap().as_str(), it.name.as_deref()), ("bob-2", Some("Bob")));
    assert!(it.configured && !it.runs_hub);
    assert_eq!(it.membership.unwrap().team(), "Team");

    // The id comes from the credential, the name from the config; the host's app also runs the hub.
    let mut flags = flags(dir.path(), "user = \"bob\"\nname = \"Bob Okafor\"\n[hub]\nrun = true");
    let it = flags.resolve().unwrap();
    assert_eq!((it.user.unwrap().as_str(), it.name.as_deref()), ("bob-2", Some("Bob Okafor")));
    assert!(it.runs_hub && it.broker.is_some());

    flags.user = Some(UserId::parse("zoe").unwrap());
    assert_eq!(flags.resolve().unwrap().user.unwrap().as_str(), "zoe");
    flags.broker = Some("mqtt://b".parse().unwrap());
    let it = flags.resolve().unwrap();
    assert_eq!(it.broker.unwrap().address().host(), "b");
    assert!(it.membership.is_none() && !it.runs_hub);
}

#[tokio::test]
async fn a_broker_in_the_config_takes_precedence_over_a_joined_team() {
    let dir = tempfile::tempdir().unwrap();
    join(dir.path()).await;
    let it = flags(dir.path(), "user = \"bob\"\n[broker]\nurl = \"mqtt://c\"").resolve();
    let it = it.unwrap();
    assert_eq!(it.broker.unwrap().address().host(), "c");
    assert_eq!(it.user.unwrap().as_str(), "bob");
    assert!(it.membership.is_none());
}

#[test]
fn a_hub_is_run_only_where_no_broker_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut flags = flags(dir.path(), "user = \"alice\"\n[hub]\nrun = true");
    assert!(flags.resolve().unwrap().runs_hub);
    flags.broker = Some("mqtt://b".parse().unwrap());
    assert!(!flags.resolve().unwrap().runs_hub);
}
