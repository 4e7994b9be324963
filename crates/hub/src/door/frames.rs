//! Finds the starts of MQTT packets and WebSocket frames in a byte stream.

/// Finds the starts of MQTT packets. The bytes may arrive in any pieces.
#[derive(Debug, Default)]
pub(super) struct Packets {
    at: At,
}

/// The start of an MQTT packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The byte with type and flags.
    pub(super) first: u8,
    /// Number of bytes after the length field (MQTT 5, 2.1.4).
    pub(super) len: usize,
    /// The first two bytes after the length field: the packet id of an acknowledgement.
    pub(super) id: u16,
}

impl Head {
    /// Returns the packet type (MQTT 5, 2.1.2).
    pub(super) fn kind(self) -> u8 {
        self.first >> 4
    }
}

#[derive(Debug, Clone, Copy, Default)]
enum At {
    /// The next byte starts a packet.
    #[default]
    Start,
    Length {
        first: u8,
        len: usize,
        shift: u32,
    },
    /// `seen` of the first two bytes after the length were read.
    Id {
        head: Head,
        seen: usize,
    },
    /// Number of remaining bytes of the packet.
    Rest(usize),
}

impl Packets {
    /// Returns whether the next byte starts a packet.
    pub(super) fn is_at_start(&self) -> bool {
        matches!(self.at, At::Start)
    }

    /// Reads more bytes, and calls `found` for each packet that starts.
    ///
    /// The broker refuses a length that is too long when it decodes the packet.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(Head)) {
        while let Some((&byte, more)) = bytes.split_first() {
            match self.at {
                At::Start => {
                    self.at = At::Length { first: byte, len: 0, shift: 0 };
                    bytes = more;
                }
                At::Length { first, len, shift } => {
                    let len = len | usize::from(byte & 0x7f) << shift;
                    bytes = more;
                    let head = Head { first, len, id: 0 };
                    if byte & 0x80 != 0 && shift < 21 {
                        self.at = At::Length { first, len, shift: shift + 7 };
                    } else if len == 0 {
                        self.begins(head, 0, &mut found);
                    } else {
                        self.at = At::Id { head, seen: 0 };
                    }
                }
                At::Id { mut head, seen } => {
                    head.id = head.id << 8 | u16::from(byte);
                    bytes = more;
                    if seen == 1 || head.len == 1 {
                        self.begins(head, seen + 1, &mut found);
                    } else {
                        self.at = At::Id { head, seen: 1 };
                    }
                }
                At::Rest(left) => {
                    let n = left.min(bytes.len());
                    bytes = &bytes[n..];
                    self.at = if n == left { At::Start } else { At::Rest(left - n) };
                }
            }
        }
    }

    fn begins(&mut self, head: Head, seen: usize, found: &mut impl FnMut(Head)) {
        found(head);
        let left = head.len - seen;
        self.at = if left == 0 { At::Start } else { At::Rest(left) };
    }
}

/// Finds the starts of a client's WebSocket frames after the head of its request.
#[derive(Debug, Default)]
pub(super) struct Frames {
    at: InFrame,
}

#[derive(Debug, Clone, Copy)]
enum InFrame {
    /// Number of bytes read of the empty line that ends the head.
    Head(usize),
    Opcode,
    /// The opcode byte was read.
    Length(u8),
    /// `left` bytes of the length are missing.
    Extended {
        opcode: u8,
        len: u64,
        left: u8,
    },
    Rest(u64),
}

impl Default for InFrame {
    fn default() -> Self {
        Self::Head(0)
    }
}

/// Length of the mask of a client's frame in bytes (RFC 6455, 5.3).
const MASK: u64 = 4;

impl Frames {
    /// Reads more bytes, and calls `found` for each frame. The argument is true for a control frame (ping,
    /// pong, close).
    pub(super) fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(bool)) {
        let end = b"\r\n\r\n";
        while let Some((&byte, more)) = bytes.split_first() {
            let mut begins = |opcode: u8, len: u64| {
                found(opcode & 0x8 != 0);
                InFrame::Rest(len.saturating_add(MASK))
            };
            self.at = match self.at {
                InFrame::Head(seen) if byte == end[seen] && seen + 1 == end.len() => {
                    InFrame::Opcode
                }
                InFrame::Head(seen) if byte == end[seen] => InFrame::Head(seen + 1),
                InFrame::Head(_) => InFrame::Head(usize::from(byte == end[0])),
                InFrame::Opcode => InFrame::Length(byte),
                InFrame::Length(opcode) => match byte & 0x7f {
                    126 => InFrame::Extended { opcode, len: 0, left: 2 },
                    127 => InFrame::Extended { opcode, len: 0, left: 8 },
                    len => begins(opcode, u64::from(len)),
                },
                InFrame::Extended { opcode, len, left } => {
                    let len = len << 8 | u64::from(byte);
                    match left {
                        1 => begins(opcode, len),
                        _ => InFrame::Extended { opcode, len, left: left - 1 },
                    }
                }
                InFrame::Rest(left) => {
                    let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX).min(left);
                    bytes = &bytes[usize::try_from(here).unwrap_or(bytes.len())..];
                    self.at =
                        if here == left { InFrame::Opcode } else { InFrame::Rest(left - here) };
                    continue;
                }
            };
            bytes = more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet() -> impl Strategy<Value = (u8, Vec<u8>)> {
        (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..300))
    }

    fn encoded(packets: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (first, body) in packets {
            bytes.push(*first);
            let (low, high) = (body.len() % 128, body.len() / 128);
            bytes.push(u8::try_from(low).unwrap() | if high > 0 { 0x80 } else { 0 });
            if high > 0 {
                bytes.push(u8::try_from(high).unwrap());
            }
            bytes.extend(body);
        }
        bytes
    }

    proptest! {
        #[test]
        fn packets_are_found_in_whatever_pieces_they_come(
            packets in proptest::collection::vec(packet(), 0..20),
            piece in 1_usize..50,
        ) {
            let mut found = Vec::new();
            let mut reader = Packets::default();
            for piece in encoded(&packets).chunks(piece) {
                reader.read(piece, |head| found.push(head));
            }
            prop_assert!(reader.is_at_start());
            let expected: Vec<Head> = packets
                .iter()
                .map(|(first, body)| Head {
                    first: *first,
                    len: body.len(),
                    id: body.iter().take(2).fold(0, |id, byte| id << 8 | u16::from(*byte)),
                })
                .collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn frames_are_found_in_whatever_pieces_they_come(
            frames in proptest::collection::vec((any::<u8>(), 0_usize..70_000), 0..10),
            piece in 1_usize..5_000,
        ) {
            let mut bytes = b"GET /mqtt HTTP/1.1\r\nHost: hub\r\n\r\n".to_vec();
            for (opcode, len) in &frames {
                bytes.push(*opcode);
                match u16::try_from(*len) {
                    Ok(len) if len < 126 => bytes.push(0x80 | u8::try_from(len).unwrap()),
                    Ok(len) => {
                        bytes.push(0x80 | 126);
                        bytes.extend(len.to_be_bytes());
                    }
                    Err(_) => {
                        bytes.push(0x80 | 127);
                        bytes.extend((*len as u64).to_be_bytes());
                    }
                }
                bytes.extend(vec![0; 4 + len]);
            }
            let mut found = Vec::new();
            let mut reader = Frames::default();
            for piece in bytes.chunks(piece) {
                reader.read(piece, |control| found.push(control));
            }
            let expected: Vec<bool> = frames.iter().map(|(opcode, _)| opcode & 8 != 0).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_length_of_too_many_bytes_is_read(first: u8, rest in proptest::collection::vec(any::<u8>(), 0..9)) {
            let bytes = [&[first, 0x80, 0x80, 0x80, 0x80], &rest[..]].concat();
            Packets::default().read(&bytes, |_| {});
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            Packets::default().read(&bytes, |_| {});
            let mut frames = Frames::default();
            frames.read(b"\r\n\r\n", |_| {});
            frames.read(&bytes, |_| {});
        }
    }
}
