//! Generates `ui/src/lib/contract.ts` from the view types, and checks that it is current.

use ts_rs::{Config, TS};

use super::checks::{CheckAbout, CheckView};
use super::preferences::{PreferencesView, RegardView};
use super::settings::{CallsView, NotificationsView, SettingsView};
use super::signals::{ExchangeKind, ExchangeStage, ExchangeView, FailureView, SignalsView, When};
use super::team::{InvitationView, InviteShown, NearbyTeam, TeamHost, TeamPane};
use super::version::{NewerView, Updates, VersionView};
use super::{
    Cause, ChosenStatus, ChosenView, ConnectionView, DeviceView, Doubt, Evidence, HostView, MeView,
    PersonView, Problem, RosterGap, Snapshot, Stage, Update,
};
use crate::preferences::{About, Ends, Interest, Preset};
use crate::team::{DeviceOfMember, InviteView, InvitedBy, Member, RequestView, Role, TokenView};
use crate::time::Timestamp;
use crate::wire::Answer;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/src/lib/contract.ts");
const REWRITE: &str = "PORCHLIGHT_WRITE_CONTRACT";

fn text() -> String {
    let config = Config::default();
    let mut text = String::from(
        "// Written from the Rust types in crates/core/src/view.rs and what it leads to; do not edit.\n\
         // After a change there: PORCHLIGHT_WRITE_CONTRACT=1 cargo test -p porchlight-core contract\n",
    );
    let mut add = |docs: Option<String>, declaration: String| {
        text.push('\n');
        text.push_str(&docs.unwrap_or_default());
        text.push_str("export ");
        text.push_str(declaration.trim());
        text.push('\n');
    };
    macro_rules! declare {
        ($($type:ty),+ $(,)?) => {
            $(add(<$type>::docs(), <$type>::decl(&config));)+
        };
    }
    declare!(
        Timestamp,
        Cause,
        DeviceView,
        Doubt,
        Evidence,
        PersonView,
        ChosenStatus,
        ChosenView,
        MeView,
        Problem,
        HostView,
        RosterGap,
        ConnectionView,
        Stage,
        Answer,
        ExchangeKind,
        When,
        ExchangeStage,
        FailureView,
        ExchangeView,
        SignalsView,
        Interest,
        RegardView,
        Ends,
        Preset,
        PreferencesView,
        Snapshot,
        Update,
        Role,
        DeviceOfMember,
        InvitedBy,
        Member,
        InviteView,
        RequestView,
        TokenView,
        TeamHost,
        TeamPane,
        NearbyTeam,
        InvitationView,
        InviteShown,
        About,
        NotificationsView,
        CallsView,
        SettingsView,
        CheckAbout,
        CheckView,
        Updates,
        VersionView,
        NewerView,
    );
    text
}

#[test]
fn the_contract_of_the_window_is_current() {
    let wanted = text();
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(PATH, &wanted).expect("the contract can be written");
    }
    let found = std::fs::read_to_string(PATH).expect("ui/src/lib/contract.ts is there");
    assert!(
        found == wanted,
        "ui/src/lib/contract.ts is not what the types say; run\n  \
         {REWRITE}=1 cargo test -p porchlight-core contract"
    );
}
