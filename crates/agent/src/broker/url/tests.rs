use super::*;
use crate::broker::Password;

fn broker(text: &str) -> Broker {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// User name and password, as they would be sent.
fn login(text: &str) -> Option<(String, String)> {
    let Login { username, password } = broker(text).login?;
    match password {
        Password::Plain(password) => Some((username, password)),
        Password::Stored(_) => panic!("nothing is kept"),
    }
}

#[test]
fn a_url_can_contain_every_setting() {
    let it = broker("mqtts://bob%40acme:p%2Fw@broker.example:8884/presence/acme");
    assert_eq!(it.address().to_string(), "broker.example:8884");
    assert_eq!((it.tls, it.web_socket), (Some(Tls::default()), None));
    assert_eq!(it.root.as_str(), "presence/acme");
    let login = it.login.unwrap();
    assert_eq!(login.username, "bob@acme");
    assert_eq!(login.password, Password::Plain("p/w".to_owned()));
}

#[test]
fn missing_parts_have_defaults() {
    let it = broker("mqtt://localhost");
    assert_eq!((it.address().port(), &it.root, &it.login), (1883, &Root::default(), &None));
    for (text, address) in [
        ("mqtts://localhost/", "localhost:8883"),
        ("ws://localhost", "localhost:80"),
        ("wss://localhost", "localhost:443"),
        ("mqtt://[::1]:1884", "[::1]:1884"),
        ("mqtts://[::1]", "[::1]:8883"),
    ] {
        assert_eq!(broker(text).address().to_string(), address, "{text}");
    }
}

#[test]
fn the_path_of_a_web_socket_is_in_the_query() {
    for (text, url) in [
        ("ws://h", "ws://h/mqtt"),
        ("ws://h:8080/presence/acme", "ws://h:8080/mqtt"),
        ("wss://h/presence?path=/ws/mqtt", "wss://h/ws/mqtt"),
        ("wss://[::1]:9001?path=/", "wss://[::1]:9001/"),
        ("ws://h?path=/a%20b", "ws://h/a%20b"),
        ("ws://h/presence/50%25%3F?path=/a%26b%3Fc%2Bd%23%25", "ws://h/a&b%3Fc+d%23%25"),
    ] {
        let it = broker(text);
        assert_eq!(it.web_socket_url(it.address()).unwrap(), url, "{text}");
        assert_eq!(broker(&it.to_string()), it, "{text}");
    }
    assert_eq!(broker("mqtt://h").web_socket_url(broker("mqtt://h").address()), None);
}

#[test]
fn a_printed_url_parses_to_the_same_broker_and_deceives_nobody() {
    for (text, printed) in [
        ("mqtt://h/presence/50%25", "mqtt://h:1883/presence/50%25"),
        ("mqtt://h/presence/a%3Fb%5Cc", "mqtt://h:1883/presence/a%3Fb%5Cc"),
        ("mqtt://h/presence/caf%C3%A9", "mqtt://h:1883/presence/café"),
        ("mqtt://h/presence/%E2%80%AEemca", "mqtt://h:1883/presence/%E2%80%AEemca"),
        ("ws://h?path=/%1B%5B31m", "ws://h:80/presence?path=/%1B[31m"),
    ] {
        let it = broker(text);
        assert_eq!(it.to_string(), printed, "{text}");
        assert_eq!(broker(printed), it, "{text}");
    }
}

#[test]
fn errors_name_what_is_wrong() {
    for (text, part) in [
        ("localhost:1883", "scheme"),
        ("localhost", "not a URL"),
        ("http://localhost", "scheme http:"),
        ("mqtt://", "host"),
        ("mqtt://localhost:0", "host:port"),
        ("mqtt://localhost/other", "presence"),
        ("mqtt://localhost/presence/a/b", "organisation"),
        ("mqtt://localhost/presence?path=/mqtt", "after its path"),
        ("ws://localhost/presence?x=1", "?path=/mqtt"),
        ("ws://localhost/presence?path=mqtt", "?path=/mqtt"),
        ("ws://localhost/presence?path=/a&path=/b", "?path=/mqtt"),
    ] {
        let error = text.parse::<Broker>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn user_name_and_password_are_sent_as_they_were_written() {
    for (text, username, password) in [
        ("mqtt://:token@h", "", "token"),
        ("ws://:token@h", "", "token"),
        ("mqtt://token@h", "token", ""),
        ("mqtt://b:p@ss@h", "b", "p@ss"),
        ("mqtt://b:p:w@h", "b", "p:w"),
        ("mqtt://b:%23%2F%3F%25%00@h", "b", "#/?%\0"),
        ("mqtt://z%C3%B6e:z\u{f6}e @h", "z\u{f6}e", "z\u{f6}e "),
        ("mqtts://b:100%25ab@h", "b", "100%ab"),
    ] {
        let expected = Some((username.to_owned(), password.to_owned()));
        assert_eq!(login(text), expected, "{text}");
    }
    for nobody in ["mqtt://h", "mqtt://@h", "mqtt://:@h"] {
        assert_eq!(login(nobody), None, "{nobody}");
    }
}

#[test]
fn an_ambiguous_url_is_refused_with_the_way_to_write_it() {
    let long = format!("mqtt://b:{}@h", "s3cret".repeat(20_000));
    for (text, part) in [
        ("mqtt://b:s3cret#x@h", "# as %23"),
        ("mqtt://b:s3cret/x@h", "/ as %2F"),
        ("mqtt://b:1/s3cret@h", "/ as %2F"),
        ("mqtt://b:s3cret?x@h", "? as %3F"),
        ("ws://b:s3cret\\x@h", "\\ as %5C"),
        ("mqtt://s3cret/x@h", "/ as %2F"),
        ("mqtt://s3cret#x@h/presence", "# as %23"),
        ("mqtt://b:s3cret%@h", "%25"),
        ("mqtt://b:s3cret%2@h", "%25"),
        ("mqtt://b:s3cret%zz@h", "%25"),
        ("mqtt://b:s3cret%E9@h", "UTF-8"),
        ("mqtt://s3cret%E9:x@h", "UTF-8"),
        ("mqtt://b:s3cret\tx@h", "tab"),
        ("mqtt://b:s3cret\nx@h", "line break"),
        ("mqtt://s3cret%00:x@h", "U+0000"),
        ("mqtt://b:s3cret@", "no host"),
        ("mqtt://b:s3cret@h:70000", "port"),
        ("mqtt://b:s3cret@h/other", "presence"),
        ("http://b:s3cret@h", "scheme http:"),
        ("b:s3cret@h", "no scheme"),
        ("s3cret:b@h:1883", "no scheme"),
        (&long, "65,535"),
    ] {
        let error = text.parse::<Broker>().unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains(part), "{text:.80}: {said}");
        assert!(!said.contains("s3cret"), "{text:.80}: {said}");
    }
}

#[test]
fn a_host_is_called_as_dns_knows_it() {
    for (text, host) in [
        ("mqtt://m\u{fc}ller.example", "xn--mller-kva.example"),
        ("mqtts://M\u{dc}LLER.example:1", "xn--mller-kva.example"),
        ("mqtt://mu\u{308}ller.example", "xn--mller-kva.example"),
        ("mqtt://m%C3%BCller.example", "xn--mller-kva.example"),
        ("wss://m\u{fc}ller.example", "xn--mller-kva.example"),
        ("tcp://b:p@\u{65e5}\u{672c}.example", "xn--wgv71a.example"),
        ("mqtt://broker\u{3002}example", "broker.example"),
        ("mqtt://my_broker.local", "my_broker.local"),
        ("mqtt://192.168.1.5", "192.168.1.5"),
    ] {
        assert_eq!(broker(text).address().host(), host, "{text}");
    }
    for wrong in
        ["mqtt://%E9.example", "mqtt://a\u{fc}%20b", "mqtt://a b", "mqtt://[fe80::1%25eth0]"]
    {
        let error = wrong.parse::<Broker>().unwrap_err().to_string();
        assert!(error.contains("host:port"), "{wrong}: {error}");
    }
}
