//! Shows notifications with notify-rust, on a thread of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use notify_rust::{Hint, NotificationHandle, Urgency};
use porchlight_core::id::UserId;
use porchlight_core::notification::Notification;
use porchlight_core::signal::{Answer, SignalCommand};
use porchlight_core::text;
use porchlight_core::view::signals::When;

use super::text::{Knock, Offer, Said, answer, ask, say};
use crate::i18n;
use crate::request::Desktop;

/// The name of the icon and of the desktop entry that the packages install (`packaging/linux`).
const APP: &str = "app.porchlight.Porchlight";

/// The daemon's name on the bus and its interface (Desktop Notifications Specification).
const SERVER: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// The maximum number of threads that wait for a click. Each shown notification needs one; further
/// notifications do not react to clicks.
const MAX_CLICK_THREADS: usize = 16;

/// Sends notifications to the daemon's thread.
pub(crate) struct Notifications {
    desktop: Desktop,
    /// The thread, once there was something to show.
    thread: Option<mpsc::Sender<Message>>,
}

/// A message to the thread.
enum Message {
    Show(Box<Said>),
    /// Withdraws the notification with this key.
    Withdraw(String),
}

impl Notifications {
    pub(crate) fn new(desktop: Desktop) -> Self {
        Self { desktop, thread: None }
    }

    pub(crate) fn show(&mut self, notification: &Notification) {
        self.send(Message::Show(Box::new(say(notification))));
    }

    pub(crate) fn withdraw(&mut self, key: String) {
        // Without a thread nothing was ever shown.
        if self.thread.is_some() {
            self.send(Message::Withdraw(key));
        }
    }

    pub(crate) fn ask(&mut self, name: &str, code: &str) {
        self.send(Message::Show(Box::new(ask(name, code))));
    }

    fn send(&mut self, message: Message) {
        let desktop = &self.desktop;
        let thread = self.thread.get_or_insert_with(|| {
            let (sender, waiting) = mpsc::channel();
            let daemon = Daemon {
                desktop: desktop.clone(),
                shown: HashMap::new(),
                waiting: Arc::default(),
                markup: None,
                failure_logged: false,
            };
            let started =
                thread::Builder::new().name("notices".to_owned()).spawn(|| daemon.run(waiting));
            if let Err(error) = started {
                tracing::error!("no notifications: {error}");
            }
            sender
        });
        // The error of a thread that could not start is logged above.
        let _ = thread.send(message);
    }
}

struct Daemon {
    desktop: Desktop,
    /// The daemon's ids of the last shown notifications, by their keys.
    shown: HashMap<String, u32>,
    waiting: Arc<AtomicUsize>,
    /// Whether the daemon supports markup in bodies; asked once.
    markup: Option<bool>,
    /// Whether a missing daemon was already logged: once is enough.
    failure_logged: bool,
}

impl Daemon {
    #[expect(clippy::needless_pass_by_value, reason = "the thread owns its end of the channel")]
    fn run(mut self, messages: mpsc::Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            match message {
                Message::Show(said) => self.show(*said),
                Message::Withdraw(key) => self.withdraw(&key),
            }
        }
    }

    /// Withdraws a notification. It does not matter if it is closed already.
    fn withdraw(&mut self, key: &str) {
        let Some(id) = self.shown.remove(key) else {
            return;
        };
        let closed = zbus::blocking::Connection::session().and_then(|bus| {
            bus.call_method(Some(SERVER), PATH, Some(SERVER), "CloseNotification", &(id,))
        });
        if let Err(error) = closed {
            tracing::debug!("a notification could not be taken down: {error}");
        }
    }

    fn show(&mut self, said: Said) {
        let markup = *self.markup.get_or_insert_with(|| {
            notify_rust::get_capabilities()
                .is_ok_and(|able| able.iter().any(|able| able == "body-markup"))
        });
        let body = if markup { text::markup(&said.body) } else { said.body };
        let mut notification = notify_rust::Notification::new();
        notification
            .appname("Porchlight")
            .summary(&said.summary)
            .body(&body)
            .icon(APP)
            .hint(Hint::Category(said.category.to_owned()))
            .hint(Hint::DesktopEntry(APP.to_owned()))
            .urgency(if said.knock.is_some() { Urgency::Normal } else { Urgency::Low })
            .action("default", &i18n::say("open"));
        for short in said.knock.iter().flat_map(|_| &Answer::SHORT) {
            notification.action(short.word().unwrap_or_default(), &answer(short));
        }
        for offer in said.offers.iter().flat_map(|(_, offers)| *offers) {
            notification.action(offer.key(), &offer.label());
        }
        let clicked = Clicked { knock: said.knock, about: said.offers.map(|(user, _)| user) };
        if let Some(earlier) = self.shown.get(&said.key) {
            notification.id(*earlier);
        }
        match notification.show() {
            Ok(handle) => {
                self.failure_logged = false;
                self.shown.insert(said.key, handle.id());
                self.wait_for_click(handle, clicked);
            }
            Err(error) if !self.failure_logged => {
                self.failure_logged = true;
                tracing::warn!(
                    "notifications can't be shown ({error}); start your desktop's notification daemon to see them"
                );
            }
            Err(_) => {}
        }
    }

    fn wait_for_click(&self, handle: NotificationHandle, clicked: Clicked) {
        let waiting = self.waiting.clone();
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_CLICK_THREADS {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let desktop = self.desktop.clone();
        let count = self.waiting.clone();
        let started = thread::Builder::new().name("notice".to_owned()).spawn(move || {
            handle.wait_for_action(|action| act(&desktop, action, clicked));
            count.fetch_sub(1, Ordering::Relaxed);
        });
        if started.is_err() {
            waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a click on a notification refers to.
struct Clicked {
    knock: Option<Knock>,
    about: Option<UserId>,
}

/// Handles a click on a notification or on one of its buttons.
fn act(desktop: &Desktop, action: &str, clicked: Clicked) {
    if action == "default" {
        desktop.open_window();
    }
    if let Some(Knock { from, id }) = clicked.knock {
        if action == "default" {
            desktop.signal(SignalCommand::See { from });
        } else if let Some(answer) = Answer::of_word(action) {
            desktop.signal(SignalCommand::Answer { from, id, answer });
        }
    } else if let (Some(to), Some(offer)) = (clicked.about, Offer::of_key(action)) {
        desktop.signal(match offer {
            Offer::Knock => SignalCommand::Knock { to, text: None, when: When::Now },
            Offer::Wave => SignalCommand::Wave { to, emoji: None },
            Offer::Mute => SignalCommand::Mute { user: to, muted: true },
        });
    }
}
