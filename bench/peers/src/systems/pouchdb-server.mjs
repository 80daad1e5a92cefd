// pouchdb-server: CouchDB's replication, apps with a database of their own on disk.

import PouchDB from 'pouchdb'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { SETTLE_MS, countingProxy, cpuSeconds, freePort, now, quantile, residentMegabytes, sleep, startServer, until } from '../measure.mjs'

const program = fileURLToPath(new URL('../../node_modules/pouchdb-server/bin/pouchdb-server', import.meta.url))
const FILL_STEP = 250
const APPS_OF_A_DATABASE = 25

async function start(folder) {
  const port = await freePort()
  const data = join(folder, 'server')
  mkdirSync(data, { recursive: true })
  const words = [program, '--port', String(port), '--dir', data, '--config', join(data, 'config.json'), '--no-stdout-logs', '--no-color']
  const child = await startServer(process.execPath, words, port, {}, data)
  return { pid: child.pid, port, url: `http://127.0.0.1:${port}` }
}

const local = (folder, name) => new PouchDB(join(folder, name))
const remote = (url, name = 'bench') => new PouchDB(`${url}/${name}`)
const document = ({ id, ...fields }) => ({ _id: id, ...fields })

// What an app has, by id, kept by the local database's own feed.
function watch(database, since) {
  const app = { database, urls: new Map(), listeners: new Set() }
  database.changes({ live: true, include_docs: true, since }).on('change', ({ id, doc }) => {
    app.urls.set(id, doc.url)
    for (const listener of app.listeners) listener()
  })
  return app
}

const onChange = (app) => (seen) => {
  app.listeners.add(seen)
  return () => app.listeners.delete(seen)
}

async function edit(database, id, url) {
  await database.put({ ...(await database.get(id)), url })
}

export async function work({ folder, records, edits, tell }) {
  const server = await start(folder)
  const a = local(folder, 'a')
  const begun = now()
  for (let from = 0; from < records.length; from += FILL_STEP) {
    await a.bulkDocs(records.slice(from, from + FILL_STEP).map(document))
  }
  await a.replicate.to(remote(server.url))
  tell('fill', (now() - begun) / 1000, 's')
  const second = local(folder, 'b')
  await second.replicate.from(remote(server.url))
  const b = watch(second, 'now')
  a.replicate.to(remote(server.url), { live: true, retry: true })
  second.replicate.from(remote(server.url), { live: true, retry: true })
  await sleep(SETTLE_MS)

  const latencies = []
  for (let i = 0; i < edits; i += 1) {
    const { id } = records[(i * 7919) % records.length]
    const url = `https://edited.example.com/${i}`
    const begun = now()
    await until(onChange(b), () => b.urls.get(id) === url, () => edit(a, id, url))
    latencies.push(now() - begun)
  }
  tell('edit p50', quantile(latencies, 0.5), 'ms')
  tell('edit p99', quantile(latencies, 0.99), 'ms')

  const cpu = cpuSeconds(server.pid)
  const burst = now()
  const ids = Array.from({ length: edits }, (_, i) => records[(i * 7919 + 1) % records.length].id)
  const done = () => ids.every((id) => b.urls.get(id)?.startsWith('burst-'))
  await until(onChange(b), done, async () => {
    for (const [i, id] of ids.entries()) await edit(a, id, `burst-${i}`)
  })
  tell('burst', (now() - burst) / 1000, 's')
  tell('burst server CPU per edit', ((cpuSeconds(server.pid) - cpu) * 1e6) / edits, 'µs')

  await sleep(SETTLE_MS)
  const fresh = now()
  const c = local(folder, 'c')
  await c.replicate.from(remote(server.url))
  const { doc_count } = await c.info()
  if (doc_count !== records.length) throw new Error(`the fresh client has ${doc_count} records`)
  tell('fresh tree', now() - fresh, 'ms')
  tell('fresh all', now() - fresh, 'ms')
  const proxy = await countingProxy(server.port)
  await local(folder, 'd').replicate.from(remote(`http://127.0.0.1:${proxy.port}`))
  tell('fresh bytes', proxy.received / 1e6, 'MB')
}

export async function idle({ folder, apps, tell }) {
  const server = await start(folder)
  for (let i = 0; i < apps; i += 1) {
    const database = remote(server.url, `idle-${Math.floor(i / APPS_OF_A_DATABASE)}`)
    if (i % APPS_OF_A_DATABASE === 0) await database.info()
    database.changes({ live: true, since: 'now' })
  }
  await sleep(SETTLE_MS * 5)
  tell('idle memory', residentMegabytes(server.pid), 'MB')
}

export async function subscribers({ folder, records, apps, edits, tell }) {
  const server = await start(folder)
  const a = local(folder, 'a')
  await a.bulkDocs(records.map(document))
  await a.replicate.to(remote(server.url))
  a.replicate.to(remote(server.url), { live: true, retry: true })
  const others = []
  for (let i = 0; i < apps; i += 1) {
    const database = local(folder, `app${i}`)
    await database.replicate.from(remote(server.url))
    others.push(watch(database, 'now'))
    database.replicate.from(remote(server.url), { live: true, retry: true })
  }
  await sleep(SETTLE_MS)
  const latencies = []
  for (let i = 0; i < edits; i += 1) {
    const { id } = records[i % records.length]
    const url = `to-all-${i}`
    const begun = now()
    const seen = others.map((app) => until(onChange(app), () => app.urls.get(id) === url))
    await edit(a, id, url)
    await Promise.all(seen)
    latencies.push(now() - begun)
  }
  tell('subscribers p50', quantile(latencies, 0.5), 'ms')
  tell('subscribers p99', quantile(latencies, 0.99), 'ms')
}
