import type { Io } from "../io.ts"
import type { PartitionWidth } from "../sink/partitions.ts"
import type { CommonOptions } from "./options.ts"
import { openSettings, warn } from "./settings.ts"

/**
 * `peppermill init`: create what is missing and check what is there, in one
 * transaction; `--sql` prints the same work for psql and touches nothing.
 */
export async function runInit(
  io: Io,
  options: CommonOptions & { readonly sql?: boolean; readonly partitioned?: PartitionWidth },
): Promise<void> {
  const settings = await openSettings(io, options)
  warn(io, settings.loaded.warnings)
  const { setUp, setUpSql } = await import("../set-up.ts")
  const initOptions = { partitioned: options.partitioned ?? null }
  if (options.sql) {
    io.out(setUpSql(settings, initOptions))
    return
  }
  const [{ openDatabaseOf }, { PATIENT }] = await Promise.all([
    import("../open.ts"),
    import("../sink/connection.ts"),
  ])
  const db = await openDatabaseOf(settings, PATIENT)
  try {
    const steps = await setUp(db, settings, initOptions)
    if (options.json) io.out(`${JSON.stringify({ schema: 1, steps })}\n`)
    else for (const { object, outcome } of steps) io.out(`${outcome.padEnd(8)}  ${object}\n`)
  } finally {
    await db.destroy()
  }
}
