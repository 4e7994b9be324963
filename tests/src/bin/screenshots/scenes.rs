//! What is in each picture.

use std::path::Path;

use fantoccini::Locator;
use porchlight_tests::process::Stream;
use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{
    Area, EmbeddedHub, Message, Notifications, Probe, Proc, Session, Tray, WebView, bin, until,
    until_async,
};
use serde_json::json;

use crate::panel::Panel;
use crate::people::{self, Device};
use crate::stage::{self, APP, Scheme};

/// How much of the desktop a picture of a panel has around what it is about.
const RIM: u16 = 12;

/// A window on a team, and all that keeps it open.
struct Scene {
    page: WebView,
    _desk: (Tray, Notifications),
    session: Session,
    hub: EmbeddedHub,
}

impl Scene {
    /// Opens the window on these people.
    async fn with(scheme: Scheme, devices: &[Device]) -> Self {
        let hub = EmbeddedHub::start().await;
        people::come(&hub.url(), devices).await;
        let session = stage::desktop(scheme).await;
        // Without these the app says that they are missing.
        let desk = (Tray::start(&session).await, Notifications::start(&session).await);
        let page = stage::open(&session, &people::me(&hub.url(), &session)).await;
        stage::link(&page, "up").await;
        page.attribute("[data-testid=me]", "data-status", "online", START).await;
        for device in devices.iter().take(9) {
            page.element(&row(device.user()), START).await;
        }
        Self { page, _desk: desk, session, hub }
    }

    async fn picture(&self, file: &Path) {
        stage::photograph(&self.session, &self.page, file).await;
    }

    async fn close(self) {
        self.page.close().await;
    }
}

fn row(user: &str) -> String {
    format!("[data-user=\"{user}\"]")
}

/// The team as one sees it.
pub(crate) async fn team(scheme: Scheme, file: &Path) {
    let scene = Scene::with(scheme, &people::team()).await;
    scene.picture(file).await;
    scene.close().await;
}

/// Nobody else was ever here.
pub(crate) async fn nobody(file: &Path) {
    let scene = Scene::with(Scheme::Light, &[]).await;
    scene.page.element("[data-testid=empty]", START).await;
    scene.picture(file).await;
    scene.close().await;
}

/// Three hundred people.
pub(crate) async fn crowd(file: &Path) {
    let scene = Scene::with(Scheme::Light, &[]).await;
    let crowd = people::crowd();
    people::come(&scene.hub.url(), &crowd).await;
    until_async("everybody in the list", 2 * START, async || {
        let counts = scene.page.client().find_all(Locator::Css("[data-testid^=count-]")).await;
        let mut all = 0;
        for count in counts.unwrap_or_default() {
            all += count.text().await.ok().and_then(|it| it.trim().parse().ok()).unwrap_or(0);
        }
        // Groups further down are drawn when they are scrolled to.
        all >= crowd.len() / 2
    })
    .await;
    scene.picture(file).await;
    scene.close().await;
}

/// The broker does not answer.
pub(crate) async fn broker_gone(file: &Path) {
    let mut scene = Scene::with(Scheme::Light, &people::team()).await;
    scene.hub.crash();
    stage::link(&scene.page, "connecting").await;
    scene.page.element(".person.stale", SOON).await;
    // The tries come further apart: only then it says when the next one is.
    scene.page.text(".retry", |text| !text.is_empty(), START).await;
    scene.picture(file).await;
    scene.close().await;
}

/// The first start.
pub(crate) async fn first_start(file: &Path) {
    let session = stage::desktop(Scheme::Light).await;
    let config = session.home().join("porchlight");
    let config = config.to_str().expect("a temporary folder's name is text");
    let page = WebView::open(&session, &bin(APP), &["--config-dir", config, "--show"]).await;
    page.element("[data-testid=start-team]", START).await;
    stage::photograph(&session, &page, file).await;
    page.close().await;
}

/// The settings, in a window as high as they are.
pub(crate) async fn settings(file: &Path) {
    let scene = Scene::with(Scheme::Light, &people::team()).await;
    scene.page.click("[data-testid=settings-button]", START).await;
    scene.page.element("[data-testid=set-name]", START).await;
    stage::fit(&scene.session, &scene.page, "[data-testid=settings-page]").await;
    scene.picture(file).await;
    scene.close().await;
}

/// Somebody knocks, and their page is open.
pub(crate) async fn knock(file: &Path) {
    let scene = Scene::with(Scheme::Light, &people::team()).await;
    ring(&scene.hub.url(), "amira", "Got a minute for the release notes?").await;
    scene.page.element("[data-testid=knock]", START).await;
    scene.page.click(&format!("{} [data-testid=reach]", row("amira")), SOON).await;
    scene.page.element("[data-testid=reach-page] [data-testid=answer-come_in]", START).await;
    stage::fit(&scene.session, &scene.page, "[data-testid=reach-page]").await;
    scene.picture(file).await;
    scene.close().await;
}

/// Knocks at hers.
async fn ring(url: &str, from: &str, text: &str) {
    let mut probe = Probe::connect(url).await;
    let knock = json!({ "v": 1, "kind": "knock", "id": "k1", "text": text, "at": unix_ms() });
    probe.publish(Message::json(format!("presence/mara/inbox/{from}"), &knock)).await;
    probe.leave().await;
}

/// The icon in a panel, its menu open.
pub(crate) async fn tray(file: &Path) {
    let hub = EmbeddedHub::start().await;
    people::come(&hub.url(), &people::team()).await;
    let session = stage::desktop(Scheme::Light).await;
    let panel = Panel::start(&session).await;
    let app = Proc::spawn(APP, &mut people::me(&hub.url(), &session).desktop(&[]));
    let icon = panel.icon(&session, ONLINE).await;
    let menu = open_menu(&session, icon, &app).await;
    // On its first line, which can't be chosen: nothing lights up.
    session.move_pointer(menu.x + menu.width / 2, menu.y + 12);
    session.picture(shown(&session, panel.area(), icon.with(menu)), file).await;
}

/// Opens the icon's menu. While the panel has not read that yet, it shows one of its own, which has no people in it.
async fn open_menu(session: &Session, icon: Area, app: &Proc) -> Area {
    let (x, y) = icon.middle();
    for _ in 0..10 {
        session.click(x, y, 3);
        let menu = until(format!("a menu\n{app}"), START, || session.popups().pop()).await;
        session.still(menu).await;
        if menu.height > 250 {
            return menu;
        }
        session.key("Escape");
        until("the menu to close", SOON, || session.popups().is_empty()).await;
    }
    panic!("the panel shows no menu of the app's\n{app}");
}

/// What the icon's lamp has of colour while its person is online.
const ONLINE: u32 = 0x003d_dc84;

/// A notification, by a real daemon.
pub(crate) async fn notification(file: &Path) {
    let hub = EmbeddedHub::start().await;
    people::come(&hub.url(), &people::team()).await;
    let session = stage::desktop(Scheme::Light).await;
    let panel = Panel::start(&session).await;
    let daemon = panel.notices(&session).await;
    let app = Proc::spawn(APP, &mut people::me(&hub.url(), &session).desktop(&[]));
    let icon = panel.icon(&session, ONLINE).await;
    ring(&hub.url(), "amira", "Got a minute for the release notes?").await;
    let notification = until(format!("a notice\n{daemon}\n{app}"), START, || {
        assert!(app.exit().is_none(), "{:?}", app.lines(Stream::Err));
        session.popups().into_iter().find(|area| area.height > 50 && area.width < 1000)
    })
    .await;
    session.picture(shown(&session, panel.area(), icon.with(notification)), file).await;
}

/// The area of a picture with a part of the panel: from its edge to the right end of the screen.
fn shown(session: &Session, panel: Area, what: Area) -> Area {
    let area = what.grown(RIM, session.screen());
    let corner = Area { x: area.x, y: 0, width: panel.width - area.x, height: panel.height };
    area.with(corner)
}
