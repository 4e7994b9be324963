//! The freedesktop notification daemon, by notify-rust, on a thread of its own.

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

/// A notification that is still up has a thread that waits for a click; more than so many wait for none.
const WAITING: usize = 16;

/// The way to the daemon.
pub(crate) struct Notifications {
    desktop: Desktop,
    /// The thread, once there was something to say.
    thread: Option<mpsc::Sender<Word>>,
}

/// What the thread is told.
enum Word {
    Say(Box<Said>),
    /// The notification of that key is over.
    Withdraw(String),
}

impl Notifications {
    pub(crate) fn new(desktop: Desktop) -> Self {
        Self { desktop, thread: None }
    }

    pub(crate) fn show(&mut self, notification: &Notification) {
        self.tell(Word::Say(Box::new(say(notification))));
    }

    pub(crate) fn withdraw(&mut self, key: String) {
        // Without a thread nothing was ever shown.
        if self.thread.is_some() {
            self.tell(Word::Withdraw(key));
        }
    }

    pub(crate) fn ask(&mut self, name: &str, code: &str) {
        self.tell(Word::Say(Box::new(ask(name, code))));
    }

    fn tell(&mut self, word: Word) {
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
                tracing::error!("no notifications: {error}");
            }
            sender
        });
        // A thread that could not be started was complained of above.
        let _ = thread.send(word);
    }
}

struct Daemon {
    desktop: Desktop,
    /// The daemon's numbers of the notifications last shown, by their keys.
    up: HashMap<String, u32>,
    waiting: Arc<AtomicUsize>,
    /// Whether the daemon reads markup in bodies; asked once.
    markup: Option<bool>,
    /// Whether it was said that there is no daemon: once is enough.
    silent: bool,
}

impl Daemon {
    #[expect(clippy::needless_pass_by_value, reason = "the thread owns its end of the channel")]
    fn run(mut self, words: mpsc::Receiver<Word>) {
        while let Ok(word) = words.recv() {
            match word {
                Word::Say(said) => self.show(*said),
                Word::Withdraw(key) => self.withdraw(&key),
            }
        }
    }

    /// Takes a notification off the screen; one that is not there any more is no matter.
    fn withdraw(&mut self, key: &str) {
        let Some(id) = self.up.remove(key) else {
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
        if let Some(earlier) = self.up.get(&said.key) {
            notification.id(*earlier);
        }
        match notification.show() {
            Ok(handle) => {
                self.silent = false;
                self.up.insert(said.key, handle.id());
                self.wait_for_click(handle, clicked);
            }
            Err(error) if !self.silent => {
                self.silent = true;
                tracing::warn!(
                    "notifications can't be shown ({error}); start your desktop's notification daemon to see them"
                );
            }
            Err(_) => {}
        }
    }

    fn wait_for_click(&self, handle: NotificationHandle, clicked: Clicked) {
        let waiting = self.waiting.clone();
        if waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
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

/// What a click on a notification is about.
struct Clicked {
    knock: Option<Knock>,
    about: Option<UserId>,
}

/// A notification was clicked on, or one of its buttons.
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
