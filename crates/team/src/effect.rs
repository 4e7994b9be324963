//! What the driver does for the [`Lifecycle`](crate::Lifecycle), and what comes of it.

use porchlight_core::team::{
    Address, Invitation, Joined, Pin, RefusalCode, RequestState, Secret, TeamView,
};
use porchlight_core::view::Problem;

use crate::intent::{Enter, Intent, LeaveScope, NewRequest, SecretStorage, Way};

/// One step. The driver carries out one at a time and answers each with one [`Outcome`], except [`Effect::Report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write the intent to disk, in place of the one before. Answer [`Outcome::Done`].
    SaveIntent(Intent),
    /// Remove the intent from disk. Answer [`Outcome::Done`].
    ClearIntent,
    /// Store the device's credential. Answer [`Outcome::Done`].
    SaveSecret {
        /// The credential.
        credential: Secret,
        /// Where.
        storage: SecretStorage,
    },
    /// Read a stored credential. Answer [`Outcome::Secret`].
    LoadSecret {
        /// Its id.
        credential: String,
        /// Where it is.
        storage: SecretStorage,
    },
    /// Remove a stored credential, if it is there. Answer [`Outcome::Done`].
    ForgetSecret {
        /// Its id.
        credential: String,
        /// Where it is.
        storage: SecretStorage,
    },
    /// Store the membership, whose credential is stored already. Answer [`Outcome::Done`].
    SaveMembership {
        /// What the hub granted.
        joined: Box<Joined>,
        /// Where the credential is.
        storage: SecretStorage,
    },
    /// Store the hub's addresses in the membership. Answer [`Outcome::Done`].
    SaveAddresses(Vec<Address>),
    /// Remove the membership and its credential, if they are there. Answer [`Outcome::Done`].
    ForgetMembership,
    /// Send a request to a hub. Answer [`Outcome::Answered`].
    Ask(Box<Ask>),
    /// Start the hub on this computer, if it does not run here. Answer [`Outcome::HubRuns`].
    StartHub(HubStart),
    /// Stop the hub that this program runs, if it runs one. Answer [`Outcome::Done`].
    StopHub,
    /// Write a copy of the team into this computer's empty store, marked as arriving. Answer [`Outcome::Done`].
    RestoreTeam(Vec<u8>),
    /// Let the arriving hub serve the team, with the last state of the old one. Answer [`Outcome::Done`].
    ActivateHub(Vec<u8>),
    /// Remove the files of the team from this computer's store, and no others. Answer [`Outcome::Done`].
    RemoveTeam,
    /// Count the members of the team in this computer's store. Answer [`Outcome::Members`].
    CountMembers,
    /// Tell the person. It has no outcome.
    Report(Report),
}

/// How to start the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubStart {
    /// For a team that is started now, or for the one in the store. The driver returns an invitation for the owner.
    Owner {
        /// The name of a new team.
        team: String,
    },
    /// For the team in the store: as what the store says.
    Resume,
    /// For the copy in the store. It serves nobody until [`Effect::ActivateHub`].
    Arriving,
}

/// A request to a hub. Each may be sent again: the hub then answers the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Redeem an invitation (`POST /v1/join`).
    Join {
        /// The invitation.
        invitation: Invitation,
        /// Name and kind.
        enter: Enter,
        /// The credential to be valid from then on.
        credential: Secret,
    },
    /// Ask to join (`POST /v1/requests`).
    Request {
        /// Whom to ask.
        request: NewRequest,
        /// Name and kind.
        enter: Enter,
        /// The credential to be valid once a member approves.
        credential: Secret,
    },
    /// Ask whether a member has decided (`GET /v1/requests/{id}`).
    RequestState(NewRequest),
    /// Take a join back, and a request that may have been approved (`DELETE /v1/requests/{id}`, `DELETE /v1/join`). It is
    /// done once the hub has answered both.
    Withdraw {
        /// The link or the request.
        way: Way,
        /// The credential that is not wanted any more. The hub may have forgotten the request, but not this.
        credential: Secret,
    },
    /// Ask for the team with a credential that may not be valid yet (`GET /v1/team`).
    IsMember {
        /// Whom to ask.
        request: NewRequest,
        /// The credential.
        credential: Secret,
    },
    /// Ask for the team as its member (`GET /v1/team`).
    View,
    /// Ask for everything that a new host needs (`POST /v1/move`).
    HandOver {
        /// Where the old hub is.
        from: Vec<Address>,
    },
    /// Ask the old hub to let go, because the new one is ready (`POST /v1/move/done`).
    LetGo {
        /// Where the old hub is.
        from: Vec<Address>,
        /// What names the take-over.
        key: String,
        /// The addresses of the new hub.
        at: Vec<Address>,
    },
    /// Leave (`DELETE /v1/members/{user}`, `DELETE /v1/devices/{id}`).
    Leave(LeaveScope),
}

/// What a hub answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Ask::Join`].
    Joined(Box<Joined>),
    /// To [`Ask::Request`].
    Asked {
        /// The certificate that the hub has.
        pin: Pin,
        /// The digits that both sides show.
        code: String,
    },
    /// To [`Ask::RequestState`].
    State(RequestState),
    /// To [`Ask::View`] and [`Ask::IsMember`].
    View(Box<TeamView>),
    /// To [`Ask::HandOver`] and [`Ask::LetGo`]: the whole team, for the new hub to read.
    Team(Vec<u8>),
    /// To [`Ask::Withdraw`] and [`Ask::Leave`].
    Done,
    /// The hub refused this request. It may have done an earlier one that was the same.
    Refused {
        /// What programs branch on.
        code: RefusalCode,
        /// For the person.
        problem: Problem,
    },
    /// The team is elsewhere, and the hub there could not be asked. It has done nothing.
    Moved {
        /// Where the team is.
        at: Vec<Address>,
        /// For the person.
        problem: Problem,
    },
    /// This request did nothing: no hub was reached, or the one there has only a copy of the team.
    NotSent(Problem),
    /// The hub may have done it or not.
    Unknown(Problem),
}

/// What came of an [`Effect`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed on this computer.
    Failed(Problem),
    /// The credential. `None`: it is not stored.
    Secret(Option<Secret>),
    /// A hub answered, or did not.
    Answered(Box<Answer>),
    /// The hub runs.
    HubRuns {
        /// The addresses at which others reach it.
        at: Vec<Address>,
        /// For [`HubStart::Owner`]: an invitation for the owner.
        invitation: Option<Invitation>,
    },
    /// The number of members.
    Members(usize),
}

/// What the person learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Nothing is left to do from before.
    Ready,
    /// The request has arrived. A member compares these digits.
    Asked {
        /// The digits.
        code: String,
    },
    /// The outcome is not known yet, and is asked for again.
    AskingAgain(Problem),
    /// This device is in the team.
    Entered(Box<Joined>),
    /// The person gave up, and the hub is told so.
    Withdrawn,
    /// This computer hosts the team.
    Hosts,
    /// This device has left the team.
    Left {
        /// Why the hub could not be told, if the person left anyway.
        unconfirmed: Option<Problem>,
    },
    /// It ended without success, and everything is as before.
    Failed(Problem),
    /// It stopped halfway, because of something on this computer. It goes on at the next start.
    Stuck(Problem),
}
