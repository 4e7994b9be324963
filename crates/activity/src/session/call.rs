//! Detects calls: whether a microphone is in use. It asks the sound server by PulseAudio's native
//! protocol, which PipeWire supports too.
//!
//! This module decides which recordings count. It reads which program records only to leave out
//! volume meters, and neither keeps nor reports that.

use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::Duration;

use porchlight_core::observation::Observation;
use pulseaudio::protocol::{Prop, SourceInfo, SourceOutputInfo};
use tokio::time::sleep;

use super::Places;
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{OpenError, Reports, Source, SourceError, Strand};

mod server;

use server::{Server, SoundServerError};

/// How long a change must last: a browser that tries or reopens the microphone is no new call.
const SETTLED: Duration = Duration::from_secs(1);

/// Programs that show a meter for each microphone (pavucontrol leaves out the same ones).
const METERS: [&[u8]; 3] =
    [b"org.PulseAudio.pavucontrol", b"org.gnome.VolumeControl", b"org.kde.kmixd"];
/// The resample method of a meter, which wants only the peaks.
const PEAKS: &[u8] = b"peaks";
/// The property that PipeWire sets on a stream that asked for peaks (`PW_KEY_STREAM_MONITOR`).
const STREAM_MONITOR: &std::ffi::CStr = c"stream.monitor";

/// The strand for calls.
#[derive(Debug)]
pub(crate) struct Call {
    places: Places,
    /// No sound server was running at the last attempt.
    no_server: bool,
}

impl Call {
    pub(super) const fn new(places: Places) -> Self {
        Self { places, no_server: false }
    }
}

impl Strand for Call {
    const SUBJECT: Subject = Subject::Call;

    type Source = Microphones;

    async fn open(&mut self) -> Result<Microphones, OpenError> {
        let connected = Server::connect(&self.places.sound, &self.places.sound_cookies).await;
        self.no_server = connected.as_ref().is_err_and(SoundServerError::is_absence);
        match connected {
            Ok(server) => Ok(Microphones { server, reported: None }),
            Err(error) => {
                let what = format!("calls are not seen: {error}");
                let missing = Missing::new(what, "run PulseAudio, or PipeWire with pipewire-pulse");
                Err(if self.no_server { OpenError::UntilHint(missing) } else { missing.into() })
            }
        }
    }

    async fn hint(&mut self) {
        if !self.no_server {
            // A server that runs but can't be used is retried after a pause.
            return pending().await;
        }
        let places = &self.places.sound;
        let mut listening: Vec<_> =
            places.iter().map(|place| Box::pin(crate::socket::listens(place))).collect();
        // Ends when the first of them has a listener.
        poll_fn(|cx| {
            let any = listening.iter_mut().any(|place| place.as_mut().poll(cx).is_ready());
            if any { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The source: the recordings that the sound server lists.
#[derive(Debug)]
pub(crate) struct Microphones {
    server: Server,
    reported: Option<bool>,
}

impl Microphones {
    async fn watch(&mut self, to: &Reports) -> Result<(), server::SoundServerError> {
        loop {
            let recordings = self.server.recordings().await?;
            // Read again each time: the recording may use a source that was just plugged in.
            let sources = self.server.sources().await?;
            let in_call = recordings.iter().any(|recording| is_call(recording, &sources));
            if self.reported.replace(in_call) != Some(in_call) {
                to.send(Observation::InCall(in_call)).await;
            }
            self.server.change().await?;
            sleep(SETTLED).await;
        }
    }
}

/// Whether the recording means that somebody uses a microphone.
fn is_call(recording: &SourceOutputInfo, sources: &[SourceInfo]) -> bool {
    let source = sources.iter().find(|source| source.index == recording.source_index);
    // A monitor records what a loudspeaker plays. A stream without a client belongs to the server
    // itself, such as a loopback.
    let microphone = source.is_some_and(|source| source.monitor_of_sink_index.is_none());
    microphone && recording.client_index.is_some() && !recording.corked && !is_meter(recording)
}

fn is_meter(recording: &SourceOutputInfo) -> bool {
    let equals = |value: Option<&[u8]>, wanted: &[u8]| {
        value.is_some_and(|value| value.strip_suffix(b"\0").unwrap_or(value) == wanted)
    };
    let method = recording.resample_method.as_deref().map(std::ffi::CStr::to_bytes);
    equals(method, PEAKS)
        || equals(recording.props.get_bytes(STREAM_MONITOR), b"true")
        || METERS.iter().any(|id| equals(recording.props.get(Prop::ApplicationId), id))
}

impl Source for Microphones {
    fn description(&self) -> Description {
        Description { name: "pulse", tells: Tells { call: true, ..Tells::NOTHING }, missing: None }
    }

    async fn run(mut self, to: &Reports) -> SourceError {
        let why = match self.watch(to).await {
            Ok(()) => "the sound server has nothing more to tell".to_owned(),
            Err(error) => error.to_string(),
        };
        // Without a sound server there is no recording.
        if self.reported == Some(true) {
            to.send(Observation::InCall(false)).await;
        }
        SourceError(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> [SourceInfo; 2] {
        let microphone = SourceInfo { index: 1, ..SourceInfo::default() };
        let monitor =
            SourceInfo { index: 2, monitor_of_sink_index: Some(0), ..SourceInfo::default() };
        [microphone, monitor]
    }

    fn recording() -> SourceOutputInfo {
        SourceOutputInfo { source_index: 1, client_index: Some(3), ..Default::default() }
    }

    #[test]
    fn a_program_that_records_a_microphone_counts() {
        assert!(is_call(&recording(), &sources()));
    }

    #[test]
    fn monitors_pauses_and_the_servers_own_streams_do_not_count() {
        let others = [
            SourceOutputInfo { source_index: 2, ..recording() },
            SourceOutputInfo { source_index: 9, ..recording() },
            SourceOutputInfo { corked: true, ..recording() },
            SourceOutputInfo { client_index: None, ..recording() },
        ];
        for other in others {
            assert!(!is_call(&other, &sources()), "{other:?}");
        }
    }

    #[test]
    fn volume_meters_do_not_count() {
        let mut by_program = recording();
        by_program.props.set(Prop::ApplicationId, c"org.PulseAudio.pavucontrol");
        let mut by_stream = recording();
        by_stream.props.set_bytes(STREAM_MONITOR, b"true\0");
        let by_samples =
            SourceOutputInfo { resample_method: Some(c"peaks".to_owned()), ..recording() };
        for meter in [by_program, by_stream, by_samples] {
            assert!(!is_call(&meter, &sources()), "{meter:?}");
        }
    }
}
