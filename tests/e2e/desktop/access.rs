//! Whether everybody can use the window: axe-core in the real webview, large text, writing from right to left.

use std::path::Path;

use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Cli, EmbeddedHub, Message, Probe, WebView};
use serde_json::{Value, json};

use super::{Desk, LINK, photograph, row};

/// axe-core as the window's own tests have it.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/node_modules/axe-core/axe.min.js");

/// People with a different status each.
async fn put_people(url: &str) -> Probe {
    let mut probe = Probe::connect(url).await;
    for (user, fields) in [
        ("anna", json!({ "status": "online" })),
        ("bert", json!({ "status": "online", "cause": "unknown" })),
        ("cleo", json!({ "status": "away", "cause": "idle", "in_call": true })),
        ("dora", json!({ "status": "offline", "cause": "asleep" })),
        (
            "emil",
            json!({ "status": "online", "tz": "Asia/Tokyo", "links": ["mailto:emil@example.org"],
                "chosen": { "rev": 1, "status": "dnd", "text": "Deep work, back for tea and the long list of questions",
                    "emoji": "🎧" } }),
        ),
    ] {
        let now = unix_ms();
        let mut record = json!({
            "v": 1, "since": now, "timestamp": now, "epoch": now, "lease_s": 3600, "loss_s": 18,
            "name": format!("{user} with quite a long name, as some people have"), "kind": "laptop",
        });
        for (field, value) in fields.as_object().into_iter().flatten() {
            record[field] = value.clone();
        }
        let topic = format!("presence/{user}/device/{user}");
        probe.publish(Message::json(topic, &record).retained()).await;
    }
    probe
}

/// The pages of the window, each as it is come to from the list; the list is last.
async fn each_page(window: &WebView, mut look: impl AsyncFnMut(&str)) {
    window.click("[data-testid=status-button]", SOON).await;
    window.click("[data-testid=status-more]", SOON).await;
    look("the own status").await;
    window
        .run("document.querySelector('[data-testid=status-button]').click()", Vec::new())
        .await
        .expect("the panel closes");
    window.gone("[data-testid=status-more], [data-testid=status-set]", SOON).await;
    window.click(&format!("{} [data-testid=reach]", row("emil")), SOON).await;
    window.element("[data-testid=reach-page]", SOON).await;
    look("a person's page").await;
    window.click("[data-testid=back]", SOON).await;
    window.click("[data-testid=settings-button]", SOON).await;
    window.element("[data-testid=set-name]", SOON).await;
    look("the settings").await;
    window.click("[data-testid=back]", SOON).await;
    window.element(&row("emil"), SOON).await;
    look("the list").await;
}

/// What axe-core finds on the page as it is, all motion over.
async fn axe(window: &WebView) -> Value {
    let source = std::fs::read_to_string(Path::new(AXE)).expect("axe-core; npm ci --prefix ui");
    let script = format!(
        "const [answer] = arguments;
         if (window.axe === undefined) {{ {source} }}
         const still = Promise.allSettled(document.getAnimations().map((it) => it.finished));
         still.then(() => window.axe.run(document)).then(
             ({{ violations }}) => answer(violations.map(({{ id, nodes }}) => [id, nodes.map((it) => it.failureSummary + it.html)])),
             (error) => answer(String(error)));"
    );
    window.run_async(&script, Vec::new()).await.expect("a page that answers")
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page_light_or_dark() {
    let hub = EmbeddedHub::start().await;
    let _people = put_people(&hub.url()).await;
    for dark in [false, true] {
        let desk = Desk::start().await;
        if dark {
            let folder = desk.session.config_home().join("gtk-3.0");
            std::fs::create_dir_all(&folder).expect("a folder of ours");
            let settings = "[Settings]\ngtk-application-prefer-dark-theme=1\n";
            std::fs::write(folder.join("settings.ini"), settings).expect("a folder of ours");
        }
        let me = Cli::new(&hub.url(), "me", "laptop").on(&desk.session);
        let window = desk.open(&me).await;
        window.attribute(LINK, "data-state", "up", START).await;
        window.element(&row("emil"), START).await;
        let scheme = "return matchMedia('(prefers-color-scheme: dark)').matches";
        assert_eq!(window.run(scheme, Vec::new()).await.expect("an answer"), json!(dark));
        each_page(&window, async |page| {
            let found = axe(&window).await;
            assert_eq!(found, json!([]), "{page}, {}", if dark { "dark" } else { "light" });
        })
        .await;
    }
}

#[tokio::test]
async fn large_text_german_and_writing_from_the_right_fit_into_the_window() {
    let hub = EmbeddedHub::start().await;
    let _people = put_people(&hub.url()).await;
    let desk = Desk::start().await;
    let me = Cli::new(&hub.url(), "me", "laptop").on(&desk.session);
    let me = me.configured("language = \"de\"\n");
    let window = desk.open(&me).await;
    window.attribute(LINK, "data-state", "up", START).await;
    window.element(&row("emil"), START).await;
    for (size, dir) in [("100%", "rtl"), ("200%", "ltr"), ("200%", "rtl")] {
        let set = "const [size, dir] = arguments;
            document.documentElement.style.fontSize = size; document.documentElement.dir = dir;";
        window.run(set, vec![json!(size), json!(dir)]).await.expect("a page");
        each_page(&window, async |page| {
            // Cut off are only texts that say so by an ellipsis.
            let wide = "const [answer] = arguments;
                const edge = document.documentElement.clientWidth;
                const out = [...document.querySelectorAll('body *')].filter((it) => {
                    const { left, right, width, height } = it.getBoundingClientRect();
                    if (width < 2 || height < 2 || (left > -1 && right < edge + 1)) return false;
                    if (it.closest('.unseen') !== null) return false;
                    for (let outer = it.parentElement; outer !== null; outer = outer.parentElement) {
                        const { overflowX, textOverflow } = getComputedStyle(outer);
                        if (overflowX === 'hidden' && textOverflow === 'ellipsis') return false;
                    }
                    return true;
                });
                answer(out.map((it) => it.outerHTML.slice(0, 120)));";
            let out = window.run_async(wide, Vec::new()).await.expect("an answer");
            let name = format!("desktop-{}-{dir}-{}", &size[..3], page.replace(' ', "-"));
            photograph(&desk, &window, &name).await;
            assert_eq!(out, json!([]), "{page} at {size}, {dir}");
        })
        .await;
    }
}
