//! Carries out what [`porchlight_team::Lifecycle`] decides: requests to hubs, files, the keyring, the hub on this computer.
//!
//! [`Membership`] owns the hub that this program runs for the team. The app and the command line begin operations and show
//! the reports; they take no step themselves. One program of an account works on its membership at a time.

mod ask;
mod journal;
mod steps;

use std::path::PathBuf;
use std::pin::Pin;

use porchlight_agent::clock;
use porchlight_agent::proxy::Proxy;
use porchlight_core::view::Problem;
use porchlight_hub::{Hub, HubEvent, HubSettings, Store, store_state};
use porchlight_team::{
    Effect, Enter, Facts, HubStart, Lifecycle, Operation, Outcome, Report, SecretStorage, Way,
};

use journal::{Journal, Lock};
use steps::{Context, HubChange};

/// Where a membership and its hub are stored, and how a hub starts here.
pub struct Settings {
    /// The folder of the membership.
    pub state: PathBuf,
    /// The folder of the hub's team.
    pub store: PathBuf,
    /// How hubs on other networks are reached.
    pub proxy: Proxy,
    /// The settings of a hub; their store is not used. `None`: this program starts no hub.
    pub hub: Option<HubSettings>,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// An operation has come so far.
    Report(Report),
    /// The hub on this computer reports something.
    Hub(HubEvent),
}

type Step = Pin<Box<dyn Future<Output = (Outcome, HubChange)> + Send>>;

/// Drives the [`Lifecycle`] of this account's membership, and owns the hub that this program runs for the team.
pub struct Membership {
    settings: Settings,
    lifecycle: Lifecycle,
    step: Option<Step>,
    hub: Option<Hub>,
    /// Held while an operation is under way.
    lock: Option<Lock>,
    asks_keyring: bool,
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership").field("lifecycle", &self.lifecycle).finish_non_exhaustive()
    }
}

impl Membership {
    /// A membership with these settings. Nothing is done yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            lifecycle: Lifecycle::default(),
            step: None,
            hub: None,
            lock: None,
            asks_keyring: false,
        }
    }

    /// Changes how a hub starts from now on. A hub that runs is not touched.
    pub fn set_hub(&mut self, hub: Option<HubSettings>) {
        self.settings.hub = hub;
    }

    /// The hub that this program runs.
    #[must_use]
    pub const fn hub(&self) -> Option<&Hub> {
        self.hub.as_ref()
    }

    /// Whether the step under way is one of the keyring, which may ask the person for a password.
    #[must_use]
    pub const fn waits_for_keyring(&self) -> bool {
        self.asks_keyring
    }

    /// Takes the hub, for a program that only hosts.
    pub fn take_hub(&mut self) -> Option<Hub> {
        self.hub.take()
    }

    /// Whether an operation is under way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.lifecycle.is_busy() || self.step.is_some()
    }

    /// Goes on where the last run ended, and starts the hub that this computer hosts. Ends with [`Report::Ready`], or with
    /// the report of the operation that was interrupted.
    ///
    /// # Errors
    ///
    /// `membership_damaged` if what is stored can't be read; `busy` if another program works on the membership.
    pub fn resume(&mut self) -> Result<(), Problem> {
        // An account that was never in a team gets no files.
        if self.settings.state.exists() {
            self.take_lock()?;
        }
        let intent = Journal::of(&self.settings.state).read()?;
        self.lifecycle = Lifecycle::default();
        self.lifecycle.resume(intent, self.facts()?);
        Ok(())
    }

    /// Begins an operation. If an earlier one was interrupted, that one goes on instead.
    ///
    /// # Errors
    ///
    /// As with [`Membership::resume`].
    pub fn begin(&mut self, operation: Operation) -> Result<(), Problem> {
        if !self.is_busy() {
            self.take_lock()?;
            let intent = Journal::of(&self.settings.state).read()?;
            self.lifecycle = Lifecycle::default();
            // Another program may have changed it since.
            match intent {
                Some(intent) => {
                    self.lifecycle.resume(Some(intent), self.facts()?);
                    return Ok(());
                }
                None => self.lifecycle = Lifecycle::at(self.facts()?),
            }
        }
        self.lifecycle.begin(operation);
        Ok(())
    }

    /// Begins to enter a team in this way.
    ///
    /// # Errors
    ///
    /// As with [`Membership::resume`].
    pub fn enter(
        &mut self,
        way: Way,
        name: String,
        kind: Option<String>,
        storage: SecretStorage,
    ) -> Result<(), Problem> {
        let credential = porchlight_hub::new_secret();
        let enter = Enter {
            way,
            name,
            kind,
            storage,
            credential: credential.id().to_owned(),
            replaces: None,
            withdrawn: false,
        };
        self.begin(Operation::Enter { enter: Box::new(enter), credential })
    }

    /// Begins to take over the team's hub.
    ///
    /// # Errors
    ///
    /// As with [`Membership::resume`].
    pub fn host(&mut self) -> Result<(), Problem> {
        // A computer that hosted the team before knows best where it went.
        let mut from = porchlight_hub::forwarding_addresses(&self.settings.store);
        if let Some(membership) = read(&self.settings)? {
            from.extend(membership.at().iter().cloned());
        }
        let key = porchlight_hub::new_secret().secret().to_owned();
        self.begin(Operation::Host { key, from })
    }

    /// Gives up joining a team.
    pub fn withdraw(&mut self) {
        self.lifecycle.withdraw();
    }

    /// Waits for the next event. Cancel-safe. Without a hub and an operation it never returns.
    pub async fn event(&mut self) -> Event {
        loop {
            if self.step.is_none() {
                match self.lifecycle.poll_effect() {
                    Some(Effect::Report(report)) => {
                        self.release_lock();
                        return Event::Report(report);
                    }
                    Some(effect) => self.begin_step(effect),
                    None => {}
                }
            }
            let deadline = self.lifecycle.next_deadline();
            tokio::select! {
                (outcome, change) = running(&mut self.step) => {
                    self.step = None;
                    self.apply(change);
                    self.lifecycle.finished(clock::now().mono, outcome);
                }
                () = wait(deadline) => self.lifecycle.tick(clock::now().mono),
                event = hub_event(&mut self.hub) => {
                    if event == HubEvent::Moved {
                        self.lifecycle.moved_away();
                    }
                    return Event::Hub(event);
                }
            }
        }
    }

    /// Stops the hub, if this program runs one. An operation under way goes on at the next start.
    pub async fn close(mut self) {
        self.step = None;
        if let Some(hub) = self.hub.take() {
            steps::stop(hub).await;
        }
    }

    fn begin_step(&mut self, effect: Effect) {
        let hub = match &effect {
            // The step has it while it works on it.
            Effect::StopHub | Effect::ActivateHub(_) | Effect::StartHub(_) => self.hub.take(),
            _ => None,
        };
        self.asks_keyring = matches!(
            &effect,
            Effect::SaveSecret { storage: SecretStorage::Keyring, .. }
                | Effect::LoadSecret { storage: SecretStorage::Keyring, .. }
                | Effect::ForgetSecret { storage: SecretStorage::Keyring, .. }
                | Effect::SaveMembership { storage: SecretStorage::Keyring, .. }
                | Effect::ForgetMembership
        );
        let context = Context {
            state: self.settings.state.clone(),
            store: self.settings.store.clone(),
            proxy: self.settings.proxy.clone(),
            members: self.hub.as_ref().map(Hub::members),
            start: match &effect {
                Effect::StartHub(start) => self.hub_settings(start),
                _ => None,
            },
        };
        self.step = Some(Box::pin(steps::carry_out(effect, context, hub)));
    }

    fn hub_settings(&self, start: &HubStart) -> Option<HubSettings> {
        let mut settings = self.settings.hub.clone()?;
        settings.store = Store::Folder(self.settings.store.clone());
        if let (porchlight_hub::Access::Team(of), HubStart::Owner { team }) =
            (&mut settings.access, start)
        {
            of.name.clone_from(team);
        }
        Some(settings)
    }

    fn apply(&mut self, change: HubChange) {
        match change {
            HubChange::None => {}
            HubChange::Runs(hub) => self.hub = Some(*hub),
            HubChange::Ended => self.hub = None,
        }
    }

    fn facts(&self) -> Result<Facts, Problem> {
        let membership = read(&self.settings)?;
        let membership = membership.map(|membership| membership.credential_id().to_owned());
        let hosts = self.settings.hub.is_some();
        Ok(Facts { membership, store: store_state(&self.settings.store), hosts })
    }

    fn take_lock(&mut self) -> Result<(), Problem> {
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.settings.state)?);
        }
        Ok(())
    }

    /// Another program may work on the membership once nothing is under way here.
    fn release_lock(&mut self) {
        if !self.lifecycle.is_busy() {
            self.lock = None;
        }
    }
}

fn read(settings: &Settings) -> Result<Option<porchlight_agent::membership::Membership>, Problem> {
    porchlight_agent::membership::Membership::read(&settings.state, &settings.proxy)
        .map_err(|error| Problem { code: error.code().to_owned(), message: error.to_string() })
}

async fn running(step: &mut Option<Step>) -> (Outcome, HubChange) {
    match step {
        Some(step) => step.await,
        None => std::future::pending().await,
    }
}

async fn wait(deadline: Option<porchlight_core::time::Monotonic>) {
    match deadline {
        Some(at) => tokio::time::sleep(at.since(clock::now().mono)).await,
        None => std::future::pending().await,
    }
}

async fn hub_event(hub: &mut Option<Hub>) -> HubEvent {
    match hub {
        Some(hub) => hub.event().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
