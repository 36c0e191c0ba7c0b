/**
 * Re-keys a database, as a process of its own that a test can kill. Takes the
 * work as JSON on standard input, and writes a line for each chunk.
 */
import { text } from "node:stream/consumers"
import type { PostgresAddress } from "../../src/config/database-address.ts"
import { rekey } from "../../src/recover/rekey.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { LOGIN } from "../shape.ts"

/** What the test sends. Keys are hex. */
export interface RekeyWork {
  readonly address: PostgresAddress
  readonly from: string
  readonly to: string
  readonly identity: string
  readonly recipient: string
  readonly chunk: number
}

const work = JSON.parse(await text(process.stdin)) as RekeyWork
const key = (id: string, hex: string) => ({ id, bytes: new Uint8Array(Buffer.from(hex, "hex")) })
const db = await openDatabase(work.address, { poolSize: 1, timeouts: { statementMs: 0, queryMs: 0 } })
const result = await rekey(
  db,
  { reason: "the keys are changed every year", ticket: null },
  {
    from: key("k1", work.from),
    to: key("k2", work.to),
    shape: LOGIN,
    identities: [work.identity],
    recipients: [work.recipient],
    retrySeconds: 0,
    chunk: work.chunk,
    onProgress: (originals) => process.stdout.write(`${originals}\n`),
  },
)
process.stdout.write(`${JSON.stringify(result)}\n`)
await db.destroy()
