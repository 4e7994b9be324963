//! The webview driver, tried on the small browser that WebKitGTK brings along.

use std::path::PathBuf;

use porchlight_tests::until::SOON;
use porchlight_tests::{Session, WebView};

const PAGE: &str = "data:text/html,<title>Sample</title><input id=name>\
    <button id=greet data-state=new onclick=\"this.dataset.state='done';out.textContent='Hello '+document.getElementById('name').value\">Greet</button>\
    <p id=out></p>";

/// Where Debian's and Fedora's WebKitGTK keep it.
pub(crate) fn mini_browser() -> Option<PathBuf> {
    let places =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/libexec", "/usr/lib"];
    let paths = places.map(|place| PathBuf::from(place).join("webkit2gtk-4.1/MiniBrowser"));
    paths.into_iter().find(|path| path.is_file())
}

#[tokio::test]
async fn a_page_is_read_clicked_typed_into_and_photographed() {
    let Some(browser) = mini_browser() else {
        println!("skipped: mini_browser: WebKitGTK's MiniBrowser is not here");
        return;
    };
    let session = Session::start().await;
    let window = WebView::open_browser(&session, "MiniBrowser", &browser, &["--automation"]).await;
    window.client().goto(PAGE).await.unwrap();
    window.attribute("#greet", "data-state", "new", SOON).await;
    window.type_into("#name", "Alice", SOON).await;
    window.click("#greet", SOON).await;
    window.attribute("#greet", "data-state", "done", SOON).await;
    assert_eq!(window.text("#out", |text| !text.is_empty(), SOON).await, "Hello Alice");
    assert_eq!(window.run("return 1 + 1", Vec::new()).await.unwrap(), 2);
    window.gone("#nothing", SOON).await;
    let picture = window.screenshot("harness-page").await;
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));
    window.close().await;
}
