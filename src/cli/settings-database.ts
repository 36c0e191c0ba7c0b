import type { Io } from "../io.ts"
import type { Settings } from "../open.ts"
import type { Database } from "../sink/connection.ts"
import type { CommonOptions } from "./options.ts"
import { openSettings, warn } from "./settings.ts"

/** Run a command's work on the configured database, and close it, whatever happens. */
export async function withDatabase<T>(
  io: Io,
  options: CommonOptions,
  work: (db: Database, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = await openSettings(io, options)
  warn(io, settings.loaded.warnings)
  const { openDatabaseOf } = await import("../open.ts")
  const db = await openDatabaseOf(settings)
  try {
    return await work(db, settings)
  } finally {
    await db.destroy()
  }
}
