import type { Io } from "../io.ts"
import type { Settings } from "../open.ts"
import type { Database, Timeouts } from "../sink/connection.ts"
import type { CommonOptions } from "./options.ts"
import { openSettings, warn } from "./settings.ts"

type Work<T> = (db: Database, settings: Settings) => Promise<T>

/** Run a command's work on the configured database, and close it, whatever happens. */
export async function withDatabase<T>(
  io: Io,
  options: CommonOptions,
  work: Work<T>,
  timeouts: Partial<Timeouts> = {},
): Promise<T> {
  const settings = await openSettings(io, options)
  warn(io, settings.loaded.warnings)
  const { openDatabaseOf } = await import("../open.ts")
  const db = await openDatabaseOf(settings, timeouts)
  try {
    return await work(db, settings)
  } finally {
    await db.destroy()
  }
}

/** The same for work on whole tables: no statement is cut off for taking long. */
export async function withPatientDatabase<T>(io: Io, options: CommonOptions, work: Work<T>): Promise<T> {
  const { PATIENT } = await import("../sink/connection.ts")
  return withDatabase(io, options, work, PATIENT)
}
