import { randomUUID } from "node:crypto"
import { createDecoder } from "../../src/decode/decode.ts"
import { createMask } from "../../src/mask/mask.ts"
import type { MaskKey } from "../../src/mask/mask-keys.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { storeDataKey } from "../../src/sink/data-keys.ts"
import { createPostgresSink } from "../../src/sink/postgres.ts"
import type { Row, SealedReject } from "../../src/sink/sink.ts"
import { createVault } from "../../src/vault/vault.ts"
import type { TestDatabase } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { createIdentity } from "../vault/keys.ts"
import { MASK_KEY } from "./setup.ts"

export interface Writer extends AsyncDisposable {
  /** Opens what this writer seals. */
  readonly identity: string
  readonly recipient: string
  /** Store bodies as a drain does: rows, originals and rejects. @returns Their message ids. */
  write(...bodies: readonly string[]): Promise<readonly string[]>
}

export const SENT_AT_MS = Date.UTC(2026, 10, 1, 12)

/** A drain without its queue, with a writer's login. */
export async function openWriter(database: TestDatabase, maskKey: MaskKey = MASK_KEY): Promise<Writer> {
  const { identity, recipient } = await createIdentity()
  const { address } = await database.login("peppermill_writer")
  const db = await openDatabase(address, { poolSize: 2 })
  const sink = createPostgresSink(db, LOGIN, { retrySeconds: 0, vault: true })
  const vault = createVault({
    recipients: [recipient],
    shape: LOGIN,
    storeDataKey: (key) => storeDataKey(db, key, 0),
  })
  const [decode, mask] = [createDecoder(LOGIN), createMask(maskKey, LOGIN)]
  const masked = LOGIN.fields.filter((field) => field.mask).map((field) => field.name)
  return {
    identity,
    recipient,
    async write(...bodies) {
      await vault.ready()
      const rows: Row[] = []
      const rejects: SealedReject[] = []
      const ids = bodies.map((body) => {
        const delivery = { id: randomUUID(), body, sentAtMs: SENT_AT_MS }
        const decoded = decode(body)
        if (!decoded.ok) {
          rejects.push(vault.sealReject(delivery, decoded.rejection))
          return delivery.id
        }
        const { subject, plain, masked: clear } = decoded.event
        const tokens = mask(decoded.event)
        const originals = masked.flatMap((field, at) => {
          const [value, token] = [clear[at], tokens[at]]
          return value && token ? [{ field, token, value: value.original }] : []
        })
        rows.push({
          messageId: delivery.id,
          sentAtMs: SENT_AT_MS,
          plain,
          tokens,
          originals: vault.sealOriginals(subject, originals),
        })
        return delivery.id
      })
      await sink.write({ rows, rejects, erasures: null }, () => {})
      return ids
    },
    async [Symbol.asyncDispose]() {
      vault.close()
      await sink.close()
    },
  }
}
