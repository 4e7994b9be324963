//! A client of the sound server: it asks questions, and notices changes in between.
//!
//! This module owns the socket and its frames; the crate `pulseaudio` decodes their contents.

use std::ffi::CString;
use std::io::{self, Cursor};
use std::path::PathBuf;
use std::time::Duration;

use pulseaudio::protocol::{
    AuthParams, AuthReply, Command, CommandReply, Prop, Props, ProtocolError, SetClientNameReply,
    SourceInfoList, SourceOutputInfoList, SubscriptionMask, encode_command_message,
    read_ack_message, read_command_message, read_reply_message,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long to wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The protocol version to ask for: the first one with the formats of a recording (PulseAudio 1.0,
/// 2011). It has everything that is needed here, and newer ones only add to it.
const VERSION: u16 = 22;
/// The maximum length of a frame in bytes. No list of recordings is longer.
const MAX_FRAME: usize = 1 << 20;
/// `PA_NATIVE_COOKIE_LENGTH`
const COOKIE: usize = 256;
const HEADER: usize = 20;
/// The two kinds of frame that answer a question.
const REPLY: u32 = 2;
const ERROR: u32 = 0;

/// Why the sound server can't be used, as half a sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum SoundServerError {
    #[error("there is no sound server")]
    None,
    #[error("the sound server has gone: {0}")]
    Gone(#[from] io::Error),
    #[error("the sound server refuses: {0}")]
    Refused(#[from] ProtocolError),
    #[error("the sound server does not answer")]
    Silent,
    #[error("the sound server says too much at once")]
    TooLong,
}

impl SoundServerError {
    /// Whether no server listens. A hint shows when one does.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::None => true,
            // The server ended and left its socket behind.
            Self::Gone(error) => error.kind() == io::ErrorKind::ConnectionRefused,
            _ => false,
        }
    }
}

/// A connection to the sound server.
#[derive(Debug)]
pub(super) struct Server {
    socket: UnixStream,
    /// The part of the next frame that has arrived.
    arrived: Vec<u8>,
    version: u16,
    asked: u32,
    /// Something changed during a wait for an answer.
    changed: bool,
}

impl Server {
    /// Connects to the first server that listens.
    pub(super) async fn connect(
        places: &[PathBuf],
        cookies: &[PathBuf],
    ) -> Result<Self, SoundServerError> {
        let mut failure = SoundServerError::None;
        for place in places {
            match UnixStream::connect(place).await {
                Ok(socket) => return Self::greet(socket, cookies).await,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => failure = error.into(),
            }
        }
        Err(failure)
    }

    async fn greet(socket: UnixStream, cookies: &[PathBuf]) -> Result<Self, SoundServerError> {
        let found = cookies.iter().find_map(|path| std::fs::read(path).ok());
        let mut cookie = found.unwrap_or_default();
        // Without a cookie the server may still accept a client of the same user, but it wants the
        // full length.
        cookie.resize(COOKIE, 0);
        let mut server =
            Self { socket, arrived: Vec::new(), version: VERSION, asked: 0, changed: false };
        let own =
            AuthParams { version: VERSION, supports_shm: false, supports_memfd: false, cookie };
        let answer: AuthReply = server.ask(&Command::Auth(own)).await?;
        server.version = VERSION.min(answer.version);
        let mut name = Props::new();
        name.set(Prop::ApplicationName, CString::from(c"Porchlight"));
        let _: SetClientNameReply = server.ask(&Command::SetClientName(name)).await?;
        let recordings = Command::Subscribe(SubscriptionMask::SOURCE_OUTPUT);
        let answer = server.answer(&recordings).await?;
        read_ack_message(&mut Cursor::new(answer))?;
        Ok(server)
    }

    pub(super) async fn recordings(&mut self) -> Result<SourceOutputInfoList, SoundServerError> {
        self.ask(&Command::GetSourceOutputInfoList).await
    }

    pub(super) async fn sources(&mut self) -> Result<SourceInfoList, SoundServerError> {
        self.ask(&Command::GetSourceInfoList).await
    }

    /// Waits until a recording has begun, ended or changed. Cancel-safe.
    pub(super) async fn change(&mut self) -> Result<(), SoundServerError> {
        while !self.changed {
            let frame = self.frame().await?;
            self.note(&frame);
        }
        self.changed = false;
        Ok(())
    }

    async fn ask<T: CommandReply>(&mut self, question: &Command) -> Result<T, SoundServerError> {
        let answer = self.answer(question).await?;
        let (_, answer) = read_reply_message(&mut Cursor::new(answer), self.version)?;
        Ok(answer)
    }

    async fn answer(&mut self, question: &Command) -> Result<Vec<u8>, SoundServerError> {
        self.asked = self.asked.wrapping_add(1);
        let mut frame = Vec::new();
        encode_command_message(&mut frame, self.asked, question, self.version)?;
        let conversation = async {
            self.socket.write_all(&frame).await?;
            loop {
                let frame = self.frame().await?;
                match kind_and_number(&frame) {
                    Some((REPLY | ERROR, number)) if number == self.asked => return Ok(frame),
                    _ => self.note(&frame),
                }
            }
        };
        timeout(TIMEOUT, conversation).await.map_err(|_| SoundServerError::Silent)?
    }

    /// Notes whether a frame reports a change. All other messages are ignored.
    fn note(&mut self, frame: &[u8]) {
        let message = read_command_message(&mut Cursor::new(frame), self.version);
        self.changed |= matches!(message, Ok((_, Command::SubscribeEvent(_))));
    }

    /// Waits for the next frame, with its header. Cancel-safe.
    async fn frame(&mut self) -> Result<Vec<u8>, SoundServerError> {
        loop {
            if let Some(length) = self.arrived.first_chunk().map(|be| u32::from_be_bytes(*be)) {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                if length > MAX_FRAME {
                    return Err(SoundServerError::TooLong);
                }
                if self.arrived.len() >= HEADER + length {
                    let rest = self.arrived.split_off(HEADER + length);
                    return Ok(std::mem::replace(&mut self.arrived, rest));
                }
            }
            if self.socket.read_buf(&mut self.arrived).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}

/// The kind of a frame, and the number of the question that it answers.
fn kind_and_number(frame: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(*frame.get(at..)?.first_chunk()?));
    Some((number(HEADER + 1)?, number(HEADER + 6)?))
}
