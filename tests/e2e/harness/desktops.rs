//! Desktop sessions and the notification server.

use std::collections::HashMap;
use std::time::Duration;

use porchlight_tests::notifications::{Closed, Notification};
use porchlight_tests::until::SOON;
use porchlight_tests::{Notifications, Session, never, until};
use zbus::zvariant::Value;

#[tokio::test]
async fn a_session_leaves_nothing_behind() {
    let session = Session::start().await;
    let number = session.display().trim_start_matches(':').to_owned();
    let home = session.home();
    // In a process group of its own, as a program that detaches itself is.
    let detached = session.spawn("setsid", &["sleep", "1000"]);
    until("the program to run", SOON, || {
        session.programs().iter().any(|(name, _)| name == "sleep")
    })
    .await;
    let socket = format!("/tmp/.X11-unix/X{number}");
    assert!(std::fs::exists(&socket).unwrap());
    drop(session);
    assert!(detached.exit().is_some());
    assert!(!home.exists());
    assert!(!std::fs::exists(&socket).unwrap());
    assert!(!std::fs::exists(format!("/tmp/.X{number}-lock")).unwrap());
}

#[tokio::test]
async fn two_sessions_have_nothing_in_common() {
    let (one, other) = (Session::start().await, Session::start().await);
    assert_ne!(one.display(), other.display());
    assert_ne!(one.bus_address(), other.bus_address());
    let _notifications = (Notifications::start(&one).await, Notifications::start(&other).await);
    until("both to have been idle", SOON, || {
        one.idle() > Duration::from_millis(300) && other.idle() > Duration::from_millis(300)
    })
    .await;
    one.key("a");
    assert!(one.idle() < other.idle());
    other.move_pointer(10, 10);
    other.move_pointer(20, 20);
    assert!(other.idle() < one.idle());
}

#[tokio::test]
async fn a_program_sees_its_session_and_nothing_of_the_outside() {
    let session = Session::start().await;
    let (_, output) = session.spawn("env", &[]).finish(SOON).await;
    let has = |start: &str| output.lines().any(|line| line.starts_with(start));
    assert!(has(&format!("DISPLAY={}", session.display())), "{output}");
    assert!(has(&format!("HOME={}", session.home().display())), "{output}");
    assert!(has("XDG_SESSION_TYPE=x11"), "{output}");
    assert!(!has("WAYLAND_DISPLAY") && !has("XAUTHORITY") && !has("CARGO"), "{output}");
}

#[tokio::test]
async fn the_screen_can_be_photographed() {
    let session = Session::start().await;
    let picture = session.screenshot("harness-empty-screen");
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn a_notification_is_recorded_replaced_pressed_and_closed() {
    let session = Session::start().await;
    let notifications = Notifications::start(&session).await;
    let app = session.connection().await;
    let mut signals = Signals::of(&app).await;

    let first = notify(&app, 0, "Alice is here").await;
    assert_eq!(notify(&app, first, "Alice is away").await, first);
    let second = notify(&app, 0, "Bob is here").await;
    assert_ne!(first, second);

    let shown =
        notifications.wait(|notification| notification.summary == "Alice is away", SOON).await;
    assert_eq!((shown.id, shown.replaces_id, shown.timeout), (first, first, 5000));
    assert_eq!((shown.app.as_str(), shown.body.as_str()), ("sample", "at the desk"));
    assert_eq!(shown.hint("category").as_deref(), Some("presence.online"));
    assert_eq!(shown.hint("urgency").as_deref(), Some("1"));
    assert_eq!(shown.action("Wave"), Some("wave"));
    let summaries = |notices: Vec<Notification>| {
        notices.into_iter().map(|notification| notification.summary).collect::<Vec<_>>()
    };
    assert_eq!(summaries(notifications.all()), ["Alice is here", "Alice is away", "Bob is here"]);
    assert_eq!(summaries(notifications.showing()), ["Alice is away", "Bob is here"]);

    notifications.press(first, "wave").await;
    assert_eq!(signals.next().await, ("ActionInvoked".to_owned(), first));
    assert_eq!(signals.next().await, ("NotificationClosed".to_owned(), first));
    call(&app, "CloseNotification", &second).await;
    assert_eq!(signals.next().await, ("NotificationClosed".to_owned(), second));
    assert_eq!(notifications.closed(), [(first, Closed::Dismissed), (second, Closed::Withdrawn)]);
    assert!(notifications.showing().is_empty());

    notifications.forget();
    never("a notice from before", Duration::from_millis(50), || !notifications.all().is_empty())
        .await;
}

/// Calls `Notify` as an app does.
async fn notify(app: &zbus::Connection, replaces: u32, summary: &str) -> u32 {
    let hints = HashMap::from([
        ("category", Value::from("presence.online")),
        ("urgency", Value::from(1_u8)),
    ]);
    let actions = ["default", "Open", "wave", "Wave"];
    let body =
        ("sample", replaces, "icon", summary, "at the desk", actions.as_slice(), hints, 5000_i32);
    let reply = call(app, "Notify", &body).await;
    reply.body().deserialize().expect("an id")
}

async fn call(
    app: &zbus::Connection,
    method: &str,
    body: &(impl serde::Serialize + zbus::zvariant::DynamicType),
) -> zbus::Message {
    let name = "org.freedesktop.Notifications";
    let reply = app
        .call_method(Some(name), "/org/freedesktop/Notifications", Some(name), method, body)
        .await;
    reply.expect("the server answers")
}

/// The server's signals as an app receives them.
struct Signals(zbus::MessageStream);

impl Signals {
    async fn of(app: &zbus::Connection) -> Self {
        let rule = zbus::MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface("org.freedesktop.Notifications")
            .expect("an interface")
            .build();
        Self(
            zbus::MessageStream::for_match_rule(rule, app, None)
                .await
                .expect("the bus takes a rule"),
        )
    }

    async fn next(&mut self) -> (String, u32) {
        use zbus::export::futures_core::Stream;
        let next =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut self.0).poll_next(context));
        let next = tokio::time::timeout(SOON, next).await.expect("a signal in time");
        let message = next.expect("the bus is there").expect("a message");
        let body = message.body();
        let id = match body.deserialize::<(u32, String)>() {
            Ok((id, _)) => id,
            Err(_) => body.deserialize::<(u32, u32)>().expect("an id").0,
        };
        (message.header().member().expect("a signal has a name").to_string(), id)
    }
}
