// hocuspocus 3: its server without extensions, which keeps documents in memory only.

import { HocuspocusProvider } from '@hocuspocus/provider'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'

import { freePort, startServer } from '../measure.mjs'
import { scenesOf } from '../yjs.mjs'

const program = fileURLToPath(new URL('../servers/hocuspocus.mjs', import.meta.url))

async function start() {
  const port = await freePort()
  const child = await startServer(process.execPath, [program, String(port)], port)
  return { pid: child.pid, url: `ws://127.0.0.1:${port}` }
}

function connect(server, room, document) {
  let provider
  const synced = new Promise((done) => {
    provider = new HocuspocusProvider({
      url: server.url, name: room, document, WebSocketPolyfill: WebSocket, onSynced: () => done(),
    })
  })
  const socket = () => provider.configuration.websocketProvider.webSocket._socket
  return { synced, received: () => socket().bytesRead, close: () => provider.destroy() }
}

export const { work, idle, subscribers } = scenesOf({ start, connect })
