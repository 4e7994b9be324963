use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use porchlight_core::observation::Observation::InCall;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use super::{DEADLINE, next, watch};
use crate::session::Places;
use crate::session::call::Call;
use crate::watch::Watch;

/// Longer than it takes until a recording is reported.
const REPORT_DELAY: Duration = Duration::from_millis(1_600);

/// A real sound server with a silent microphone and a loudspeaker.
struct Sound {
    folder: TempDir,
    server: Child,
}

impl Sound {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("native");
        let mut server = Self::begin(&folder);
        let listening = async {
            while UnixStream::connect(&socket).await.is_err() {
                assert_eq!(server.try_wait().unwrap(), None, "pulseaudio has ended");
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(DEADLINE, listening).await.expect("a sound server in time");
        Self { folder, server }
    }

    fn begin(folder: &TempDir) -> Child {
        let path = folder.path();
        let socket = path.join("native").display().to_string();
        let mut pulseaudio = Command::new("pulseaudio");
        pulseaudio
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"])
            .args(["--disable-shm=yes", "--log-target=null"])
            .args(["-L", "module-null-source source_name=microphone"])
            .args(["-L", "module-null-sink sink_name=loudspeaker"])
            .args(["-L", &format!("module-native-protocol-unix socket={socket} auth-anonymous=1")])
            .env("HOME", path)
            .env("XDG_RUNTIME_DIR", path)
            .env("XDG_CONFIG_HOME", path)
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        pulseaudio.spawn().expect("pulseaudio (package pulseaudio)")
    }

    fn places(&self) -> Places {
        let nowhere = PathBuf::from("/nowhere/native");
        Places { sound: vec![nowhere, self.folder.path().join("native")], ..Places::default() }
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(name);
        program
            .env("PULSE_SERVER", format!("unix:{}", self.folder.path().join("native").display()))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        program
    }

    /// Starts a program that records until it is dropped.
    fn record(&self, source: &str, more: &[&str]) -> Recording {
        let mut parec = self.program("parec");
        parec.arg(format!("--device={source}")).args(more);
        Recording(parec.spawn().expect("parec (package pulseaudio-utils)"))
    }

    fn control(&self, arguments: &[&str]) {
        let status = self.program("pactl").args(arguments).status();
        assert!(status.expect("pactl (package pulseaudio-utils)").success());
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

struct Recording(Child);

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn nothing_reported(watch: &mut Watch, why: &str) {
    let told = timeout(REPORT_DELAY, watch.next()).await;
    assert!(told.is_err(), "{why}: {told:?}");
}

#[tokio::test]
async fn recording_a_microphone_is_a_call() {
    let sound = Sound::start().await;
    let mut watch = watch(Call::new(sound.places()));
    assert_eq!(next(&mut watch).await, InCall(false));
    let first = sound.record("microphone", &[]);
    assert_eq!(next(&mut watch).await, InCall(true));
    let second = sound.record("microphone", &[]);
    drop(first);
    nothing_reported(&mut watch, "one still records").await;
    drop(second);
    assert_eq!(next(&mut watch).await, InCall(false));
}

#[tokio::test]
async fn a_call_in_progress_is_reported_at_the_start() {
    let sound = Sound::start().await;
    let mut first = watch(Call::new(sound.places()));
    assert_eq!(next(&mut first).await, InCall(false));
    let _recording = sound.record("microphone", &[]);
    assert_eq!(next(&mut first).await, InCall(true));
    let mut late = watch(Call::new(sound.places()));
    assert_eq!(next(&mut late).await, InCall(true));
}

#[tokio::test]
async fn monitors_meters_and_the_servers_own_streams_are_no_calls() {
    let sound = Sound::start().await;
    let mut watch = watch(Call::new(sound.places()));
    assert_eq!(next(&mut watch).await, InCall(false));
    let _played = sound.record("loudspeaker.monitor", &[]);
    let meter = "--property=application.id=org.PulseAudio.pavucontrol";
    let _meter = sound.record("microphone", &[meter]);
    sound.control(&["load-module", "module-loopback", "source=microphone", "sink=loudspeaker"]);
    nothing_reported(&mut watch, "nobody speaks").await;
    let _recording = sound.record("microphone", &[]);
    assert_eq!(next(&mut watch).await, InCall(true));
}

#[tokio::test]
async fn a_sound_server_that_restarts_ends_the_call_and_is_found_again() {
    let mut sound = Sound::start().await;
    let mut watch = watch(Call::new(sound.places()));
    assert_eq!(next(&mut watch).await, InCall(false));
    let recording = sound.record("microphone", &[]);
    assert_eq!(next(&mut watch).await, InCall(true));
    sound.server.kill().unwrap();
    sound.server.wait().unwrap();
    drop(recording);
    assert_eq!(next(&mut watch).await, InCall(false));
    sound.server = Sound::begin(&sound.folder);
    assert_eq!(next(&mut watch).await, InCall(false));
}

#[tokio::test]
async fn without_a_sound_server_the_description_says_what_is_missing() {
    let mut watch = watch(Call::new(Places::default()));
    watch.settle().await;
    let (_, description) = watch.report().next().unwrap();
    assert!(!description.tells.call);
    let missing = description.missing.as_ref().unwrap().to_string();
    assert!(missing.contains("calls are not seen: there is no sound server"), "{missing}");
}
