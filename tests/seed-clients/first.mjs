// A client as the first document describes it: one topic a user, a timestamp in every record,
// typing and last activity beside it.
//
// node first.mjs URL USER [--username NAME --password TOKEN] [--defaults]

import mqtt from 'mqtt'
import { obey, parseCommandLine, parsePayload, report } from './client.mjs'

const { url, ids: [user], login, retry } = parseCommandLine()
const retained = { qos: 1, retain: true }
const record = (status) => JSON.stringify({ status, timestamp: Date.now() })

const client = mqtt.connect(url, {
  ...login,
  ...retry,
  // The timestamp is that of the connection: the Will can't know when it will be published.
  will: { topic: `presence/${user}`, payload: record('offline'), ...retained },
})

client.on('connect', async () => {
  await client.publishAsync(`presence/${user}`, record('online'), retained)
  // presence/+ does not cover the level below, so typing needs a filter of its own.
  await client.subscribeAsync(['presence/+', 'presence/+/typing'], { qos: 1 })
  report('ready')
})
client.on('close', () => report('disconnected'))
client.on('error', (error) => report('error', { text: error.message }))

client.on('message', (topic, payload) => {
  const segments = topic.split('/')
  const data = parsePayload(topic, payload)
  if (data === undefined) return
  if (segments.length === 2) {
    report('status', { user: segments[1], status: data.status, timestamp: data.timestamp })
  }
  if (segments.length === 3 && segments[2] === 'typing') {
    report('typing', { user: segments[1], typing: data.isTyping })
  }
})

let typingEnds

obey({
  // Ends by itself 3 s after the last key.
  type() {
    client.publish(`presence/${user}/typing`, JSON.stringify({ isTyping: true }))
    clearTimeout(typingEnds)
    typingEnds = setTimeout(() => {
      client.publish(`presence/${user}/typing`, JSON.stringify({ isTyping: false }))
    }, 3000)
  },
  activity() {
    client.publish(`presence/${user}/activity`, JSON.stringify({ timestamp: Date.now() }), retained)
  },
  // The document knows online and offline only; a client that fakes away does it in this way.
  away() {
    client.publish(`presence/${user}`, record('away'), retained)
  },
  online() {
    client.publish(`presence/${user}`, record('online'), retained)
  },
  // Offline is said aloud, so that nobody has to wait for the broker to notice.
  async leave() {
    await client.publishAsync(`presence/${user}`, record('offline'), retained)
    await client.endAsync()
    process.exit(0)
  },
})
