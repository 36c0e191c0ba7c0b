import { CompiledQuery } from "kysely"
import type { EventShape } from "../decode/event-shape.ts"
import { arrayParameter } from "./binary-array.ts"
import { type EventColumn, eventColumns } from "./event-columns.ts"
import { parseTableName, quoteIdentifier, quoteTable } from "./identifier.ts"
import { ORIGINAL_COLUMNS, REJECT_COLUMNS, type WriteParameters } from "./parameters.ts"

/** What the statement answers, in one row. */
export interface WriteCounts {
  readonly stored: number
  readonly quarantined: number
  readonly originals: number
  /** null when the vault is off. */
  readonly erasures: number | null
}

/**
 * Build the maker of the one statement that stores a batch.
 *
 * The ledger decides: only messages whose id it did not have go anywhere. The
 * vault is written without asking what it holds, because a writer may not read
 * it: `on conflict do nothing` names no target, which would need SELECT. Its
 * tables stand in the statement only when the batch has something for them.
 */
export function createWriteStatement(
  shape: EventShape,
  { vault }: { readonly vault: boolean },
): (parameters: WriteParameters) => CompiledQuery<WriteCounts> {
  const columns = eventColumns(shape)
  const table = quoteTable(parseTableName(shape.table))
  const rowTypes = ["uuid", ...columns.map(({ element }) => element)]
  const originalTypes = ["uuid", ...Object.values(ORIGINAL_COLUMNS)]
  const rejectTypes = ["uuid", ...Object.values(REJECT_COLUMNS)]
  const encoded = (types: readonly string[], arrays: readonly (readonly unknown[])[]) =>
    arrays.map((values, index) => arrayParameter(types[index] ?? "", values))
  const texts = new Map<string, string>()
  return ({ rows, originals, rejects }) => {
    const hasOriginals = originals[0]?.length !== 0
    const hasRejects = rejects[0]?.length !== 0
    const variant = `${hasOriginals} ${hasRejects}`
    const text = texts.get(variant) ?? statementText(table, columns, { vault, hasOriginals, hasRejects })
    texts.set(variant, text)
    const parameters = [
      ...encoded(rowTypes, rows),
      ...(hasOriginals ? encoded(originalTypes, originals) : []),
      ...(hasRejects ? encoded(rejectTypes, rejects) : []),
    ]
    return CompiledQuery.raw(text, parameters) as CompiledQuery<WriteCounts>
  }
}

function statementText(
  table: string,
  columns: readonly EventColumn[],
  { vault, hasOriginals, hasRejects }: { vault: boolean; hasOriginals: boolean; hasRejects: boolean },
): string {
  let parameters = 0
  const unnest = (types: Readonly<Record<string, string>>) => {
    const all = { message_id: "uuid", ...types }
    const arrays = Object.values(all).map((type) => `$${++parameters}::${type}[]`)
    return `select * from unnest(${arrays.join(", ")}) as given (${Object.keys(all).join(", ")})`
  }
  // The event table's own names may clash with ours, so its columns go by number.
  const given = Object.fromEntries(columns.map(({ element }, index) => [`c${index}`, element]))
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(", ")
  const originals = Object.keys(ORIGINAL_COLUMNS).join(", ")
  const rejects = Object.keys(REJECT_COLUMNS).join(", ")
  const count = (part: string) => `(select count(*)::int from ${part} join fresh using (message_id))`

  const parts = [
    `rows as (${unnest(given)})`,
    ...(hasOriginals ? [`originals as (${unnest(ORIGINAL_COLUMNS)})`] : []),
    ...(hasRejects ? [`rejects as (${unnest(REJECT_COLUMNS)})`] : []),
    `fresh as (
  insert into peppermill.ledger (message_id)
  select message_id from rows${hasRejects ? " union all select message_id from rejects order by message_id" : ""}
  on conflict do nothing
  returning message_id
)`,
    `stored as (
  insert into ${table} (${names})
  select ${Object.keys(given).join(", ")} from rows join fresh using (message_id)
)`,
    // In one order for everybody: writers that share a new original would else wait for each other.
    ...(hasOriginals
      ? [
          `sealed as (
  insert into vault.originals (${originals})
  select ${originals} from originals join fresh using (message_id)
  order by subject collate "C", field collate "C", token collate "C"
  on conflict do nothing
)`,
        ]
      : []),
    ...(hasRejects
      ? [
          `quarantined as (
  insert into vault.quarantine (message_id, ${rejects})
  select message_id, ${rejects} from rejects join fresh using (message_id)
  on conflict do nothing
)`,
        ]
      : []),
  ]
  return `with ${parts.join(", ")}
select ${count("rows")} as stored, ${hasRejects ? count("rejects") : "0"} as quarantined, ${
    hasOriginals ? count("originals") : "0"
  } as originals, ${vault ? "(select epoch::float8 from peppermill.erasures)" : "null::float8"} as erasures`
}
