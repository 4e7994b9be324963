### Texte der App außerhalb ihres Fensters: Tray mit Menü und Benachrichtigungen.

## Ein Zeitpunkt, wie ihn Uhren und Kalender zeigen
# $time (String) - 14:02
moment-today = { $time }
# $weekday (Number) - 1 ist Montag
moment-weekday = { $weekday ->
    [1] Mo
    [2] Di
    [3] Mi
    [4] Do
    [5] Fr
    [6] Sa
   *[7] So
} { $time }
# $year, $month und $day (String) - mit führenden Nullen
moment-date = { $day }.{ $month }.{ $year } { $time }
moment-unknown = weit weg

## Der Tray
tray-nobody = Noch niemand sonst da
# $around (Number) von $known (Number)
tray-around = { $around } von { $known } online
tray-connecting = Verbinde …
tray-not-connected = Nicht verbunden; letzter Stand { $time }
tray-withheld = Der Broker zeigt nicht, wer online ist; mehr im Fenster
tray-refused = Der Broker hat die Verbindung abgelehnt; mehr im Fenster
tray-offline = Offline
tray-you = Du: { $status }
# $count (Number)
tray-more = { $count } weitere …
tray-open = Porchlight öffnen
tray-quit = Beenden
tray-set-status = Status setzen
tray-status-for = { $status } für …
tray-notices-off = Benachrichtigungen eine Stunde lang anhalten
tray-notices-on = Wieder benachrichtigen (angehalten bis { $time })

## Benachrichtigungen
# Auch im Tray.
notice-knocks = { $name } hat angeklopft
notice-knocks-free = { $name } hat angeklopft: Ihr habt jetzt beide Zeit
notice-knock-without-words = Die Person möchte kurz mit dir sprechen.
notice-both-free = Du und { $name }, ihr habt beide Zeit
notice-knock-goes-out = Dein Klopfen wird jetzt gesendet.
notice-knock-goes-out-with = Dein Klopfen wird jetzt gesendet: { $text }
notice-answered = { $name } hat geantwortet
# $count (Number)
notice-waves = { $count ->
    [1] { $name } hat gewinkt { $emoji }
   *[other] { $name } hat gewinkt { $emoji } × { $count }
}
notice-came = { $name } ist online
notice-back = { $name } ist zurück
notice-wanted = Du wolltest einmal benachrichtigt werden.
notice-left = { $name } ist offline
notice-asleep-why = Der Computer ist im Ruhezustand.
notice-lost-why = Die Verbindung ist abgebrochen.
notice-away = { $name } ist abwesend
notice-away-locked = Der Bildschirm ist gesperrt.
notice-away-idle = Der Computer wurde eine Weile nicht benutzt.
notice-asks-to-join = { $name } möchte in dein Team
notice-asks-digits = Hat dir die Person diese Ziffern vorgelesen? Dann lass sie auf der Seite „Team“ herein: { $digits }
notice-meanwhile = Inzwischen: { $what }
notice-wave-back = Zurückwinken
notice-mute = Person stummschalten

## Mehrere Leute auf einmal; jeweils $count (Number)
several-here = { $count ->
    [one] { $count } Person ist online
   *[other] { $count } Leute sind online
}
several-back = { $count ->
    [one] { $count } Person ist zurück
   *[other] { $count } Leute sind zurück
}
several-away = { $count ->
    [one] { $count } Person ist abwesend
   *[other] { $count } Leute sind abwesend
}
several-left = { $count ->
    [one] { $count } Person ist offline
   *[other] { $count } Leute sind offline
}
# Mehrere Arten von Änderungen auf einmal: „5 online, 1 offline“.
among-here = { $count } online
among-back = { $count } zurück
among-away = { $count } abwesend
among-left = { $count } offline
names-here = Online: { $names }
names-back = Zurück: { $names }
names-away = Abwesend: { $names }
names-left = Offline: { $names }
names-more = { $count } weitere
