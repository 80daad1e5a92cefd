// Drives one peer through one scene: `node drive.mjs SYSTEM SCENE OPTIONS`, one JSON line for each figure.
//
// Why it exists: every system does the same work, with its server in a process of its own and its apps in
// this one. The scenes are those of crates/client/examples/versus, which drives Satchel.
//
//   work         fill the records, edits one by one from A to B, a burst, and after a second of rest a fresh
//                client, its bytes
//   idle         so many connected apps, 25 to a document, then the server's memory
//   subscribers  so many apps on one document, edits until each has them

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const words = parseArgs({
  allowPositionals: true,
  options: {
    input: { type: 'string' },
    folder: { type: 'string' },
    edits: { type: 'string', default: '500' },
    apps: { type: 'string', default: '1000' },
    program: { type: 'string' },
  },
})
const [name, scene] = words.positionals
const options = {
  folder: words.values.folder,
  program: words.values.program,
  edits: Number(words.values.edits),
  apps: Number(words.values.apps),
  records: records(words.values.input),
  tell: (figure, value, unit) => console.log(JSON.stringify({ figure, value, unit })),
}

const system = await import(`./systems/${name}.mjs`)
if (!system[scene]) {
  console.error(`${name} has no scene ${scene}`)
  process.exit(3)
}
await system[scene](options)
process.exit(0)

// The requests of a collection as flat records: what a user edits is a field of its own.
function records(file) {
  const found = []
  const walk = (items, parent) => {
    for (const item of items) {
      if (item.item) walk(item.item, item.name)
      else {
        const { name, request, ...rest } = item
        const url = request.url.raw
        found.push({ id: `r${found.length}`, name, parent, url, method: request.method, rest: JSON.stringify({ ...rest, request }) })
      }
    }
  }
  walk(JSON.parse(readFileSync(file, 'utf8')).item, null)
  return found
}
