//! Newer versions that the app fetches itself, as it does where it is an `AppImage`.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use minisign::KeyPair;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, EmbeddedHub, FileServer, bin, until};
use serde_json::json;

use super::{APP, Desk, LINK, PROCESS, invoke, runs, wait_window, windows};

/// What the system calls the process of the new one.
const UPDATED: &str = "Porchlight.AppI";

const OLD: &[u8] = b"the file that was started";

/// What there is to fetch, and the desktop of somebody who has an older one.
struct Scene {
    hub: EmbeddedHub,
    desk: Desk,
    alice: Cli,
    shelf: FileServer,
    appimage: PathBuf,
    signer: KeyPair,
}

impl Scene {
    async fn start() -> Self {
        let hub = EmbeddedHub::start().await;
        let mut desk = Desk::start().await;
        let shelf = FileServer::open().await;
        let signer = KeyPair::generate_unencrypted_keypair().expect("random bytes");
        let appimage = desk.session.home().join("Porchlight.AppImage");
        fs::write(&appimage, OLD).expect("a home that can be written to");
        fs::set_permissions(&appimage, fs::Permissions::from_mode(0o755)).expect("our own file");
        let key = signer.pk.to_box().expect("a key").to_string();
        desk.session.set("APPIMAGE", &appimage);
        desk.session.set("PORCHLIGHT_UPDATES_FROM", shelf.url("latest.json"));
        desk.session.set("PORCHLIGHT_UPDATES_KEY", base64(&key));
        let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
        Self { hub, desk, alice, shelf, appimage, signer }
    }

    /// Publishes this program as version 9.0.0, signed so and as that.
    fn publish(&self, signer: &KeyPair, signed_as: &str) -> Vec<u8> {
        let program = fs::read(bin(APP)).expect("it was built");
        let comment = format!("timestamp:1\tfile:Porchlight.AppImage\tversion:{signed_as}");
        let signature =
            minisign::sign(None, &signer.sk, Cursor::new(&program), Some(&comment), None)
                .expect("a signature");
        let platform = json!({
            "url": self.shelf.url("Porchlight.AppImage"),
            "signature": base64(&signature.to_string()),
        });
        let target = format!("linux-{}", std::env::consts::ARCH);
        let latest = json!({ "version": "9.0.0", "platforms": { target: platform } });
        self.shelf.put("latest.json", latest.to_string().into_bytes());
        self.shelf.put("Porchlight.AppImage", program.clone());
        program
    }
}

fn base64(text: &str) -> String {
    data_encoding::BASE64.encode(text.as_bytes())
}

#[tokio::test]
async fn a_newer_version_takes_over_and_nobody_sees_the_app_go() {
    let scene = Scene::start().await;
    let program = scene.publish(&scene.signer, "9.0.0");
    let watch = Cli::new(&scene.hub.url(), "bob", "desk").watch();
    let window = scene.desk.open(&scene.alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    watch.wait_status("alice", "online", START).await;
    let runs = |name| runs(&scene.desk.session, name);
    assert!(runs(PROCESS) && !runs(UPDATED));
    let told = window.element("[data-testid=newer]", SOON).await.text().await.expect("text");
    assert!(told.contains("9.0.0"), "{told}");

    super::photograph(&scene.desk, &window, "newer").await;
    window.click("[data-testid=take-newer]", SOON).await;
    until("the new one, and the end of the old", START, || runs(UPDATED) && !runs(PROCESS)).await;
    assert!(fs::read(&scene.appimage).expect("it is there") == program, "another file");
    wait_window(&scene.desk.session).await;
    let status = watch.wait_status("alice", "online", START).await;
    assert_eq!(status["cause"], serde_json::Value::Null);
    assert_eq!(watch.statuses("alice"), ["online"]);
    drop(window);
}

#[tokio::test]
async fn what_another_signed_or_what_is_another_version_is_not_taken() {
    let other = KeyPair::generate_unencrypted_keypair().expect("random bytes");
    for (by_another, signed_as) in [(true, "9.0.0"), (false, "0.0.9")] {
        let scene = Scene::start().await;
        scene.publish(if by_another { &other } else { &scene.signer }, signed_as);
        let window = scene.desk.open(&scene.alice).await;
        window.click("[data-testid=take-newer]", START).await;
        let trouble = "[data-testid=newer] [data-testid=trouble]";
        window.attribute(trouble, "data-code", "newer_not_fetched", START).await;
        assert_eq!(fs::read(&scene.appimage).expect("it is there"), OLD);
        // It goes on as it was.
        window.attribute(LINK, "data-state", "up", START).await;
        assert_eq!(windows(&scene.desk.session).len(), 1);
    }
}

#[test]
fn a_release_tells_where_each_of_its_signed_files_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files =
        ["P_9.0.0_amd64.AppImage", "P.app.tar.gz", "P_9.0.0_x64-setup.exe", "P_9.0.0_x64.msi"];
    for file in files {
        fs::write(folder.path().join(file), "").expect("our own folder");
        fs::write(folder.path().join(format!("{file}.sig")), format!("of {file}\n")).expect("ours");
    }
    let list = || {
        let mut node = std::process::Command::new("node");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/latest-json.mjs");
        node.args([script, "9.0.0", "https://example.org/v9.0.0"]).arg(folder.path());
        node.output().expect("node is there")
    };
    let listed: serde_json::Value = serde_json::from_slice(&list().stdout).expect("JSON");
    assert_eq!(listed["version"], "9.0.0");
    let linux = &listed["platforms"]["linux-x86_64"];
    assert_eq!(linux["url"], "https://example.org/v9.0.0/P_9.0.0_amd64.AppImage");
    assert_eq!(linux["signature"], "of P_9.0.0_amd64.AppImage");
    assert_eq!(listed["platforms"].as_object().map(serde_json::Map::len), Some(4));

    fs::remove_file(folder.path().join("P.app.tar.gz.sig")).expect("it is there");
    let failed = list();
    assert!(!failed.status.success() && failed.stdout.is_empty());
    assert!(String::from_utf8_lossy(&failed.stderr).contains("*.app.tar.gz"));
}

#[tokio::test]
async fn nothing_is_looked_for_where_the_person_or_the_package_manager_says_so() {
    let scene = Scene::start().await;
    scene.publish(&scene.signer, "9.0.0");
    let alice = scene.alice.configured("updates = false");
    let window = scene.desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let version = invoke(&window, "version", json!({})).await.expect("a version");
    assert_eq!(version["updates"], "app");
    let newer = invoke(&window, "look_for_newer", json!({})).await;
    assert_eq!(newer, Ok(serde_json::Value::Null));
    drop(window);

    let desk = Desk::start().await;
    let window = desk.open(&Cli::new(&scene.hub.url(), "carol", "laptop").on(&desk.session)).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let version = invoke(&window, "version", json!({})).await.expect("a version");
    assert_eq!(version["updates"], "system");
}
