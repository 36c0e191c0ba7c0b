import { parseMaskKeys } from "../../../src/mask/mask-keys.ts"
import { openOriginal, openReject, unwrapDataKey } from "../../../src/recover/open.ts"
import { createTokenOf } from "../../../src/recover/token-of.ts"
import type { SealedOriginal, SealedReject } from "../../../src/sink/sink.ts"
import { MASK_KEY } from "../../binary.ts"
import type { TestDatabase } from "../../database.ts"
import { LOGIN } from "../../shape.ts"
import { deviceType, type Sent } from "./messages.ts"

/** How a database differs from what was sent, once the queue is empty. All are 0 when a promise is kept. */
export interface Differences {
  /** Messages that are nowhere: neither a row nor a reject in quarantine. */
  readonly lost: number
  /** Rows beyond the first of a message. */
  readonly duplicated: number
  /** Rows and rejects that nobody sent, or that differ from what was sent. */
  readonly unexpected: number
  /** Masked values whose original, and rejects whose body, the vault does not give back with the identity. */
  readonly noTwin: number
  /** What belongs to no stored message: originals that no row refers to, ledger ids without row or reject. */
  readonly orphan: number
}

export const NO_DIFFERENCES: Differences = { lost: 0, duplicated: 0, unexpected: 0, noTwin: 0, orphan: 0 }

interface Row {
  readonly user_id: string
  readonly device_type: string
  readonly masked_ip: string
  readonly masked_device_id: string
  readonly locale: string
  readonly app_version: number
  readonly create_date: string
}

const tokenOf = createTokenOf([parseMaskKeys({ k1: MASK_KEY }, "k1").active], LOGIN)

/** @param sent - By message id. All of it was taken from the queue. */
export async function differences(
  database: Pick<TestDatabase, "query">,
  sent: ReadonlyMap<string, Sent>,
  identity: string,
): Promise<Differences> {
  const rows = await database.query<Row>("select *, create_date::text from user_logins")
  const ledger = await database.query<{ id: string }>("select message_id as id from peppermill.ledger")
  const originals = await database.query<SealedOriginal>(
    `select subject, field, token, data_key as "dataKeyId", sealed from vault.originals`,
  )
  const rejects = await database.query<SealedReject>(
    `select message_id as "messageId", (extract(epoch from sent_at) * 1000)::float8 as "sentAtMs", reason, field,
       data_key as "dataKeyId", sealed from vault.quarantine`,
  )
  const keys = await dataKeys(database, identity)
  const keyOf = (id: Uint8Array) => keys.get(Buffer.from(id).toString("hex"))

  const opened = new Map<string, string | null>()
  for (const row of originals) {
    const key = keyOf(row.dataKeyId)
    opened.set(cell(row.subject, row.field, row.token), key ? openOriginal(key, LOGIN.table, row) : null)
  }

  const stored = new Map<string, number>()
  const referred = new Set<string>()
  const events = new Map([...sent.values()].map((one) => [deviceType(one.n), one.event]))
  let [unexpected, noTwin] = [0, 0]
  for (const row of rows) {
    stored.set(row.device_type, (stored.get(row.device_type) ?? 0) + 1)
    const event = events.get(row.device_type)
    if (!event || !isRowOf(row, event)) {
      unexpected++
      continue
    }
    const [ip, device] = [
      cell(row.user_id, "ip", row.masked_ip),
      cell(row.user_id, "device_id", row.masked_device_id),
    ]
    referred.add(ip).add(device)
    noTwin += Number(opened.get(ip) !== event.ip) + Number(opened.get(device) !== event.device_id)
  }

  const quarantined = new Set<string>()
  for (const reject of rejects) {
    const one = sent.get(reject.messageId)
    quarantined.add(reject.messageId)
    if (!one || one.event !== null) unexpected++
    const key = keyOf(reject.dataKeyId)
    if (!key || openReject(key, reject) !== one?.body) noTwin++
  }

  const isStored = (id: string, one: Sent) =>
    one.event === null ? quarantined.has(id) : stored.has(deviceType(one.n))
  const known = ledger.filter(({ id }) => {
    const one = sent.get(id)
    return one !== undefined && isStored(id, one)
  })
  return {
    lost: [...sent].filter(([id, one]) => !isStored(id, one)).length,
    duplicated: [...stored.values()].reduce((sum, count) => sum + count - 1, 0),
    unexpected,
    noTwin,
    orphan: ledger.length - known.length + [...opened.keys()].filter((one) => !referred.has(one)).length,
  }
}

const cell = (subject: string, field: string, token: string) => `${subject}\0${field}\0${token}`

function isRowOf(row: Row, event: NonNullable<Sent["event"]>): boolean {
  return (
    row.user_id === event.user_id &&
    row.masked_ip === tokenOf("k1", "ip", event.ip) &&
    row.masked_device_id === tokenOf("k1", "device_id", event.device_id) &&
    row.locale === "RU" &&
    row.app_version === 2_003_000 &&
    /^\d{4}-\d\d-\d\d$/.test(row.create_date)
  )
}

async function dataKeys(database: Pick<TestDatabase, "query">, identity: string) {
  const keys = new Map<string, Uint8Array>()
  const wrapped = await database.query<{ id: Buffer; wrapped: Buffer }>(
    "select id, wrapped from vault.data_keys",
  )
  for (const row of wrapped) {
    const key = await unwrapDataKey(row.wrapped, [identity])
    if (key !== null) keys.set(row.id.toString("hex"), key)
  }
  return keys
}
