//! Where an MQTT packet ends on a stream. The proxies and the quirk broker read with this.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads one packet: its first byte, its Remaining Length, and that many bytes (MQTT 5, 2.1.4).
pub(crate) async fn read_packet(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut packet = vec![from.read_u8().await?];
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let byte = from.read_u8().await?;
        packet.push(byte);
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let head = packet.len();
    packet.resize(head + length, 0);
    from.read_exact(&mut packet[head..]).await?;
    Ok(packet)
}

/// The protocol level of a CONNECT: 4 in MQTT 3.1.1, 5 in MQTT 5. `None` for other packets.
pub(crate) fn protocol_level(packet: &[u8]) -> Option<u8> {
    const NAME: &[u8] = b"\x00\x04MQTT";
    let head = 1 + packet.get(1..5)?.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let level = packet.get(head..)?.strip_prefix(NAME)?.first();
    level.copied().filter(|_| packet[0] & 0xf0 == 0x10)
}
