//! Detects whether the network changed. A connection may lead nowhere after that.
//!
//! A change is another address or another default route. The kernel's messages (rtnetlink(7)) only
//! show when to look; then the present addresses and routes are compared with the earlier ones. So
//! an address that is merely refreshed, or comes back at once, changes nothing.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use porchlight_core::observation::Observation;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use tokio::time::sleep;

use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{OpenError, Reports, Source, SourceError, Strand};

mod links;

use links::Links;

/// How long to wait after a message: a new network arrives in parts, first an address, then a
/// route.
const SETTLED: Duration = Duration::from_millis(500);

/// `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR`, `RTMGRP_IPV6_ROUTE`
const GROUPS: u32 = 0x10 | 0x40 | 0x100 | 0x400;

/// The strand for the network.
#[derive(Debug)]
pub(crate) struct Network;

impl Strand for Network {
    const SUBJECT: Subject = Subject::Network;

    type Source = Kernel;

    async fn open(&mut self) -> Result<Kernel, OpenError> {
        Kernel::open().map_err(|error| {
            Missing::new(
                format!("a change of the network is not seen: {error}"),
                "it shows once the connection times out",
            )
            .into()
        })
    }
}

/// The source: the kernel's messages about addresses and routes.
#[derive(Debug)]
pub(crate) struct Kernel {
    messages: tokio::net::UnixDatagram,
    known: Links,
}

impl Kernel {
    fn open() -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        // A socket of another family, but its messages are waited for and received the same way.
        let messages = tokio::net::UnixDatagram::from_std(UnixDatagram::from(socket))?;
        // Read last, so that no change is missed.
        Ok(Self { messages, known: Links::read()? })
    }

    /// Waits for messages and discards them.
    async fn drain_messages(&self) -> io::Result<()> {
        self.messages.readable().await?;
        loop {
            match self.messages.try_recv(&mut [0; 64]) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // Some messages were lost, and it does not matter which.
                Err(error) if error.raw_os_error() == Some(OVERRUN) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until the network has changed.
    async fn change(&mut self) -> io::Result<()> {
        loop {
            self.drain_messages().await?;
            sleep(SETTLED).await;
            let now = Links::read()?;
            if now != self.known {
                self.known = now;
                return Ok(());
            }
        }
    }
}

const OVERRUN: i32 = rustix::io::Errno::NOBUFS.raw_os_error();

impl Source for Kernel {
    fn description(&self) -> Description {
        Description {
            name: "rtnetlink",
            tells: Tells { network: true, ..Tells::NOTHING },
            missing: None,
        }
    }

    async fn run(mut self, to: &Reports) -> SourceError {
        loop {
            match self.change().await {
                Ok(()) => to.send(Observation::NetworkChanged).await,
                Err(error) => {
                    return SourceError(format!(
                        "the kernel tells no more of the network: {error}"
                    ));
                }
            }
        }
    }
}
