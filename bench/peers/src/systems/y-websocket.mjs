// y-websocket 2: its own server, which keeps documents in memory only.

import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'

import { freePort, startServer } from '../measure.mjs'
import { scenesOf } from '../yjs.mjs'

const program = fileURLToPath(new URL('../../node_modules/y-websocket/bin/server.cjs', import.meta.url))

async function start() {
  const port = await freePort()
  const child = await startServer(process.execPath, [program], port, { HOST: '127.0.0.1', PORT: String(port) })
  return { pid: child.pid, url: `ws://127.0.0.1:${port}` }
}

function connect(server, room, doc) {
  const provider = new WebsocketProvider(server.url, room, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
  const synced = new Promise((done) => provider.once('sync', done))
  return { synced, received: () => provider.ws._socket.bytesRead, close: () => provider.destroy() }
}

export const { work, idle, subscribers } = scenesOf({ start, connect })
