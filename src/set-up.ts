import type { Settings } from "./open.ts"
import { policyStatement, storePolicy } from "./recover/policy.ts"
import type { Database } from "./sink/connection.ts"
import { type InitOptions, initDatabase, initSql } from "./sink/init.ts"
import type { InitStep } from "./sink/init-objects.ts"
import { retentionStatement, storeRetention } from "./sink/prune-vault.ts"

type Configured = Pick<Settings, "config" | "shape">

/**
 * Make a database ready: tables, roles, functions, and the rules of the vault,
 * which live in the database so that no client can relax them.
 */
export async function setUp(
  db: Database,
  { config, shape }: Configured,
  options: InitOptions,
): Promise<readonly InitStep[]> {
  const steps = await initDatabase(db, shape, options)
  await storePolicy(db, config.recovery)
  await storeRetention(db, config.vault.retentionDays)
  return steps
}

/** The same work as text for psql. */
export function setUpSql({ config, shape }: Configured, options: InitOptions): string {
  const rules = [policyStatement(config.recovery), retentionStatement(config.vault.retentionDays)]
  return `${initSql(shape, options)}\n${rules.map((statement) => `${statement};\n`).join("\n")}`
}
