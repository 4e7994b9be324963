//! Receives the notifications of AppKit and of the window server.
//!
//! They arrive on the main thread, from its loop, which only an app with a window or a tray icon
//! runs.

#![expect(unsafe_code, reason = "classes and names of Objective-C are foreign")]

use objc2::rc::{Retained, autoreleasepool};
use objc2::{AnyThread as _, DefinedClass as _, define_class, msg_send, sel};
use objc2_app_kit::{
    NSWorkspace, NSWorkspaceDidWakeNotification, NSWorkspaceSessionDidBecomeActiveNotification,
    NSWorkspaceSessionDidResignActiveNotification, NSWorkspaceWillSleepNotification,
};
use objc2_foundation::{
    NSDistributedNotificationCenter, NSNotification, NSNotificationSuspensionBehavior, NSObject,
    NSString,
};

use crate::desktop::EventSender;

use super::meaning::{Session, SystemNotification};

/// The instance variables of an observer.
#[derive(Debug)]
struct Ivars {
    notification: SystemNotification,
    events: EventSender,
}

define_class!(
    // SAFETY: `NSObject` has no requirements for subclasses, and there is no `Drop`.
    #[unsafe(super(NSObject))]
    #[ivars = Ivars]
    #[derive(Debug)]
    struct Observer;

    impl Observer {
        // SAFETY: an observer's method takes the notification and returns nothing.
        #[unsafe(method(heard:))]
        fn heard(&self, _notification: &NSNotification) {
            let Ivars { notification, events } = self.ivars();
            events.send(notification.observation());
        }
    }
);

// SAFETY: the instance variables may be used on any thread, and the class has nothing else.
unsafe impl Send for Observer {}
// SAFETY: as above; it is never changed.
unsafe impl Sync for Observer {}

impl Observer {
    fn new(notification: SystemNotification, events: EventSender) -> Retained<Self> {
        let this = Self::alloc().set_ivars(Ivars { notification, events });
        // SAFETY: `init` of `NSObject` takes no argument and returns the object.
        unsafe { msg_send![super(this), init] }
    }
}

/// All observers. Dropping this removes them.
#[derive(Debug)]
pub(crate) struct Observers {
    workspace: Vec<Retained<Observer>>,
    distributed: Vec<Retained<Observer>>,
    /// Keeps the channel open if there are no observers: silence is no loss.
    _events: EventSender,
}

impl Observers {
    /// For a program that receives no notifications.
    pub(crate) fn none(events: EventSender) -> Self {
        Self { workspace: vec![], distributed: vec![], _events: events }
    }

    /// Adds the observers, then reports the present state.
    pub(crate) fn begin(events: &EventSender, session: fn() -> Option<Session>) -> Self {
        let mut this = Self::none(events.clone());
        autoreleasepool(|_| {
            this.observe_workspace(events);
            this.observe_screen(events);
        });
        // Read last: the observers report every change since they were added.
        if let Some(session) = session() {
            session.observations().for_each(|observation| events.send(observation));
        }
        this
    }

    fn observe_workspace(&mut self, events: &EventSender) {
        // SAFETY: AppKit defines these names, and they never change.
        let notifications = unsafe {
            [
                (NSWorkspaceWillSleepNotification, SystemNotification::WillSleep),
                (NSWorkspaceDidWakeNotification, SystemNotification::DidWake),
                (
                    NSWorkspaceSessionDidResignActiveNotification,
                    SystemNotification::SessionDidResignActive,
                ),
                (
                    NSWorkspaceSessionDidBecomeActiveNotification,
                    SystemNotification::SessionDidBecomeActive,
                ),
            ]
        };
        let center = NSWorkspace::sharedWorkspace().notificationCenter();
        for (name, notification) in notifications {
            let observer = Observer::new(notification, events.clone());
            // SAFETY: the observer has the method, and is removed before it is freed.
            unsafe {
                center.addObserver_selector_name_object(&observer, sel!(heard:), Some(name), None);
            }
            self.workspace.push(observer);
        }
    }

    fn observe_screen(&mut self, events: &EventSender) {
        let notifications = [
            ("com.apple.screenIsLocked", SystemNotification::ScreenIsLocked),
            ("com.apple.screenIsUnlocked", SystemNotification::ScreenIsUnlocked),
        ];
        let center = NSDistributedNotificationCenter::defaultCenter();
        for (name, notification) in notifications {
            let observer = Observer::new(notification, events.clone());
            // Delivered at once: AppKit delays other notifications while the app is not the active
            // one, and ours seldom is.
            let at_once = NSNotificationSuspensionBehavior::DeliverImmediately;
            // SAFETY: as above.
            unsafe {
                center.addObserver_selector_name_object_suspensionBehavior(
                    &observer,
                    sel!(heard:),
                    Some(&NSString::from_str(name)),
                    None,
                    at_once,
                );
            }
            self.distributed.push(observer);
        }
    }
}

impl Drop for Observers {
    fn drop(&mut self) {
        autoreleasepool(|_| {
            let workspace = NSWorkspace::sharedWorkspace().notificationCenter();
            let distributed = NSDistributedNotificationCenter::defaultCenter();
            for observer in &self.workspace {
                // SAFETY: it was added to this center.
                unsafe { workspace.removeObserver(observer) };
            }
            for observer in &self.distributed {
                // SAFETY: it was added to this center.
                unsafe { distributed.removeObserver(observer) };
            }
        });
    }
}
