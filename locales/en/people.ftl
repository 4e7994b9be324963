### Texts about people, for the window, the tray, notifications and the terminal.
### core::words parses the English file with its own reader, which supports no selectors in the messages that it uses.

## A status within a sentence
status-online = online
status-away = away
status-dnd = do not disturb
status-invisible = appearing offline
status-offline = offline

## A status to choose in a menu
choice-automatic = Automatic
choice-online = Online
choice-away = Away
choice-dnd = Do not disturb
choice-invisible = Appear offline

## A status with its time and its reason: "away since 14:02, screen locked"
# $time (String) a moment
since = since { $time }
# $status (String)
# $time (String)
status-since = { $status } since { $time }
# $status (String)
# $time (String)
status-until = { $status } (until { $time })
# $status (String) with its time, if that is known
# $reason (String)
status-because = { $status }, { $reason }
reason-unknown = may be away
reason-idle = inactive
reason-locked = screen locked
reason-switched = another user signed in
left = left
# $time (String)
left-at = left { $time }
asleep = computer asleep
# $time (String)
asleep-since = computer asleep since { $time }
lost = connection lost
# $time (String)
lost-at = connection lost { $time }

## Why that status is shown
# $time (String)
last-heard = last heard from: { $time }
# $seconds (String)
loss-shows-within = if the connection breaks, you see it within { $seconds } seconds
doubt-reconnecting = the connection broke and may come back in a few seconds
doubt-settling = from before you reconnected
doubt-link-down = from before your connection broke

## The team's host is unreachable
# $name (String) whose computer it is
host-asleep = { $name }'s computer, which hosts this team, is asleep
# $name (String)
# $time (String)
host-asleep-since = { $name }'s computer, which hosts this team, has been asleep since { $time }
# $name (String)
host-left = { $name }'s computer, which hosts this team, was switched off or quit Porchlight
# $name (String)
# $time (String)
host-left-at = { $name }'s computer, which hosts this team, was switched off or quit Porchlight at { $time }
# $name (String)
host-lost = { $name }'s computer, which hosts this team, lost its connection
# $name (String)
# $time (String)
host-lost-at = { $name }'s computer, which hosts this team, lost its connection at { $time }

## The replies to a knock that take one click. They are sent exactly as written here.
answer-come-in = Now is fine
answer-in-5 = Give me 5 minutes
answer-later = Later, please

## How long a choice lasts
# $minutes (Number)
lasting-minutes = { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}
# $hours (Number)
lasting-hours = { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}

## Actions for one person
knock = Knock
wave = Wave
tell-me-when-back = Notify me once when they are back
open = Open
