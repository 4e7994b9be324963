//! The commands of the window: each one parses its arguments, passes them on and returns.

#![expect(clippy::needless_pass_by_value, reason = "Tauri hands a command its state by value")]

use std::time::Duration;

use porchlight_agent::membership::SecretStorage;
use porchlight_core::id::UserId;
use porchlight_core::input::Command;
use porchlight_core::preferences::{Interest, Preference, Preset};
use porchlight_core::signal::{Answer as Said, SignalCommand, SignalId};
use porchlight_core::team::InviteOrder;
use porchlight_core::view::checks::CheckView;
use porchlight_core::view::settings::SettingsView;
use porchlight_core::view::signals::When;
use porchlight_core::view::team::{InvitationView, InviteShown, TeamPane};
use porchlight_core::view::version::{NewerView, VersionView};
use porchlight_core::view::{ChosenStatus, Problem, Snapshot};
use porchlight_team::{LeaveScope, Leaving};
use tauri::{AppHandle, State};

use crate::request::{Desktop, Request};
use crate::updates;

type Answer<T> = Result<T, Problem>;

/// Where to store the credential. For a file, the person was told what that means and agreed.
fn kept(in_file: bool) -> SecretStorage {
    if in_file { SecretStorage::FileAgreed } else { SecretStorage::Keyring }
}

#[tauri::command]
pub(crate) async fn snapshot(desktop: State<'_, Desktop>) -> Answer<Snapshot> {
    desktop.snapshot().await
}

#[tauri::command]
pub(crate) fn choose(
    desktop: State<'_, Desktop>,
    status: ChosenStatus,
    text: Option<String>,
    emoji: Option<String>,
    for_minutes: Option<u32>,
) {
    let lasting = for_minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
    desktop.command(Command::Choose { status, text, emoji, lasting });
}

#[tauri::command]
pub(crate) fn clear_chosen(desktop: State<'_, Desktop>) {
    desktop.command(Command::ClearChosen);
}

#[tauri::command]
pub(crate) fn reconnect_now(desktop: State<'_, Desktop>) {
    desktop.command(Command::ReconnectNow);
}

#[tauri::command]
pub(crate) fn knock(desktop: State<'_, Desktop>, to: UserId, text: Option<String>, when: When) {
    desktop.signal(SignalCommand::Knock { to, text, when });
}

#[tauri::command]
pub(crate) fn wave(desktop: State<'_, Desktop>, to: UserId, emoji: Option<String>) {
    desktop.signal(SignalCommand::Wave { to, emoji });
}

#[tauri::command]
pub(crate) fn answer(desktop: State<'_, Desktop>, from: UserId, id: SignalId, answer: Said) {
    desktop.signal(SignalCommand::Answer { from, id, answer });
}

#[tauri::command]
pub(crate) fn see(desktop: State<'_, Desktop>, from: UserId) {
    desktop.signal(SignalCommand::See { from });
}

#[tauri::command]
pub(crate) fn withdraw(desktop: State<'_, Desktop>, with: UserId, id: SignalId) {
    desktop.signal(SignalCommand::Withdraw { with, id });
}

#[tauri::command]
pub(crate) fn type_to(desktop: State<'_, Desktop>, to: Option<UserId>) {
    desktop.signal(SignalCommand::Type { to });
}

#[tauri::command]
pub(crate) fn stop_typing(desktop: State<'_, Desktop>, to: Option<UserId>) {
    desktop.signal(SignalCommand::StopTyping { to });
}

#[tauri::command]
pub(crate) fn tell_when_back(desktop: State<'_, Desktop>, user: UserId, wanted: bool) {
    desktop.signal(SignalCommand::TellWhenBack { user, wanted });
}

#[tauri::command]
pub(crate) fn mute(desktop: State<'_, Desktop>, user: UserId, muted: bool) {
    desktop.signal(SignalCommand::Mute { user, muted });
}

#[tauri::command]
pub(crate) fn favourite(desktop: State<'_, Desktop>, user: UserId, favourite: bool) {
    desktop.command(Command::Prefer(Preference::Favourite { user, favourite }));
}

#[tauri::command]
pub(crate) fn nickname(desktop: State<'_, Desktop>, user: UserId, nickname: Option<String>) {
    desktop.command(Command::Prefer(Preference::Nickname { user, nickname }));
}

#[tauri::command]
pub(crate) fn notices_of(desktop: State<'_, Desktop>, user: UserId, interest: Interest) {
    desktop.command(Command::Prefer(Preference::Notifications { user, interest }));
}

#[tauri::command]
pub(crate) fn hide_offline(desktop: State<'_, Desktop>, hide: bool) {
    desktop.command(Command::Prefer(Preference::HideOffline(hide)));
}

#[tauri::command]
pub(crate) fn keep_presets(desktop: State<'_, Desktop>, presets: Vec<Preset>) {
    desktop.command(Command::Prefer(Preference::Presets(presets)));
}

#[tauri::command]
pub(crate) fn pause_notices(desktop: State<'_, Desktop>, for_minutes: Option<u32>) {
    let lasting = for_minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
    desktop.command(Command::PauseNotifications(lasting));
}

#[tauri::command]
pub(crate) async fn settings(desktop: State<'_, Desktop>) -> Answer<SettingsView> {
    desktop.try_ask(Request::Settings).await
}

#[tauri::command]
pub(crate) async fn change_settings(
    desktop: State<'_, Desktop>,
    settings: SettingsView,
) -> Answer<()> {
    desktop.try_ask(|answer| Request::ChangeSettings(Box::new(settings), answer)).await
}

#[tauri::command]
pub(crate) async fn checks(desktop: State<'_, Desktop>) -> Answer<Vec<CheckView>> {
    desktop.try_ask(Request::Checks).await
}

#[tauri::command]
pub(crate) async fn open_link(
    desktop: State<'_, Desktop>,
    user: String,
    link: String,
) -> Answer<()> {
    desktop.try_ask(|answer| Request::Reach { user, link, answer }).await
}

#[tauri::command]
pub(crate) async fn diagnostics(desktop: State<'_, Desktop>) -> Answer<String> {
    desktop.try_ask(Request::Diagnostics).await
}

#[tauri::command]
pub(crate) fn version() -> VersionView {
    updates::version()
}

#[tauri::command]
pub(crate) async fn look_for_newer(
    app: AppHandle,
    desktop: State<'_, Desktop>,
) -> Answer<Option<NewerView>> {
    Ok(updates::look(&app, &desktop).await)
}

#[tauri::command]
pub(crate) async fn take_newer(app: AppHandle, desktop: State<'_, Desktop>) -> Answer<()> {
    updates::take(&app, &desktop).await
}

#[tauri::command]
pub(crate) async fn look_around(desktop: State<'_, Desktop>) -> Answer<()> {
    desktop.try_ask(Request::LookAround).await
}

#[tauri::command]
pub(crate) async fn start_team(
    desktop: State<'_, Desktop>,
    team: String,
    name: String,
    keep_in_file: bool,
) -> Answer<()> {
    let keep = kept(keep_in_file);
    desktop.try_ask(|answer| Request::StartTeam { team, name, keep, answer }).await
}

#[tauri::command]
pub(crate) async fn take_link(desktop: State<'_, Desktop>) -> Answer<Option<String>> {
    desktop.take_link().await
}

#[tauri::command]
pub(crate) async fn read_link(desktop: State<'_, Desktop>, link: String) -> Answer<InvitationView> {
    desktop.try_ask(|answer| Request::ReadLink(link, answer)).await
}

#[tauri::command]
pub(crate) async fn join(
    desktop: State<'_, Desktop>,
    link: String,
    name: String,
    keep_in_file: bool,
) -> Answer<()> {
    let keep = kept(keep_in_file);
    desktop.try_ask(|answer| Request::Join { link, name, keep, answer }).await
}

#[tauri::command]
pub(crate) async fn look_nearby(desktop: State<'_, Desktop>, on: bool) -> Answer<()> {
    desktop.try_ask(|answer| Request::LookNearby(on, answer)).await
}

#[tauri::command]
pub(crate) async fn ask_to_join(
    desktop: State<'_, Desktop>,
    id: String,
    name: String,
    keep_in_file: bool,
) -> Answer<String> {
    let keep = kept(keep_in_file);
    desktop.try_ask(|answer| Request::AskToJoin { id, name, keep, answer }).await
}

#[tauri::command]
pub(crate) fn stop_asking(desktop: State<'_, Desktop>) {
    desktop.send(Request::StopAsking);
}

#[tauri::command]
pub(crate) async fn team(desktop: State<'_, Desktop>) -> Answer<TeamPane> {
    desktop.try_ask(Request::Standing).await?.pane().await
}

#[tauri::command]
pub(crate) async fn invite(
    desktop: State<'_, Desktop>,
    for_me: bool,
    uses: u32,
    lasts_seconds: u64,
) -> Answer<InviteShown> {
    let order = InviteOrder { for_me, uses: Some(uses), lasts_s: Some(lasts_seconds) };
    desktop.try_ask(Request::Standing).await?.invite(order).await
}

#[tauri::command]
pub(crate) async fn revoke_invite(desktop: State<'_, Desktop>, id: String) -> Answer<()> {
    desktop.try_ask(Request::Standing).await?.revoke_invite(&id).await
}

#[tauri::command]
pub(crate) async fn decide(desktop: State<'_, Desktop>, id: String, approve: bool) -> Answer<()> {
    desktop.try_ask(Request::Standing).await?.decide(&id, approve).await
}

#[tauri::command]
pub(crate) async fn remove_member(
    desktop: State<'_, Desktop>,
    user: String,
    with_invited: bool,
) -> Answer<()> {
    desktop.try_ask(Request::Standing).await?.remove(&user, with_invited).await
}

#[tauri::command]
pub(crate) async fn forget_device(desktop: State<'_, Desktop>, id: String) -> Answer<()> {
    let standing = desktop.try_ask(Request::Standing).await?;
    if standing.is_this_device(&id) {
        return desktop.try_ask(|answer| Request::Leave(leaving(LeaveScope::Device), answer)).await;
    }
    standing.forget(&id).await
}

fn leaving(scope: LeaveScope) -> Leaving {
    Leaving { scope, anyway: false }
}

#[tauri::command]
pub(crate) async fn leave_team(desktop: State<'_, Desktop>) -> Answer<()> {
    desktop.try_ask(|answer| Request::Leave(leaving(LeaveScope::Team), answer)).await
}

#[tauri::command]
pub(crate) async fn move_here(desktop: State<'_, Desktop>) -> Answer<()> {
    desktop.try_ask(Request::MoveHere).await
}
