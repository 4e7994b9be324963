### What is said of people in the window as well as in the tray and in notices.

## A status within a sentence, small
status-online = online
status-away = away
status-dnd = do not disturb
status-invisible = invisible
status-offline = offline

## A status that can be chosen, as a menu says it
choice-automatic = Automatic
choice-online = Online
choice-away = Away
choice-dnd = Do not disturb
choice-invisible = Invisible

## Why somebody is not quite here
cause-unknown = activity unknown
cause-idle = no input
cause-locked = locked
cause-switched = in another session
cause-left = left
cause-asleep = asleep
cause-lost = connection lost

## What can be answered to a knock with one click
answer-come-in = Come in
answer-in-5 = In 5 minutes
answer-later = Later

## How long something holds
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

## What can be done with somebody
knock = Knock
wave = Wave
tell-me-when-back = Tell me when they are back
open = Open
