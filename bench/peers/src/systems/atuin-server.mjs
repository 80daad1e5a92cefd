// atuin-server: an append-only store of sealed records, fetched in pages. It pushes nothing, so only the
// fresh client is compared: the download alone, nothing decrypted and nothing stored.

import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'

import { SETTLE_MS, countingProxy, freePort, now, sleep, startServer } from '../measure.mjs'

const PAGE = 100
const TAG = 'kv'

async function start(folder, program) {
  const port = await freePort()
  const env = {
    ATUIN_CONFIG_DIR: folder, ATUIN_OPEN_REGISTRATION: 'true', ATUIN_DB_URI: `sqlite://${join(folder, 'atuin.db')}`,
  }
  const words = ['start', '--host', '127.0.0.1', '--port', String(port)]
  const child = await startServer(program, words, port, env)
  return { pid: child.pid, port, url: `http://127.0.0.1:${port}` }
}

async function ask(url, session, options = {}) {
  const headers = { 'content-type': 'application/json', ...(session && { authorization: `Token ${session}` }) }
  const answer = await fetch(url, { ...options, headers })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return answer
}

async function download(base, session, host) {
  const records = []
  for (;;) {
    const query = `host=${host}&tag=${TAG}&start=${records.length}&count=${PAGE}`
    const page = await (await ask(`${base}/api/v0/record/next?${query}`, session)).json()
    if (page.length === 0) return records
    records.push(...page)
  }
}

export async function work({ folder, program, records, tell }) {
  const server = await start(folder, program)
  const user = { username: 'bench', email: 'bench@example.com', password: 'a long enough password' }
  const { session } = await (await ask(`${server.url}/register`, null, { method: 'POST', body: JSON.stringify(user) })).json()
  const host = randomUUID()
  const sealed = records.map(({ rest, ...fields }, idx) => ({
    id: randomUUID(), idx, host: { id: host, name: '' }, timestamp: 1_700_000_000_000_000_000 + idx, version: 'v0', tag: TAG,
    // Sealed bytes do not compress, and travel as text.
    data: { data: randomBytes(JSON.stringify(fields).length + rest.length).toString('base64url'), content_encryption_key: randomBytes(96).toString('base64url') },
  }))
  const begun = now()
  for (let from = 0; from < sealed.length; from += PAGE) {
    await ask(`${server.url}/api/v0/record`, session, { method: 'POST', body: JSON.stringify(sealed.slice(from, from + PAGE)) })
  }
  tell('fill', (now() - begun) / 1000, 's')
  await sleep(SETTLE_MS)
  const fresh = now()
  const found = await download(server.url, session, host)
  if (found.length !== records.length) throw new Error(`the fresh client has ${found.length} records`)
  tell('fresh all', now() - fresh, 'ms')
  const proxy = await countingProxy(server.port)
  await download(`http://127.0.0.1:${proxy.port}`, session, host)
  tell('fresh bytes', proxy.received / 1e6, 'MB')
}
