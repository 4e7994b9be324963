// Presence by heartbeats, the common design without a Will: every 10 s each client says that its user is there, and
// who has not said so for 30 s is shown as offline. Nothing is retained. Every setting is as mqtt.js has it.
//
// node heartbeat.mjs URL USER

import mqtt from 'mqtt'
import { obey, parseCommandLine, parsePayload, report } from './client.mjs'

const BEAT = 10_000
const MISSED = 3

const { url, ids: [user], login } = parseCommandLine()
const topic = `heartbeat/${user}`
const record = (status) => JSON.stringify({ status, timestamp: Date.now() })

const client = mqtt.connect(url, login)

client.on('connect', async () => {
  await client.subscribeAsync('heartbeat/+')
  await client.publishAsync(topic, record('online'))
  report('ready')
})
client.on('close', () => report('disconnected'))
client.on('error', (error) => report('error', { text: error.message }))

// Not while offline: mqtt.js would keep the beats and send them all at once.
setInterval(() => client.connected && client.publish(topic, record('online')), BEAT)

/** What is shown of each user, and the timer that takes it back. */
const shown = new Map()

function show(user, status) {
  clearTimeout(shown.get(user)?.timer)
  const timer = status === 'online' ? setTimeout(show, MISSED * BEAT, user, 'offline') : undefined
  if (shown.get(user)?.status !== status) report('status', { user, status })
  shown.set(user, { status, timer })
}

client.on('message', (from, payload) => {
  const data = parsePayload(from, payload)
  if (data !== undefined) show(from.split('/')[1], data.status)
})

obey({
  // A goodbye spares the others the 30 s.
  async leave() {
    await client.publishAsync(topic, record('offline'))
    await client.endAsync()
    process.exit(0)
  },
})
