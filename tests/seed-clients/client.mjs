// What the clients share: their arguments, and JSON lines in and out.

import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

/**
 * The broker's URL, the ids given behind it, the login if there is one, and how soon to try again: quickly for the
 * tests' sake, or with --defaults as mqtt.js does.
 */
export function parseCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { username: { type: 'string' }, password: { type: 'string' }, defaults: { type: 'boolean' } },
  })
  const [url, ...ids] = positionals
  const { username, password, defaults } = values
  return { url, ids, login: username ? { username, password } : {}, retry: defaults ? {} : { reconnectPeriod: 200 } }
}

/** Prints one event as a JSON line. */
export function report(event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)
}

/** Parses a payload, or reports it as unreadable and answers undefined. */
export function parsePayload(topic, payload) {
  try {
    return JSON.parse(payload.toString())
  } catch {
    report('unreadable', { topic, text: payload.toString() })
    return undefined
  }
}

/** Obeys {"do": name} lines on standard input; its end is a crash of whoever gave them. */
export function obey(commands) {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const { do: name, ...rest } = JSON.parse(line)
    // Without a DISCONNECT, so that the broker publishes the Will.
    if (name === 'kill') process.exit(0)
    if (commands[name]) commands[name](rest)
    else report('ignored', { do: name })
  })
  lines.on('close', () => process.exit(0))
}
