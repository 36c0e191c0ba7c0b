import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { identityToRecipient } from "age-encryption"
import { sql } from "kysely"
import type { Database } from "../sink/connection.ts"
import { withSafeErrors } from "../sink/database-error.ts"
import { isServerError } from "../sink/sqlstate.ts"
import { parseIdentities } from "./identities.ts"

/** What a login can get at in the vault, as the server itself tells it. */
export interface LoginReach {
  /** Tables of the vault whose rows it may read. */
  readonly tables: readonly string[]
  /** Functions that hand out sealed rows, and that it may call. */
  readonly functions: readonly string[]
}

/** Functions of the vault that yield sealed bytes, once their rules are met. */
const YIELDING = [
  "release",
  "collect",
  "collect_message",
  "scan_page",
  "replay_page",
  "rekey_page",
  "wrapped_page",
]

const TABLES = ["originals", "quarantine", "data_keys"] as const

/** Try to read the vault with this login, and ask the server which of its functions it may call. It leaves no record. */
export async function loginReach(db: Database): Promise<LoginReach> {
  return await withSafeErrors(async () => {
    const tables: string[] = []
    for (const table of TABLES) {
      try {
        await sql`select from vault.${sql.id(table)} limit 1`.execute(db)
        tables.push(table)
      } catch (error) {
        if (!(isServerError(error) && error.code === "42501")) throw error
      }
    }
    const { rows: functions } = await sql<{ name: string }>`
      select distinct p.proname::text as name from pg_catalog.pg_proc p
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'vault' and p.proname = any (${[...YIELDING]}::text[])
        and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')
      order by 1`.execute(db)
    return { tables, functions: functions.map(({ name }) => name) }
  })
}

/** An identity within this process's reach, and where it lies. */
export interface FoundIdentity {
  /** The variable or the file; never what stands in it. */
  readonly place: string
  /** The public keys of what lies there. */
  readonly recipients: readonly string[]
}

const SECRET_KEY = /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+/g

/** Larger files hold something else. */
const MAX_IDENTITY_BYTES = 65_536

/**
 * Look for age identities where one is left lying: in the environment, in the
 * working directory, and where age and sops keep theirs.
 */
export async function findIdentities(
  env: Readonly<Record<string, string | undefined>>,
  folders: readonly string[],
): Promise<readonly FoundIdentity[]> {
  const found: FoundIdentity[] = []
  for (const [name, value = ""] of Object.entries(env)) await note(`the variable ${name}`, value)
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name)
      const facts = await stat(path).catch(() => null)
      if (facts === null || !facts.isFile() || facts.size > MAX_IDENTITY_BYTES) continue
      await note(path, await readFile(path, "utf8").catch(() => ""))
    }
  }
  return found

  async function note(place: string, text: string): Promise<void> {
    const keys = text.match(SECRET_KEY)
    if (keys === null) return
    const identities = await parseIdentities(Buffer.from(keys.join("\n")), place).catch(() => [])
    const recipients = await Promise.all(identities.map((identity) => identityToRecipient(identity)))
    if (recipients.length > 0) found.push({ place, recipients })
  }
}
