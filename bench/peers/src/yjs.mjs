// The scenes for servers that hold a Yjs document: one map of records, each a map of its fields.

import * as Y from 'yjs'

import { SETTLE_MS, cpuSeconds, now, quantile, residentMegabytes, sleep, until } from './measure.mjs'

const FILL_STEP = 250
const APPS_OF_A_DOCUMENT = 25

// `start()` gives a server with its process id; `connect(server, room, doc)` a client with `synced` (a
// promise), `received()` and `close()`.
export function scenesOf({ start, connect }) {
  const open = async (server, room) => {
    const doc = new Y.Doc()
    const client = connect(server, room, doc)
    await client.synced
    return { ...client, doc, records: doc.getMap('records') }
  }
  const onUpdate = (app) => (seen) => {
    app.doc.on('update', seen)
    return () => app.doc.off('update', seen)
  }
  const field = (app, id) => app.records.get(id)?.get('url')

  async function work({ records, edits, tell }) {
    const server = await start()
    const a = await open(server, 'bench')
    const b = await open(server, 'bench')
    const begun = now()
    const last = records.at(-1).id
    await until(onUpdate(b), () => field(b, last) !== undefined, () => fill(a, records))
    tell('fill', (now() - begun) / 1000, 's')

    const latencies = []
    for (let i = 0; i < edits; i += 1) {
      const { id } = records[(i * 7919) % records.length]
      const url = `https://edited.example.com/${i}`
      const begun = now()
      await until(onUpdate(b), () => field(b, id) === url, () => a.records.get(id).set('url', url))
      latencies.push(now() - begun)
    }
    tell('edit p50', quantile(latencies, 0.5), 'ms')
    tell('edit p99', quantile(latencies, 0.99), 'ms')

    const cpu = cpuSeconds(server.pid)
    const burst = now()
    const id = (i) => records[(i * 7919 + 1) % records.length].id
    await until(onUpdate(b), () => field(b, id(edits - 1)) === `burst-${edits - 1}`, () => {
      for (let i = 0; i < edits; i += 1) a.records.get(id(i)).set('url', `burst-${i}`)
    })
    tell('burst', (now() - burst) / 1000, 's')
    tell('burst server CPU per edit', ((cpuSeconds(server.pid) - cpu) * 1e6) / edits, 'µs')

    await sleep(SETTLE_MS)
    const fresh = now()
    const c = await open(server, 'bench')
    if (c.records.size !== records.length) throw new Error(`the fresh client has ${c.records.size} records`)
    tell('fresh tree', now() - fresh, 'ms')
    tell('fresh all', now() - fresh, 'ms')
    tell('fresh bytes', c.received() / 1e6, 'MB')
  }

  async function idle({ apps, tell }) {
    const server = await start()
    const open_apps = []
    for (let i = 0; i < apps; i += 1) open_apps.push(await open(server, `idle-${Math.floor(i / APPS_OF_A_DOCUMENT)}`))
    await sleep(SETTLE_MS)
    tell('idle memory', residentMegabytes(server.pid), 'MB')
  }

  async function subscribers({ records, apps, edits, tell }) {
    const server = await start()
    const a = await open(server, 'bench')
    fill(a, records)
    const others = []
    for (let i = 0; i < apps; i += 1) others.push(await open(server, 'bench'))
    const latencies = []
    for (let i = 0; i < edits; i += 1) {
      const { id } = records[i % records.length]
      const begun = now()
      const seen = others.map((app) => until(onUpdate(app), () => field(app, id) === `to-all-${i}`))
      a.records.get(id).set('url', `to-all-${i}`)
      await Promise.all(seen)
      latencies.push(now() - begun)
    }
    tell('subscribers p50', quantile(latencies, 0.5), 'ms')
    tell('subscribers p99', quantile(latencies, 0.99), 'ms')
  }

  return { work, idle, subscribers }
}

function fill(app, records) {
  for (let from = 0; from < records.length; from += FILL_STEP) {
    app.doc.transact(() => {
      for (const { id, ...fields } of records.slice(from, from + FILL_STEP)) {
        app.records.set(id, new Y.Map(Object.entries(fields)))
      }
    })
  }
}
