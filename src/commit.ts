import type { DrainEvent } from "./drain-event.ts"
import {
  type Batch,
  ErasedMeanwhile,
  type Row,
  type SealedReject,
  type Sink,
  type Written,
} from "./sink/sink.ts"
import type { Held } from "./source/hand.ts"
import type { Vault } from "./vault/vault.ts"

/** A message that is ready to be stored, and what is stored of it. */
export type Item =
  // `erasures`: the count at which an original that the row leaves out was known to be stored.
  | { readonly held: Held; readonly row: Row; readonly erasures: number | null }
  | { readonly held: Held; readonly reject: SealedReject }

/** Stores batches, and sees to it that nobody leaves out an original that the vault has lost. */
export interface Commit {
  /** What the database's count of erasures was when the vault last learnt what is stored. */
  readonly erasures: number | null
  /** @returns null when originals were erased meanwhile: nothing is stored, and the rows are to be made anew. */
  write(items: readonly Item[]): Promise<Written | null>
}

export function createCommit(d: {
  readonly sink: Sink
  readonly vault: Vault | null
  readonly emit: (event: DrainEvent) => void
}): Commit {
  let erasures: number | null = null
  return {
    get erasures() {
      return erasures
    },
    async write(items) {
      const batch = batchOf(items)
      const written = await d.sink
        .write(batch, ({ sqlState, attempt, delayMs }) => {
          const code = sqlState ?? "connection"
          d.emit({ type: "retrying", service: "database", call: "commit", code, attempt, delayMs })
        })
        .catch((error: unknown) => {
          if (error instanceof ErasedMeanwhile) return null
          throw error
        })
      if (written === null) {
        erasures = null
        d.vault?.forget()
        return null
      }
      if (erasures !== null && written.erasures !== erasures) d.vault?.forget()
      erasures = written.erasures
      // A duplicate's originals were stored by somebody else, and may have been erased since: no reason to skip sealing.
      if (written.duplicates === 0 && written.refused.length === 0) {
        d.vault?.committed(batch.rows.flatMap((row) => row.originals))
      }
      return written
    },
  }
}

function batchOf(items: readonly Item[]): Batch {
  const rows = items.flatMap((item) => ("row" in item ? [item.row] : []))
  const rejects = items.flatMap((item) => ("reject" in item ? [item.reject] : []))
  const counts = items.flatMap((item) => ("row" in item && item.erasures !== null ? [item.erasures] : []))
  // Null when no row leaves an original out because it is stored already.
  return { rows, rejects, erasures: counts.length === 0 ? null : Math.min(...counts) }
}
