import type { EventShape } from "../decode/event-shape.ts"
import { type Clock, systemClock } from "../time/clock.ts"
import { writeBisecting } from "./bisect.ts"
import type { Database } from "./connection.ts"
import { judge, withSafeErrors } from "./database-error.ts"
import { eventColumns } from "./event-columns.ts"
import { writeParameters } from "./parameters.ts"
import { assertReady } from "./preflight.ts"
import { type RetrySettings, retrying } from "./retrying.ts"
import { ErasedMeanwhile, type Refused, type Sink, type SinkRetry } from "./sink.ts"
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
  const statement = createWriteStatement(shape, settings)
  const retries: RetrySettings = {
    retrySeconds: settings.retrySeconds,
    reread: settings.reread,
    clock: settings.clock ?? systemClock,
  }

  async function commit(items: readonly WriteItem[], erasures: number | null): Promise<WriteCounts> {
    const query = statement(writeParameters(items, columns))
    // kysely compares the tag that COMMIT is answered with.
    return await db.transaction().execute(async (tx) => {
      const [counts] = (await tx.executeQuery(query)).rows
      if (counts === undefined) throw new Error("the write statement answered without counts")
      if (erasures !== null && counts.erasures !== erasures) throw new ErasedMeanwhile()
      return counts
    })
  }

  async function write(
    items: readonly WriteItem[],
    erasures: number | null,
    onRetry: (retry: SinkRetry) => void,
  ) {
    const { written, refused } = await writeBisecting(
      items,
      (part) => retrying(() => commit(part, erasures), retries, onRetry),
      (error) => judge(error)?.action === "data",
    )
    const sum = (key: "stored" | "quarantined" | "originals") =>
      written.reduce((total, counts) => total + counts[key], 0)
    const [stored, quarantined] = [sum("stored"), sum("quarantined")]
    return {
      stored,
      quarantined,
      originals: sum("originals"),
      erasures: written.at(-1)?.erasures ?? null,
      duplicates: items.length - refused.length - stored - quarantined,
      refused: refused.map(({ item, error }) => describeRefusal(item, error)),
    }
  }

  return {
    check: () => withSafeErrors(() => assertReady(db, shape, { vault: settings.vault })),
    async write(batch, onRetry) {
      const items = writeItems(batch, columns)
      return await withSafeErrors(() => write(items, batch.erasures, onRetry))
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
