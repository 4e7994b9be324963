//! A desktop that looks the same each time, with the app on it.

use std::path::Path;

use porchlight_tests::binary::tool;
use porchlight_tests::process::run;
use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Area, Cli, Session, WebView, bin, until};

/// The app.
pub(crate) const APP: &str = "porchlight-desktop";

/// What is drawn of letters, motion and carets by everybody who asks GTK: nothing moves or blinks, and letters are
/// smoothed without a screen's colours in them.
const GTK: &str = "[Settings]
gtk-font-name=Inter 10
gtk-icon-theme-name=Adwaita
gtk-cursor-blink=false
gtk-enable-animations=false
gtk-xft-antialias=1
gtk-xft-hinting=0
gtk-xft-hintstyle=hintnone
gtk-xft-rgba=none
";

/// The letters of everybody who asks Fontconfig, whatever else is installed.
const FONTS: &str = r#"<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <match target="pattern">
    <test name="family" compare="eq"><string>system-ui</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Inter</string></edit>
  </match>
  <match target="pattern">
    <test name="family" compare="eq"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>
</fontconfig>
"#;

/// The hour that it is in the pictures.
const HOUR: i64 = 14;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    const fn theme(self) -> &'static str {
        match self {
            Self::Light => "Adwaita",
            Self::Dark => "Adwaita:dark",
        }
    }

    /// Of the desktop behind the windows.
    const fn wallpaper(self) -> u32 {
        match self {
            Self::Light => 0x00b9_c4cf,
            Self::Dark => 0x0026_2b33,
        }
    }
}

/// A session for pictures.
pub(crate) async fn desktop(scheme: Scheme) -> Session {
    let mut session = Session::start_on(1280, 2600).await;
    session.set("GTK_THEME", scheme.theme());
    session.set("TZ", zone(0));
    speak(&mut session);
    for (folder, name, content) in
        [("gtk-3.0", "settings.ini", GTK), ("fontconfig", "fonts.conf", FONTS)]
    {
        let folder = session.config_home().join(folder);
        std::fs::create_dir_all(&folder).expect("a session's folder can be written to");
        std::fs::write(folder.join(name), content).expect("a session's folder can be written to");
    }
    session.paint(scheme.wallpaper());
    session
}

/// English with a clock of 24 hours, which the page takes from the locale. A machine may not have that one made.
fn speak(session: &mut Session) {
    let made = session.data_home().join("locale");
    std::fs::create_dir_all(&made).expect("a session's folder can be written to");
    let mut make = session.command(tool("localedef", "install the package libc-bin"));
    run(make.args(["-i", "en_GB", "-f", "UTF-8"]).arg(made.join("en_GB.UTF-8")));
    session.set("LOCPATH", made);
    session.set("LC_ALL", "en_GB.UTF-8");
}

/// A time zone so many hours ahead of that in which it is two in the afternoon: people are about then, and no picture has
/// a midnight in it.
pub(crate) fn zone(hours: i64) -> String {
    let hour = i64::try_from(unix_ms() / 3_600_000 % 24).expect("less than a day");
    let ahead = (HOUR - hour + 12).rem_euclid(24) - 12;
    // From 12 hours behind to 14 ahead, and what lies ahead has a minus (tz database, etcetera).
    format!("Etc/GMT{:+}", -(ahead + hours).clamp(-12, 14))
}

/// Opens the app's window for that person, who sits before this session.
pub(crate) async fn open(session: &Session, light: &Cli) -> WebView {
    let mut arguments = light.arguments();
    arguments.push("--show".to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    WebView::open(session, &bin(APP), &arguments).await
}

/// Takes a picture of the app's window, without its frame, once the page has come to rest.
pub(crate) async fn photograph(session: &Session, page: &WebView, file: &Path) {
    settle(page).await;
    let window = window(session).await;
    // A pointer on the page would light up what is below it.
    session.move_pointer(session.screen().width - 1, session.screen().height - 1);
    session.picture(session.area(window), file).await;
}

/// Makes the window as high as what the page has to show in this element, which scrolls.
pub(crate) async fn fit(session: &Session, page: &WebView, css: &str) {
    let script = "const it = document.querySelector(arguments[0]);
        return Math.ceil(it.getBoundingClientRect().top + it.scrollHeight);";
    let height = page.run(script, vec![css.into()]).await.expect("a page that scrolls");
    let height = height.as_u64().and_then(|height| height.try_into().ok());
    let (window, screen) = (window(session).await, session.screen());
    let Area { width, height: now, .. } = session.area(window);
    let height = height.unwrap_or(now).clamp(now, screen.height - 50);
    session.resize_window(window, width, height);
    until("the page to be as high", SOON, || session.area(window).height == height).await;
}

/// The app's window.
pub(crate) async fn window(session: &Session) -> u32 {
    until("the app's window", START, || session.windows("^Porchlight$").first().copied()).await
}

/// Waits until the page has its fonts, nothing on it moves, and nothing has the focus.
async fn settle(page: &WebView) {
    let script = "const [answer] = arguments;
        const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
        const still = () => document.getAnimations().length === 0 || frame().then(still);
        document.activeElement?.blur();
        document.fonts.ready.then(frame).then(still).then(frame).then(() => answer(true));";
    page.run_async(script, Vec::new()).await.expect("a page that draws");
}

/// Waits for the link to the broker to be so.
pub(crate) async fn link(page: &WebView, state: &str) {
    page.attribute("[data-testid=link]", "data-state", state, START + SOON).await;
}
