use super::*;
use crate::certificate::Certificate;
use std::fs;

struct Made {
    folder: tempfile::TempDir,
    settings: PublicSettings,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| Some(folder.path().join(name));
        let settings = PublicSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            certificate: path("fullchain.pem"),
            key: path("privkey.pem"),
            trusted_proxies: Vec::new(),
        };
        Self { folder, settings }
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(self.folder.path().join("fullchain.pem"), certificate).unwrap();
        fs::write(self.folder.path().join("privkey.pem"), key).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_renewal_is_passed_over_and_a_broken_one_is_reported_once() {
    let (old, new) = (Certificate::make("old").unwrap(), Certificate::make("new").unwrap());
    let made = Made::new();
    made.write(&old.certificate, &old.key);
    let certificate = made.settings.open(&mut Vec::new()).await.unwrap().unwrap();
    let first = certificate.current();
    let (tell, mut news) = mpsc::unbounded_channel();
    let again = Arc::new(Notify::new());
    let following = tokio::spawn(Arc::clone(&certificate).follow(Arc::clone(&again), tell));
    let a_look = async || tokio::time::sleep(LOOK).await;
    tokio::time::sleep(LOOK / 2).await;

    made.write(&new.certificate, &old.key);
    a_look().await;
    assert!(news.try_recv().is_err(), "the key may come in a moment");
    made.write(&new.certificate, &new.key);
    a_look().await;
    assert_eq!(news.try_recv(), Ok(HubEvent::CertificateRead));
    let second = certificate.current();
    assert_ne!(first.cert, second.cert);

    made.write("nonsense", &new.key);
    a_look().await;
    assert!(news.try_recv().is_err());
    a_look().await;
    assert!(matches!(news.try_recv(), Ok(HubEvent::CertificateFailing(_))));
    for _ in 0..5 {
        a_look().await;
    }
    again.notify_one();
    a_look().await;
    assert!(news.try_recv().is_err(), "it was reported");
    assert_eq!(certificate.current().cert, second.cert);

    // The old files again, which nobody would notice otherwise.
    made.write(&new.certificate, &new.key);
    a_look().await;
    assert_eq!(news.try_recv(), Ok(HubEvent::CertificateRead));
    made.write(&old.certificate, &new.key);
    again.notify_one();
    a_look().await;
    assert!(matches!(news.try_recv(), Ok(HubEvent::CertificateFailing(_))), "at once");
    following.abort();
}

#[tokio::test]
async fn without_a_certificate_it_is_for_a_proxy_of_this_computer_alone() {
    for (listen, proxies, key, opens) in [
        ("127.0.0.1:0", &["127.0.0.1/32"][..], false, true),
        ("[::1]:0", &["::1/128"], false, true),
        ("127.0.0.1:0", &[], false, false),
        ("127.0.0.1:0", &["127.0.0.1/32"], true, false),
        ("0.0.0.0:0", &["127.0.0.1/32"], false, false),
        ("192.0.2.1:0", &["127.0.0.1/32"], false, false),
    ] {
        let settings = PublicSettings {
            listen: listen.parse().unwrap(),
            certificate: None,
            key: key.then(|| "privkey.pem".into()),
            trusted_proxies: proxies.iter().map(|it| it.parse().unwrap()).collect(),
        };
        let opened = settings.open(&mut Vec::new()).await;
        assert_eq!(opened.is_ok(), opens, "{settings:?}: {opened:?}");
    }
}
