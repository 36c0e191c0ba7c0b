import type { EventShape } from "../decode/event-shape.ts"
import { type Clock, systemClock } from "../time/clock.ts"
import { writeBisecting } from "./bisect.ts"
import type { Database } from "./connection.ts"
import { judge, withSafeErrors } from "./database-error.ts"
import { eventColumns } from "./event-columns.ts"
import { writeParameters } from "./parameters.ts"
import { assertReady } from "./preflight.ts"
import { type RetrySettings, retrying } from "./retrying.ts"
import type { Refused, Sink, SinkRetry } from "./sink.ts"
import { messageIdOf, type WriteItem, writeItems } from "./write-items.ts"
import { createWriteStatement, type WriteCounts } from "./write-statement.ts"

export interface PostgresSinkSettings {
  /** How long to go on trying when the server does not answer. */
  readonly retrySeconds: number
  /** Whether rows bring originals, and rejects are kept: then `check` asks for the vault as well. */
  readonly vault: boolean
  /** Fetch refused credentials anew, for the pool to ask for: see `DatabaseSettings.credentials`. */
  readonly reread?: () => Promise<void>
  readonly clock?: Clock
}

/** The sink of the run: one transaction a batch, in PostgreSQL or PGlite. Closing it closes `db`. */
export function createPostgresSink(db: Database, shape: EventShape, settings: PostgresSinkSettings): Sink {
  const columns = eventColumns(shape)
  const statement = createWriteStatement(shape)
  const retries: RetrySettings = {
    retrySeconds: settings.retrySeconds,
    reread: settings.reread,
    clock: settings.clock ?? systemClock,
  }

  async function commit(items: readonly WriteItem[]): Promise<WriteCounts> {
    const query = statement(writeParameters(items, columns))
    // kysely compares the tag that COMMIT is answered with.
    const { rows } = await db.transaction().execute((tx) => tx.executeQuery(query))
    const [counts] = rows
    if (counts === undefined) throw new Error("the write statement answered without counts")
    return counts
  }

  async function write(items: readonly WriteItem[], onRetry: (retry: SinkRetry) => void) {
    const { written, refused } = await writeBisecting(
      items,
      (part) => retrying(() => commit(part), retries, onRetry),
      (error) => judge(error)?.action === "data",
    )
    const sum = (key: keyof WriteCounts) => written.reduce((total, counts) => total + counts[key], 0)
    const [stored, quarantined] = [sum("stored"), sum("quarantined")]
    return {
      stored,
      quarantined,
      originals: sum("originals"),
      duplicates: items.length - refused.length - stored - quarantined,
      refused: refused.map(({ item, error }) => describeRefusal(item, error)),
    }
  }

  return {
    check: () => withSafeErrors(() => assertReady(db, shape, { vault: settings.vault })),
    async write(batch, onRetry) {
      const items = writeItems(batch, columns)
      return await withSafeErrors(() => write(items, onRetry))
    },
    close: () => db.destroy(),
  }
}

function describeRefusal(item: WriteItem, error: unknown): Refused {
  const failure = judge(error)
  // What a reject holds is our own making. If even the quarantine refuses it, it has nowhere to go.
  if (failure?.sqlState === undefined || "reject" in item) throw error
  return { messageId: messageIdOf(item), sqlState: failure.sqlState, column: failure.column }
}
