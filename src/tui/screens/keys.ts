import type { Action } from "../action.ts"
import { count, counted, date } from "../format.ts"
import { LIST, type List, listAfter, matching } from "../list.ts"
import { type Answer, answered, type Loaded, loading, UNLOADED } from "../loaded.ts"
import type { KeyRing } from "../ports.ts"

export interface Keys {
  readonly ring: Loaded<KeyRing>
  readonly list: List
}

export const KEYS: Keys = { ring: UNLOADED, list: LIST }

export interface KeysEffect {
  readonly type: "keys"
}

export interface KeysNews {
  readonly type: "ring"
  readonly answer: Answer<KeyRing>
}

/** A key of any kind as one row of a list: what it is called, how it stands, and the rest in words. */
export interface KeyRow {
  readonly kind: "mask key" | "recipient" | "data key"
  readonly id: string
  readonly standing: string
  readonly words: string
  readonly isWrong: boolean
}

export function shownKeys(keys: Keys): readonly KeyRow[] {
  return matching(keys.list, keys.ring.value === null ? [] : rowsOf(keys.ring.value), (row) =>
    Object.values(row).join(" "),
  )
}

function rowsOf(ring: KeyRing): readonly KeyRow[] {
  return [
    ...ring.maskKeys.map(
      (key): KeyRow => ({
        kind: "mask key",
        id: key.id,
        standing: key.state,
        words: `${CHECKS[key.check]}, ${date(key.createdAtMs)}`,
        isWrong: key.check === "differs",
      }),
    ),
    ...ring.recipients.map(
      (recipient): KeyRow => ({
        kind: "recipient",
        id: recipient.recipient,
        standing: recipient.configured ? "in use" : "retired",
        words: `opens ${counted(recipient.dataKeys, "data key")}`,
        isWrong: false,
      }),
    ),
    ...ring.dataKeys.map(
      (key): KeyRow => ({
        kind: "data key",
        id: key.id,
        standing: key.recipients === 0 ? "lost" : counted(key.recipients, "recipient"),
        words: `${count(key.seals)} sealed, ${date(key.createdAtMs)}`,
        isWrong: key.recipients === 0,
      }),
    ),
  ]
}

const CHECKS: Record<KeyRing["maskKeys"][number]["check"], string> = {
  matches: "matches the database",
  differs: "DIFFERS from the database",
  "not held": "not held here",
}

export function keysEntered(keys: Keys): readonly [Keys, readonly KeysEffect[]] {
  return [{ ...keys, ring: loading(keys.ring) }, [{ type: "keys" }]]
}

export function keysAfter(keys: Keys, action: Action): readonly [Keys, readonly KeysEffect[]] {
  if (action.type === "again") return keysEntered(keys)
  const list = listAfter(keys.list, action, shownKeys(keys).length)
  return [list === null ? keys : { ...keys, list }, []]
}

export function keysTold(keys: Keys, news: KeysNews, nowMs: number): Keys {
  return { ...keys, ring: answered(keys.ring, news.answer, nowMs) }
}
