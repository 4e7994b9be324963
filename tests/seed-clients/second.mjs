// A client as the second document describes it: an organisation in the topic, bare statuses
// without a timestamp, and away from a timer of its own.
//
// node second.mjs URL ORG USER [--username USER@ORG --password TOKEN]

import mqtt from 'mqtt'
import { obey, parseCommandLine, parsePayload, report } from './client.mjs'

const { url, ids: [org, user], login } = parseCommandLine()
const topic = `presence/${org}/${user}`
const retained = { qos: 1, retain: true }

const client = mqtt.connect(url, {
  ...login,
  reconnectPeriod: 200,
  will: { topic, payload: '{"status":"offline"}', ...retained },
})

client.on('connect', async () => {
  await client.publishAsync(topic, '{"status":"online"}', retained)
  // Its own organisation only: presence/+/+ would be everybody's.
  await client.subscribeAsync(`presence/${org}/+`, { qos: 1 })
  report('ready')
})
client.on('close', () => report('disconnected'))
client.on('error', (error) => report('error', { text: error.message }))

client.on('message', (from, payload) => {
  const data = parsePayload(from, payload)
  if (data !== undefined) report('status', { user: from.split('/')[2], status: data.status })
})

obey({
  away() {
    client.publish(topic, '{"status":"away"}', retained)
  },
  // Input ends what the timer called away.
  activity() {
    client.publish(topic, '{"status":"online"}', retained)
  },
  online() {
    client.publish(topic, '{"status":"online"}', retained)
  },
  async leave() {
    await client.publishAsync(topic, '{"status":"offline"}', retained)
    await client.endAsync()
    process.exit(0)
  },
})
