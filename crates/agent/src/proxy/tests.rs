use super::*;

fn server(text: &str) -> Result<ProxyServer, ProxyUrlError> {
    text.parse()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// The proxy of this setting in an environment of these variables.
fn proxy(setting: Option<&str>, variables: &[(&str, &str)]) -> Proxy {
    let setting: Option<ProxySetting> = setting.map(|text| text.parse().unwrap());
    Proxy::resolve(setting.as_ref(), |name| {
        variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
    })
}

/// The way to an address, as text.
fn route(proxy: &Proxy, to: &str) -> String {
    match proxy.route(&address(to)) {
        Ok((server, named_by)) => format!("{server}, {named_by}"),
        Err(direct) => format!("{direct:?}"),
    }
}

#[test]
fn a_proxy_is_an_http_url_or_host_and_port() {
    for (text, address) in [
        ("http://proxy.example:3128", "proxy.example:3128"),
        (" http://proxy.example:3128/ ", "proxy.example:3128"),
        ("http://proxy.example", "proxy.example:80"),
        ("proxy.example:3128", "proxy.example:3128"),
        ("http://[::1]:3128", "[::1]:3128"),
        ("http://user:p%40ss@10.0.0.1:8080", "10.0.0.1:8080"),
    ] {
        assert_eq!(server(text).unwrap().to_string(), address, "{text}");
    }
    for text in [
        "",
        "http://",
        "http://proxy.example:",
        "http://proxy.example:0",
        "http://proxy.example:65536",
        "http://proxy.example:http",
        "http://a b:1",
        "http://u:p@",
        "ftp://proxy.example:3128",
    ] {
        assert_eq!(server(text), Err(ProxyUrlError::Url), "{text}");
    }
    for text in ["socks5://proxy.example:1080", "socks4a://proxy.example", "https://proxy.example"]
    {
        assert_eq!(server(text), Err(ProxyUrlError::Scheme), "{text}");
    }
}

#[test]
fn the_login_of_a_proxy_is_decoded_and_never_printed() {
    let server = server("http://ann:s3cr%40et@proxy.example:3128").unwrap();
    // `ann:s3cr@et` in Base64.
    assert_eq!(server.login.as_ref().unwrap(), "Basic YW5uOnMzY3JAZXQ=");
    let setting = ProxySetting::Server(server.clone());
    let proxy = Proxy::resolve(Some(&setting), |_| None);
    let printed = format!("{server} {server:?} {setting:?} {proxy:?} {:?}", server.login);
    for secret in ["s3cr", "ann", "YW5u"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn the_config_wins_over_the_environment_and_can_switch_it_off() {
    let variables = [("https_proxy", "http://env:1"), ("NO_PROXY", "near.example")];
    let to = "far.example:8883";
    let config = proxy(Some("http://config:2"), &variables);
    assert_eq!(route(&config, to), "config:2, broker.proxy in the config");
    assert_eq!(route(&config, "near.example:8883"), "Exempt");
    assert_eq!(route(&proxy(None, &variables), to), "env:1, https_proxy in the environment");
    for off in ["none", "", " "] {
        assert_eq!(route(&proxy(Some(off), &variables), to), "SwitchedOff", "{off:?}");
    }
    assert_eq!(route(&proxy(None, &[]), to), "NoneNamed");
    assert_eq!(route(&Proxy::default(), to), "NoneNamed");
}

#[test]
fn the_first_variable_that_is_not_empty_names_the_proxy() {
    for (variables, expected) in [
        (&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")][..], "a:1, https_proxy"),
        (&[("https_proxy", ""), ("HTTPS_PROXY", "http://b:1")], "b:1, HTTPS_PROXY"),
        (&[("all_proxy", "http://c:1"), ("HTTPS_PROXY", "http://b:1")], "b:1, HTTPS_PROXY"),
        (&[("all_proxy", "c:1")], "c:1, all_proxy"),
        (&[("ALL_PROXY", "c:1")], "c:1, ALL_PROXY"),
        // It is for unencrypted web pages.
        (&[("http_proxy", "http://d:1")], "NoneNamed"),
        (&[("all_proxy", "socks5h://127.0.0.1:1080")], "Unusable(\"all_proxy\")"),
        (&[("https_proxy", "?"), ("all_proxy", "c:1")], "Unusable(\"https_proxy\")"),
    ] {
        let way = route(&proxy(None, variables), "far.example:8883");
        assert_eq!(way.trim_end_matches(" in the environment"), expected, "{variables:?}");
    }
}

#[test]
fn no_proxy_takes_names_suffixes_addresses_and_ranges() {
    let through = "p:1, https_proxy in the environment";
    for (no_proxy, to, expected) in [
        ("*", "far.example:1", "Exempt"),
        ("*", "198.51.100.7:1", "Exempt"),
        ("*.example", "far.example:1", through),
        ("example", "far.example:1", "Exempt"),
        (".far.example, other", "hub.far.example:1", "Exempt"),
        ("far.example", "hub.FAR.example:1", "Exempt"),
        ("ar.example", "far.example:1", through),
        ("far.example", "far.example.org:1", through),
        ("198.51.100.7", "198.51.100.7:1", "Exempt"),
        ("198.51.100.0/24", "198.51.100.7:1", "Exempt"),
        ("198.51.100.0/24", "198.51.101.7:1", through),
        ("2001:db8::/32", "[2001:db8::7]:1", "Exempt"),
        ("2001:db8::7", "[2001:db8::7]:1", "Exempt"),
        ("", "far.example:1", through),
    ] {
        let proxy = proxy(None, &[("https_proxy", "http://p:1"), ("no_proxy", no_proxy)]);
        assert_eq!(route(&proxy, to), expected, "{no_proxy} {to}");
    }
}

#[test]
fn what_is_on_this_computer_or_the_local_network_is_reached_directly() {
    let proxy = proxy(Some("http://p:1"), &[]);
    for host in [
        "localhost",
        "a.localhost",
        "127.0.0.1",
        "127.8.9.10",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.5",
        "169.254.1.1",
        "100.100.1.2",
        "[fe80::1]",
        "[fd00::1]",
        "anna-laptop",
        "anna-laptop.local",
        "ANNA.local.",
    ] {
        assert_eq!(route(&proxy, &format!("{host}:1")), "Local", "{host}");
    }
    for host in [
        "hub.example",
        "local.example",
        "198.51.100.7",
        "172.32.0.1",
        "100.128.0.1",
        "9.9.9.9",
        "[2001:db8::1]",
        "[::ffff:9.9.9.9]",
    ] {
        assert!(proxy.route(&address(&format!("{host}:1"))).is_ok(), "{host}");
    }
}
