import type { DatabaseAddress } from "./config/database-address.ts"
import { parseReference } from "./config/reference.ts"
import type { Settings } from "./open.ts"
import type { Permission } from "./sandbox.ts"

/**
 * What a drain must still be allowed once everything it needs is open.
 *
 * Files are read again only for what may be renewed: AWS credentials from
 * elsewhere than the two variables, a password in a file, authorities for a
 * connection that comes later, and an embedded database.
 */
export function drainPermissions(
  { config, env, credentials }: Pick<Settings, "config" | "env" | "credentials">,
  database: DatabaseAddress,
): readonly Permission[] {
  if (database.kind === "pglite" && database.directory !== null) return ["fs.read", "fs.write", "net"]
  const { queue, secrets, database: settings } = config
  const hasKeys = Boolean(env["AWS_ACCESS_KEY_ID"] && env["AWS_SECRET_ACCESS_KEY"] && !env["AWS_PROFILE"])
  const readsAgain =
    (credentials === undefined && !hasKeys) ||
    (settings.url !== null && parseReference(settings.url)?.kind === "file") ||
    [queue.caFile, secrets.caFile, settings.caFile].some((file) => file !== null)
  return readsAgain ? ["fs.read", "net"] : ["net"]
}
