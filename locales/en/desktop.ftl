### The app's texts outside its window: the tray with its menu, and notifications.

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
# $year, $month and $day (String) - with leading zeros
moment-date = { $year }-{ $month }-{ $day } { $time }
moment-unknown = far away

## The tray
tray-nobody = Nobody else here yet
# $around (Number) people who are online, of $known (Number)
tray-around = { $around } of { $known } online
tray-connecting = Connecting…
tray-not-connected = Not connected; last known as of { $time }
tray-withheld = The broker does not show who is online; open for details
tray-refused = The broker refused the connection; open for details
tray-offline = Offline
tray-you = You: { $status }
# $count (Number)
tray-more = { $count } more…
tray-open = Open Porchlight
tray-quit = Quit
tray-set-status = Set status
tray-status-for = { $status } for…
tray-notices-off = Pause notifications for an hour
tray-notices-on = Resume notifications (paused until { $time })

## Notifications
# Also in the tray.
notice-knocks = { $name } knocked
notice-knocks-free = { $name } knocked: you are both free now
notice-knock-without-words = They would like a word with you.
notice-both-free = You and { $name } are both free
notice-knock-goes-out = Your knock is being sent now.
notice-knock-goes-out-with = Your knock is being sent now: { $text }
notice-answered = { $name } replied
# $count (Number)
notice-waves = { $count ->
    [1] { $name } waved { $emoji }
   *[other] { $name } waved { $emoji } × { $count }
}
notice-came = { $name } is online
notice-back = { $name } is back
notice-wanted = You asked to be notified once.
notice-left = { $name } is offline
notice-asleep-why = Their computer went to sleep.
notice-lost-why = Their connection was lost.
notice-away = { $name } is away
notice-away-locked = Their screen is locked.
notice-away-idle = They have not used their computer for a while.
notice-asks-to-join = { $name } asks to join your team
notice-asks-digits = If they read these digits to you, let them in on the Team page: { $digits }
notice-meanwhile = Meanwhile: { $what }
notice-wave-back = Wave back
notice-mute = Mute this person

## Several people at once; each $count (Number)
several-here = { $count ->
    [one] { $count } person is online
   *[other] { $count } people are online
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
    [one] { $count } person is offline
   *[other] { $count } people are offline
}
# Several kinds of change at once: "5 came online, 1 went offline".
among-here = { $count } came online
among-back = { $count } came back
among-away = { $count } went away
among-left = { $count } went offline
names-here = Online: { $names }
names-back = Back: { $names }
names-away = Away: { $names }
names-left = Offline: { $names }
names-more = { $count } more
