### Texte über Personen, für Fenster, Tray und Benachrichtigungen.

## Ein Status mitten im Satz, klein
status-online = online
status-away = abwesend
status-dnd = nicht stören
status-invisible = als offline angezeigt
status-offline = offline

## Ein Status, den man wählen kann
choice-automatic = Automatisch
choice-online = Online
choice-away = Abwesend
choice-dnd = Nicht stören
choice-invisible = Als offline anzeigen

## Ein Status mit Zeit und Grund: „abwesend seit 14:02, Bildschirm gesperrt“
# $time (String) ein Zeitpunkt
since = seit { $time }
# $status (String)
# $time (String)
status-since = { $status } seit { $time }
# $status (String)
# $time (String)
status-until = { $status } (bis { $time })
# $status (String) mit seiner Zeit, falls bekannt
# $reason (String)
status-because = { $status }, { $reason }
reason-unknown = vielleicht nicht am Platz
reason-idle = inaktiv
reason-locked = Bildschirm gesperrt
reason-switched = anderer Benutzer angemeldet
left = gegangen
# $time (String)
left-at = weg seit { $time }
asleep = Computer im Ruhezustand
# $time (String)
asleep-since = Computer im Ruhezustand seit { $time }
lost = Verbindung verloren
# $time (String)
lost-at = ohne Verbindung seit { $time }

## Warum dieser Status angezeigt wird
# $time (String)
last-heard = zuletzt gemeldet: { $time }
# $seconds (String)
loss-shows-within = bricht die Verbindung ab, siehst du es binnen { $seconds } Sekunden
doubt-reconnecting = die Verbindung dorthin ist abgebrochen und kommt vielleicht in ein paar Sekunden wieder
doubt-settling = von vor deiner neuen Verbindung
doubt-link-down = von vor dem Abbruch deiner Verbindung

## Der Host des Teams ist nicht erreichbar
# $name (String) wessen Computer es ist
host-asleep = Der Computer von { $name }, auf dem dieses Team läuft, ist im Ruhezustand
# $name (String)
# $time (String)
host-asleep-since = Der Computer von { $name }, auf dem dieses Team läuft, ist im Ruhezustand seit { $time }
# $name (String)
host-left = Der Computer von { $name }, auf dem dieses Team läuft, ist aus, oder Porchlight wurde dort beendet
# $name (String)
# $time (String)
host-left-at = Der Computer von { $name }, auf dem dieses Team läuft, ist seit { $time } aus, oder Porchlight wurde dort beendet
# $name (String)
host-lost = Der Computer von { $name }, auf dem dieses Team läuft, hat keine Verbindung mehr
# $name (String)
# $time (String)
host-lost-at = Der Computer von { $name }, auf dem dieses Team läuft, hat keine Verbindung mehr seit { $time }

## Antworten auf ein Klopfen, die mit einem Klick abgeschickt werden
answer-come-in = Passt gerade
answer-in-5 = Gib mir 5 Minuten
answer-later = Später, bitte

## Wie lange eine Auswahl gilt
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

## Aktionen für eine Person
knock = Anklopfen
wave = Winken
tell-me-when-back = Bei der Rückkehr einmal benachrichtigen
open = Öffnen
