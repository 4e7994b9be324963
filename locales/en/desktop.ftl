### What the app says outside of its window: the tray and its menu, notices.

## A moment, as clocks and calendars show it
# $time (String) - 14:02
moment-today = { $time }
# $weekday (Number) - 1 is Monday
moment-weekday = { $weekday ->
    [1] Mon
    [2] Tue
    [3] Wed
    [4] Thu
    [5] Fri
    [6] Sat
   *[7] Sun
} { $time }
# $year, $month and $day (String) - with as many digits as belong to them
moment-date = { $year }-{ $month }-{ $day } { $time }
moment-unknown = far away

## Somebody's state, why and since when, in the tray's menu
standing = { $status }
standing-since = { $status } since { $time }
standing-until = { $status } until { $time }
standing-because = { $standing } ({ $cause })
standing-left-at = left { $time }
standing-asleep-since = asleep since { $time }
standing-lost-at = connection lost { $time }

## The tray
tray-nobody = Nobody else here yet
# $around (Number) of $known (Number)
tray-around = { $around } of { $known } around
tray-connecting = Connecting…
tray-not-connected = Not connected; as of { $time }
tray-withheld = The broker does not show who is here; open for details
tray-refused = The broker said no; open for details
tray-offline = Offline
tray-you = You: { $status }
# $count (Number)
tray-more = { $count } more…
tray-open = Open Porchlight
tray-quit = Quit
tray-set-status = Set status
tray-status-for = { $status } for…
tray-notices-off = Notices off for an hour
tray-notices-on = Notices on again (off until { $time })

## Notices
# Also in the tray.
notice-knocks = { $name } knocks
notice-knocks-free = { $name } knocks: you are both free
notice-knock-without-words = Have you got a minute?
notice-both-free = { $name } and you are both free
notice-knock-goes-out = Your knock goes out now.
notice-knock-goes-out-with = Your knock goes out now: { $text }
notice-answered = { $name } answered
notice-answer = { $name }: { $answer }
# $count (Number)
notice-waves = { $count ->
    [1] { $name } waves { $emoji }
   *[other] { $name } waves { $emoji } × { $count }
}
notice-came = { $name } is here
notice-back = { $name } is back
notice-wanted = You wanted to be told.
notice-left = { $name } left
notice-asleep = { $name } is asleep
notice-asleep-why = The computer was suspended.
notice-lost = { $name } is gone
notice-lost-why = The connection was lost.
notice-away = { $name } is away
notice-away-locked = The screen was locked.
notice-away-idle = No input for a while.
notice-asks-to-join = { $name } asks to join your team
notice-asks-digits = Did they read you { $digits }? Then let them in, under Team.
notice-meanwhile = Meanwhile: { $what }
notice-mute = Mute

## Several people at once; each $count (Number)
several-here = { $count ->
    [one] { $count } person is here
   *[other] { $count } people are here
}
several-back = { $count ->
    [one] { $count } person is back
   *[other] { $count } people are back
}
several-away = { $count ->
    [one] { $count } person is away
   *[other] { $count } people are away
}
several-left = { $count ->
    [one] { $count } person left
   *[other] { $count } people left
}
# Of several kinds at once: "5 came, 1 left".
among-here = { $count } came
among-back = { $count } came back
among-away = { $count } went away
among-left = { $count } left
names-here = Here: { $names }
names-back = Back: { $names }
names-away = Away: { $names }
names-left = Gone: { $names }
names-more = { $count } more
