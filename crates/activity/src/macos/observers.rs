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

use crate::desktop::Teller;

use super::meaning::{Notice, Session};

/// The instance variables of an observer.
#[derive(Debug)]
struct Told {
    notice: Notice,
    teller: Teller,
}

define_class!(
    // SAFETY: `NSObject` has no requirements for subclasses, and there is no `Drop`.
    #[unsafe(super(NSObject))]
    #[ivars = Told]
    #[derive(Debug)]
    struct Observer;

    impl Observer {
        // SAFETY: an observer's method takes the notification and returns nothing.
        #[unsafe(method(heard:))]
        fn heard(&self, _notification: &NSNotification) {
            let Told { notice, teller } = self.ivars();
            teller.tell(notice.observation());
        }
    }
);

// SAFETY: the instance variables may be used on any thread, and the class has nothing else.
unsafe impl Send for Observer {}
// SAFETY: as above; it is never changed.
unsafe impl Sync for Observer {}

impl Observer {
    fn new(notice: Notice, teller: Teller) -> Retained<Self> {
        let this = Self::alloc().set_ivars(Told { notice, teller });
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
    _teller: Teller,
}

impl Observers {
    /// For a program that receives no notifications.
    pub(crate) fn none(teller: Teller) -> Self {
        Self { workspace: vec![], distributed: vec![], _teller: teller }
    }

    /// Adds the observers, then reports the present state.
    pub(crate) fn begin(teller: &Teller, session: fn() -> Option<Session>) -> Self {
        let mut this = Self::none(teller.clone());
        autoreleasepool(|_| {
            this.observe_workspace(teller);
            this.observe_screen(teller);
        });
        // Read last: the observers report every change since they were added.
        if let Some(session) = session() {
            session.observations().for_each(|observation| teller.tell(observation));
        }
        this
    }

    fn observe_workspace(&mut self, teller: &Teller) {
        // SAFETY: AppKit defines these names, and they never change.
        let notices = unsafe {
            [
                (NSWorkspaceWillSleepNotification, Notice::WillSleep),
                (NSWorkspaceDidWakeNotification, Notice::DidWake),
                (NSWorkspaceSessionDidResignActiveNotification, Notice::SessionDidResignActive),
                (NSWorkspaceSessionDidBecomeActiveNotification, Notice::SessionDidBecomeActive),
            ]
        };
        let center = NSWorkspace::sharedWorkspace().notificationCenter();
        for (name, notice) in notices {
            let observer = Observer::new(notice, teller.clone());
            // SAFETY: the observer has the method, and is removed before it is freed.
            unsafe {
                center.addObserver_selector_name_object(&observer, sel!(heard:), Some(name), None);
            }
            self.workspace.push(observer);
        }
    }

    fn observe_screen(&mut self, teller: &Teller) {
        let notices = [
            ("com.apple.screenIsLocked", Notice::ScreenIsLocked),
            ("com.apple.screenIsUnlocked", Notice::ScreenIsUnlocked),
        ];
        let center = NSDistributedNotificationCenter::defaultCenter();
        for (name, notice) in notices {
            let observer = Observer::new(notice, teller.clone());
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
