//! What the window may ask for: parse, pass on, return.

#![expect(clippy::needless_pass_by_value, reason = "Tauri hands a command its state by value")]

use std::time::Duration;

use porchlight_core::input::Command;
use porchlight_core::view::{ChosenStatus, Problem, Snapshot};
use tauri::State;

use crate::desk::Desktop;

type Answer<T> = Result<T, Problem>;

#[tauri::command]
pub(crate) async fn snapshot(desktop: State<'_, Desktop>) -> Answer<Snapshot> {
    desktop.snapshot().await
}

#[tauri::command]
pub(crate) async fn take_link(desktop: State<'_, Desktop>) -> Answer<Option<String>> {
    desktop.take_link().await
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
pub(crate) async fn start_here(desktop: State<'_, Desktop>, name: String) -> Answer<()> {
    desktop.start_here(name).await
}

#[tauri::command]
pub(crate) async fn look_around(desktop: State<'_, Desktop>) -> Answer<()> {
    desktop.look_around().await
}
