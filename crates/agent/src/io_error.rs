//! Errors of the operating system, in words of ours.

use std::io;

/// An error of the operating system as a person reads it. The system's own text goes to the log.
pub(crate) fn describe(error: &io::Error) -> &'static str {
    tracing::debug!("the system: {error}");
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "Connection refused",
        io::ErrorKind::ConnectionReset => "Connection reset",
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::WriteZero => "Connection closed",
        io::ErrorKind::TimedOut => "No answer in time",
        io::ErrorKind::HostUnreachable => "No route to this host",
        io::ErrorKind::NetworkUnreachable => "Network unreachable",
        io::ErrorKind::NetworkDown => "Network down",
        io::ErrorKind::AddrNotAvailable => "Address not available",
        io::ErrorKind::PermissionDenied => "Not permitted",
        io::ErrorKind::NotFound => "Not found",
        io::ErrorKind::IsADirectory => "It is a folder",
        io::ErrorKind::InvalidData => "Unreadable data",
        _ => "An error of the system",
    }
}
