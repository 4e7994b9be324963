### Was über Leute gesagt wird: im Fenster, im Tray und in Hinweisen.

## Ein Status mitten im Satz, klein
status-online = online
status-away = abwesend
status-dnd = nicht stören
status-invisible = unsichtbar
status-offline = offline

## Ein Status, den man wählen kann, wie ihn ein Menü nennt
choice-automatic = Automatisch
choice-online = Online
choice-away = Abwesend
choice-dnd = Nicht stören
choice-invisible = Unsichtbar

## Warum jemand nicht ganz da ist
cause-unknown = Aktivität unbekannt
cause-idle = keine Eingabe
cause-locked = gesperrt
cause-switched = in anderer Sitzung
cause-left = gegangen
cause-asleep = im Ruhezustand
cause-lost = Verbindung verloren

## Was sich mit einem Klick auf ein Klopfen antworten lässt
answer-come-in = Komm rein
answer-in-5 = In 5 Minuten
answer-later = Später

## Wie lange etwas gilt
# $minutes (Number)
lasting-minutes = { $minutes ->
    [one] { $minutes } Minute
   *[other] { $minutes } Minuten
}
# $hours (Number)
lasting-hours = { $hours ->
    [one] { $hours } Stunde
   *[other] { $hours } Stunden
}

## Was man mit jemandem anfangen kann
knock = Anklopfen
wave = Winken
tell-me-when-back = Sag mir, wenn die Person zurück ist
open = Öffnen
