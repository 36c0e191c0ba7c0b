// Writes a fresh PGlite data directory, as a tar file, to the path given. Run by build.mjs, in a process of its
// own: making one takes seconds, so the executable brings one along instead of making it at every start.
//
// The same every time. PostgreSQL marks a new cluster with the time and with random bytes, so both stand still
// here. Nothing rests on them: an embedded database has no network, no passwords and no replicas.

import crypto from "node:crypto"
import { writeFileSync } from "node:fs"

const RealDate = Date
const NOW = Date.UTC(2026, 0, 1)
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [NOW] : args))
  }
  static now() {
    return NOW
  }
}
performance.now = () => 0
Math.random = () => 0.5
globalThis.crypto.getRandomValues = (view) => view.fill(7)
crypto.randomFillSync = (view) => view.fill(7)

const { PGlite } = await import("@electric-sql/pglite")
const db = await PGlite.create()
// What is in the write-ahead log would be replayed at every start.
await db.exec("checkpoint")
const tar = await db.dumpDataDir("none")
await db.close()
writeFileSync(process.argv[2], new Uint8Array(await tar.arrayBuffer()))
