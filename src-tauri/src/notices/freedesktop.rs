//! The freedesktop notification daemon, by notify-rust, on a thread of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use notify_rust::{Hint, Notification, NotificationHandle, Urgency};
use porchlight_core::notice::Notice;

use super::said::{Said, ask, say};
use crate::wish::Desktop;

/// The name of the icon and of the desktop entry that the packages install (`packaging/linux`).
const APP: &str = "app.porchlight.Porchlight";

/// A notice that is still up has a thread that waits for a click; more than so many wait for none.
const WAITING: usize = 16;

/// The way to the daemon.
pub(crate) struct Notices {
    desktop: Desktop,
    /// The thread, once there was something to say.
    thread: Option<mpsc::Sender<Said>>,
}

impl Notices {
    pub(crate) fn new(desktop: Desktop) -> Self {
        Self { desktop, thread: None }
    }

    pub(crate) fn show(&mut self, notice: &Notice) {
        self.tell(say(notice));
    }

    pub(crate) fn ask(&mut self, name: &str, code: &str) {
        self.tell(ask(name, code));
    }

    fn tell(&mut self, said: Said) {
        let desktop = &self.desktop;
        let thread = self.thread.get_or_insert_with(|| {
            let (sender, waiting) = mpsc::channel();
            let daemon = Daemon {
                desktop: desktop.clone(),
                up: HashMap::new(),
                waiting: Arc::default(),
                markup: None,
                silent: false,
            };
            let started =
                thread::Builder::new().name("notices".to_owned()).spawn(|| daemon.run(waiting));
            if let Err(error) = started {
                tracing::error!("no notices: {error}");
            }
            sender
        });
        // A thread that could not be started was complained of above.
        let _ = thread.send(said);
    }
}

struct Daemon {
    desktop: Desktop,
    /// The daemon's numbers of the notices last shown, by their keys.
    up: HashMap<String, u32>,
    waiting: Arc<AtomicUsize>,
    /// Whether the daemon reads markup in bodies; asked once.
    markup: Option<bool>,
    /// Whether it was said that there is no daemon: once is enough.
    silent: bool,
}

impl Daemon {
    #[expect(clippy::needless_pass_by_value, reason = "the thread owns its end of the channel")]
    fn run(mut self, said: mpsc::Receiver<Said>) {
        while let Ok(said) = said.recv() {
            self.show(said);
        }
    }

    fn show(&mut self, said: Said) {
        let markup = *self.markup.get_or_insert_with(|| {
            notify_rust::get_capabilities()
                .is_ok_and(|able| able.iter().any(|able| able == "body-markup"))
        });
        let body = if markup { escape(&said.body) } else { said.body };
        let mut notification = Notification::new();
        notification
            .appname("Porchlight")
            .summary(&said.summary)
            .body(&body)
            .icon(APP)
            .hint(Hint::Category(said.category.to_owned()))
            .hint(Hint::DesktopEntry(APP.to_owned()))
            .urgency(Urgency::Low)
            .action("default", "Open");
        if let Some(earlier) = self.up.get(&said.key) {
            notification.id(*earlier);
        }
        match notification.show() {
            Ok(handle) => {
                self.silent = false;
                self.up.insert(said.key, handle.id());
                self.wait_for_click(handle);
            }
            Err(error) if !self.silent => {
                self.silent = true;
                tracing::warn!(
                    "notices can't be shown ({error}); start your desktop's notification daemon to see them"
                );
            }
            Err(_) => {}
        }
    }

    fn wait_for_click(&self, handle: NotificationHandle) {
        let waiting = self.waiting.clone();
        if waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let desktop = self.desktop.clone();
        let count = self.waiting.clone();
        let started = thread::Builder::new().name("notice".to_owned()).spawn(move || {
            handle.wait_for_action(|action| {
                if action == "default" {
                    desktop.open_window();
                }
            });
            count.fetch_sub(1, Ordering::Relaxed);
        });
        if started.is_err() {
            waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Names are text: `<b>` in one is three characters.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
