import type { EventColumn } from "./event-columns.ts"
import type { Row } from "./sink.ts"
import type { WriteItem } from "./write-items.ts"

/**
 * A batch as the write statement takes it: one array per column, so that the
 * number of parameters does not grow with the rows.
 */
export interface WriteParameters {
  readonly rows: readonly (readonly unknown[])[]
  readonly originals: readonly (readonly unknown[])[]
  readonly rejects: readonly (readonly unknown[])[]
}

/** The columns of `originals` and `rejects` in the write statement, after the ledger id, with their types. */
export const ORIGINAL_COLUMNS = {
  subject: "text",
  field: "text",
  token: "text",
  data_key: "bytea",
  sealed: "bytea",
} as const

export const REJECT_COLUMNS = {
  reason: "text",
  field: "text",
  shape: "text",
  data_key: "bytea",
  sealed: "bytea",
  sent_at: "timestamptz",
} as const

const DAY_MS = 86_400_000

export function writeParameters(
  items: readonly WriteItem[],
  columns: readonly EventColumn[],
): WriteParameters {
  const rows = items.flatMap((item) => ("row" in item ? [item] : []))
  const rejects = items.flatMap((item) => ("reject" in item ? [item] : []))
  const originals = rows.flatMap(({ ledgerId, row }) =>
    row.originals.map((original) => ({ ledgerId, original })),
  )
  return {
    rows: sameLength([rows.map(({ ledgerId }) => ledgerId), ...eventArrays(rows, columns)]),
    originals: sameLength([
      originals.map(({ ledgerId }) => ledgerId),
      originals.map(({ original }) => original.subject),
      originals.map(({ original }) => original.field),
      originals.map(({ original }) => original.token),
      originals.map(({ original }) => original.dataKeyId),
      originals.map(({ original }) => original.sealed),
    ]),
    rejects: sameLength([
      rejects.map(({ ledgerId }) => ledgerId),
      rejects.map(({ reject }) => reject.reason),
      rejects.map(({ reject }) => reject.field),
      rejects.map(({ reject }) => reject.shape),
      rejects.map(({ reject }) => reject.dataKeyId),
      rejects.map(({ reject }) => reject.sealed),
      rejects.map(({ reject }) => new Date(reject.sentAtMs).toISOString()),
    ]),
  }
}

/** The n-th column of its kind takes the n-th value of its kind. */
function eventArrays(rows: readonly { readonly row: Row }[], columns: readonly EventColumn[]): unknown[][] {
  const next = { plain: 0, token: 0, "sent-date": 0 }
  const utcDate = createUtcDate()
  const read = {
    plain: (row: Row, at: number) => row.plain[at],
    token: (row: Row, at: number) => row.tokens[at],
    "sent-date": (row: Row) => utcDate(row.sentAtMs),
  }
  return columns.map(({ kind }) => {
    const at = next[kind]++
    return rows.map(({ row }) => read[kind](row, at))
  })
}

/**
 * Milliseconds to `YYYY-MM-DD`. Not to a Date: the driver would print it in the local
 * time zone. The last day is remembered, for a batch is seldom of two.
 */
function createUtcDate(): (ms: number) => string {
  let day = Number.NaN
  let date = ""
  return (ms) => {
    if (Math.floor(ms / DAY_MS) !== day) {
      day = Math.floor(ms / DAY_MS)
      date = new Date(ms).toISOString().slice(0, 10)
    }
    return date
  }
}

/** UNNEST fills a shorter array up with NULL, and says nothing. */
function sameLength(arrays: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  if (arrays.some((array) => array.length !== arrays[0]?.length)) {
    throw new Error("the arrays of a batch differ in length")
  }
  return arrays
}
