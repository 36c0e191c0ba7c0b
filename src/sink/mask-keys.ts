import { sql } from "kysely"
import { UserError } from "../errors.ts"
import type { Database } from "./connection.ts"
import { withSafeErrors } from "./database-error.ts"

/** A mask key's name, and a value by which to know the key again that says nothing about it. */
export interface MaskKeyCheck {
  readonly id: string
  readonly checkValue: string
}

/**
 * Compare the keys of this run with those of the first: another key under a
 * known id would give everybody a second token, and split every person in two.
 * Keys that the database does not know yet are remembered.
 *
 * Of two first runs with different keys at the same time, one is refused.
 *
 * @param activeId - The key that new tokens are made under.
 * @throws UserError of kind `config`: another key under a known id, or an active
 * key that was retired. Then nothing was remembered.
 */
export async function checkMaskKeys(
  db: Database,
  keys: readonly MaskKeyCheck[],
  activeId: string,
): Promise<void> {
  await withSafeErrors(() =>
    db.transaction().execute(async (tx) => {
      const ids = keys.map(({ id }) => id).sort()
      const values = new Map(keys.map(({ id, checkValue }) => [id, checkValue]))
      const checkValues = ids.map((id) => values.get(id) as string)
      // Sorted, and before the look: whoever comes second waits here, and then sees the first one's keys.
      await sql`
        insert into peppermill.mask_keys (id, check_value)
        select * from unnest(${ids}::text[], ${checkValues}::text[])
        on conflict do nothing`.execute(tx)
      refuseOtherKeys(await knownKeys(tx, ids), keys, activeId)
    }),
  )
}

/**
 * The same comparison, remembering nothing.
 *
 * @returns The ids that the database does not know yet.
 * @throws UserError as {@link checkMaskKeys} does.
 */
export async function unknownMaskKeys(
  db: Database,
  keys: readonly MaskKeyCheck[],
  activeId: string,
): Promise<readonly string[]> {
  return await withSafeErrors(async () => {
    const ids = keys.map(({ id }) => id)
    const known = await knownKeys(db, ids)
    refuseOtherKeys(known, keys, activeId)
    return ids.filter((id) => !known.some((key) => key.id === id))
  })
}

interface KnownKey {
  readonly id: string
  readonly check_value: string
  readonly retired_at: Date | null
}

async function knownKeys(db: Database, ids: readonly string[]): Promise<readonly KnownKey[]> {
  const query = db.selectFrom("peppermill.mask_keys").select(["id", "check_value", "retired_at"])
  return await query.where("id", "in", ids).execute()
}

function refuseOtherKeys(known: readonly KnownKey[], keys: readonly MaskKeyCheck[], activeId: string): void {
  const values = new Map(keys.map(({ id, checkValue }) => [id, checkValue]))
  for (const { id, check_value, retired_at } of known) {
    if (check_value !== values.get(id)) {
      throw new UserError("config", `a different key under the id ${id} made the tokens of this database`, {
        hint: `give the first key back to masking.keys.${id}; a new key needs a new id`,
      })
    }
    if (id === activeId && retired_at !== null) {
      throw new UserError("config", `the mask key ${id} is retired, and masking.activeKey names it`, {
        hint: "make another key active",
      })
    }
  }
}
