### Was die App außerhalb ihres Fensters sagt: im Tray, in dessen Menü und in Hinweisen.

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
# $year, $month und $day (String) - mit so vielen Ziffern, wie dazugehören
moment-date = { $day }.{ $month }.{ $year } { $time }
moment-unknown = weit weg

## Wie es um jemanden steht, warum und seit wann, im Menü des Trays
standing = { $status }
standing-since = { $status } seit { $time }
standing-until = { $status } bis { $time }
standing-because = { $standing } ({ $cause })
standing-left-at = { $time } gegangen
standing-asleep-since = im Ruhezustand seit { $time }
standing-lost-at = Verbindung verloren { $time }

## Der Tray
tray-nobody = Noch niemand sonst da
# $around (Number) von $known (Number)
tray-around = { $around } von { $known } da
tray-connecting = Verbinde …
tray-not-connected = Nicht verbunden; Stand { $time }
tray-withheld = Der Broker zeigt nicht, wer da ist; mehr im Fenster
tray-refused = Der Broker hat abgelehnt; mehr im Fenster
tray-offline = Offline
tray-you = Du: { $status }
# $count (Number)
tray-more = { $count } weitere …
tray-open = Porchlight öffnen
tray-quit = Beenden
tray-set-status = Status setzen
tray-status-for = { $status } für …
tray-notices-off = Hinweise für eine Stunde aus
tray-notices-on = Hinweise wieder an (aus bis { $time })

## Hinweise
# Auch im Tray.
notice-knocks = { $name } klopft an
notice-knocks-free = { $name } klopft an: ihr habt beide Zeit
notice-knock-without-words = Hast du kurz Zeit?
notice-both-free = { $name } und du, ihr habt beide Zeit
notice-knock-goes-out = Dein Klopfen geht jetzt raus.
notice-knock-goes-out-with = Dein Klopfen geht jetzt raus: { $text }
notice-answered = { $name } hat geantwortet
notice-answer = { $name }: { $answer }
# $count (Number)
notice-waves = { $count ->
    [1] { $name } winkt { $emoji }
   *[other] { $name } winkt { $emoji } × { $count }
}
notice-came = { $name } ist da
notice-back = { $name } ist zurück
notice-wanted = Das wolltest du wissen.
notice-left = { $name } ist gegangen
notice-asleep = { $name } ist im Ruhezustand
notice-asleep-why = Der Computer wurde in den Ruhezustand versetzt.
notice-lost = { $name } ist weg
notice-lost-why = Die Verbindung ist abgerissen.
notice-away = { $name } ist abwesend
notice-away-locked = Der Bildschirm wurde gesperrt.
notice-away-idle = Eine Weile keine Eingabe.
notice-asks-to-join = { $name } möchte in dein Team
notice-asks-digits = Hast du von dort { $digits } gehört? Dann lass die Person unter „Team“ herein.
notice-meanwhile = Inzwischen: { $what }
notice-mute = Stummschalten

## Mehrere Leute auf einmal; jeweils $count (Number)
several-here = { $count ->
    [one] { $count } Person ist da
   *[other] { $count } Leute sind da
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
    [one] { $count } Person ist gegangen
   *[other] { $count } Leute sind gegangen
}
# Von mehreren Arten auf einmal: „5 gekommen, 1 gegangen“.
among-here = { $count } gekommen
among-back = { $count } zurück
among-away = { $count } abwesend
among-left = { $count } gegangen
names-here = Da: { $names }
names-back = Zurück: { $names }
names-away = Abwesend: { $names }
names-left = Weg: { $names }
names-more = { $count } weitere
