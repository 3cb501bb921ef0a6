#!/usr/bin/env node
// In words that any Node reads: an older one is told what is missing, in place of an error of syntax.
const OLDEST_NODE = 20
if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(`sallyport: needs Node.js ${OLDEST_NODE} or newer, and this is ${process.version}\n`)
  process.exit(1)
}
await import('../dist/sallyport-client.mjs')
