import type { Io } from "../io.ts"
import type { Settings } from "../open.ts"
import type { Database } from "../sink/connection.ts"
import type { CommonOptions } from "./options.ts"
import { openSettings, warn } from "./settings.ts"

/** As `withDatabase`, for work on whole tables: no statement is cut off for taking long. */
export async function withPatientDatabase<T>(
  io: Io,
  options: CommonOptions,
  work: (db: Database, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = await openSettings(io, options)
  warn(io, settings.loaded.warnings)
  const [{ openDatabaseOf }, { PATIENT }] = await Promise.all([
    import("../open.ts"),
    import("../sink/connection.ts"),
  ])
  const db = await openDatabaseOf(settings, PATIENT)
  try {
    return await work(db, settings)
  } finally {
    await db.destroy()
  }
}
