// Processes and what they cost, by the kernel's own numbers, and a counting TCP proxy.

import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import net from 'node:net'

const READY_MS_MAX = 30_000

export const now = () => performance.now()
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
// How long a system rests before what is measured next: what it has left to do is not part of that.
export const SETTLE_MS = 1_000

export async function freePort() {
  const server = net.createServer()
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}

// Starts a program and waits until its port takes connections.
// It works in `cwd`: pouchdb-server leaves its log where it is started.
export async function startServer(program, words, port, env = {}, cwd = undefined) {
  const child = spawn(program, words, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (bytes) => { errors = (errors + bytes).slice(-4000) })
  process.on('exit', () => child.kill('SIGKILL'))
  const begun = now()
  while (!(await answers(port))) {
    if (child.exitCode !== null || now() - begun > READY_MS_MAX) throw new Error(`${program} did not serve: ${errors}`)
    await sleep(20)
  }
  return child
}

function answers(port) {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => { socket.destroy(); done(true) })
    socket.once('error', () => done(false))
  })
}

// Seconds on a core of all threads that live, to the nanosecond.
export function cpuSeconds(pid) {
  let nanoseconds = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
  }
  return nanoseconds / 1e9
}

export function residentMegabytes(pid) {
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]
  return (Number(kibibytes) * 1024) / 1e6
}

export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)]
}

// A proxy to a local port that counts what comes from there.
export async function countingProxy(port) {
  const proxy = { received: 0 }
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1')
    far.on('data', (bytes) => { proxy.received += bytes.length })
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return Object.assign(proxy, { port: server.address().port, close: () => server.close() })
}

// Waits for an event of the other side that `subscribe` passes on, while `cause` makes it happen.
export function until(subscribe, holds, cause = () => {}) {
  return new Promise((done, failed) => {
    const stop = subscribe(() => {
      if (!holds()) return
      stop()
      done()
    })
    Promise.resolve(cause()).catch(failed)
  })
}
