//! Binds the addresses of the team's listener.

use super::Audience;
use crate::listen::{self, Listen};
use crate::{HubError, HubWarning};
use porchlight_core::team::DEFAULT_PORT;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

/// Maximum number of connections that the system queues until we accept them.
const BACKLOG: i32 = 1_024;

/// The bound addresses of the team's listener.
pub(crate) struct Bound {
    /// The first address for the team.
    pub(crate) addr: SocketAddr,
    /// The address for programs on this computer.
    pub(crate) plain: SocketAddr,
    /// The public address.
    pub(crate) public: Option<SocketAddr>,
    pub(crate) listeners: Vec<(TcpListener, Audience)>,
    pub(crate) warnings: Vec<HubWarning>,
}

/// Binds the door for the team, the one for this machine alone, and the public one if there is any.
pub(crate) async fn bind(
    team: Listen,
    plain: Listen,
    public: Option<SocketAddr>,
) -> Result<Bound, HubError> {
    let mut warnings = Vec::new();
    if let Listen::Exactly(addr) = plain
        && !listen::is_loopback(addr)
    {
        return Err(HubError::PlainNotLocal { addr });
    }
    let team = listen_for_team(team, &mut warnings)?;
    let public = public.map(exactly).transpose()?.unwrap_or_default();
    // Where the usual port is taken, programs of this machine find the other one in the runtime file, and nobody else has
    // to know.
    let (plain, _) = listen::choose(plain, false).await?;
    let plain = at(plain, false).map_err(|e| refused(plain, e))?;
    let local = |l: &TcpListener| {
        l.local_addr()
            .map_err(|source| HubError::CannotListen { addr: listen::DEFAULT_ADDR, source })
    };
    let (addr, plain_addr) = (local(&team[0])?, local(&plain)?);
    let public_addr = public.first().map(local).transpose()?;
    let team = team.into_iter().map(|l| (l, Audience::Team));
    let public = public.into_iter().map(|l| (l, Audience::Public));
    let listeners = team.chain([(plain, Audience::ThisComputer)]).chain(public).collect();
    Ok(Bound { addr, plain: plain_addr, public: public_addr, listeners, warnings })
}

/// Listens for the team.
///
/// # Errors
///
/// [`HubError::PortTaken`] and [`HubError::CannotListen`].
pub(crate) fn listen_for_team(
    listen: Listen,
    warnings: &mut Vec<HubWarning>,
) -> Result<Vec<TcpListener>, HubError> {
    match listen {
        Listen::Default => everywhere(warnings),
        Listen::Exactly(addr) => exactly(addr),
    }
}

/// Exactly this address; every address of IPv4 means every one of IPv6, too.
fn exactly(addr: SocketAddr) -> Result<Vec<TcpListener>, HubError> {
    match (addr.ip(), at(addr, false)) {
        (_, Err(e)) => Err(refused(addr, e)),
        (IpAddr::V4(ip), Ok(v4)) if ip.is_unspecified() => with_v6(v4),
        (_, Ok(listener)) => Ok(vec![listener]),
    }
}

/// Listens on every address at the default port, or at a free one.
fn everywhere(warnings: &mut Vec<HubWarning>) -> Result<Vec<TcpListener>, HubError> {
    let wanted = SocketAddr::from((Ipv4Addr::UNSPECIFIED, DEFAULT_PORT));
    match at(wanted, false) {
        Ok(v4) => with_v6(v4),
        Err(reason) => {
            let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            let v4 = at(any, false).map_err(|e| refused(any, e))?;
            let addr = v4.local_addr().map_err(|e| refused(any, e))?;
            warnings.push(HubWarning::DoorTaken { wanted, addr, reason: reason.to_string() });
            with_v6(v4)
        }
    }
}

/// Adds IPv6 at the same port, if available.
fn with_v6(v4: TcpListener) -> Result<Vec<TcpListener>, HubError> {
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let port = v4.local_addr().map_err(|e| refused(any, e))?.port();
    let v6 = at(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), true)
        .inspect_err(|e| tracing::debug!("the door stands on IPv4 alone: {e}"));
    Ok([v4].into_iter().chain(v6).collect())
}

fn refused(addr: SocketAddr, e: io::Error) -> HubError {
    if e.kind() == io::ErrorKind::AddrInUse {
        HubError::PortTaken { addr }
    } else {
        HubError::CannotListen { addr, source: e }
    }
}

/// Listens on `addr`. `alone` leaves IPv4 to a separate listener.
fn at(addr: SocketAddr, alone: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if alone {
        socket.set_only_v6(true)?;
    }
    // As in Tokio's bind, so that connections of the last run do not block the port. On Windows the option
    // has another meaning.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}
