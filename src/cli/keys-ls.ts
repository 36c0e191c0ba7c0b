import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"
import { checkValue } from "../mask/mask-keys.ts"
import {
  countMaskKeyUse,
  type KnownDataKey,
  type KnownMaskKey,
  listDataKeys,
  listMaskKeys,
  type MaskKeyUse,
} from "../recover/key-ring.ts"
import { columns } from "./columns.ts"
import { jsonLine } from "./json-line.ts"
import { openMaskKeysAtHand } from "./mask-keys-at-hand.ts"
import type { CommonOptions } from "./options.ts"
import { withPatientDatabase } from "./settings-database.ts"

/** `active`: makes new tokens by this configuration; `live`: may still have tokens; `retired`: has none. */
type State = "active" | "live" | "retired"

interface MaskKeyLine {
  readonly id: string
  readonly state: State
  /** Whether our key is the one the database knows under this id. */
  readonly check: "matches" | "differs" | "not held" | "new"
  readonly createdAtMs: number | null
  readonly retiredAtMs: number | null
  readonly use: Omit<MaskKeyUse, "id"> | null
}

/** `keys ls`. Without the mask keys at hand it still lists them, and says that they are not held. */
export async function runKeysLs(
  io: Io,
  options: CommonOptions & { readonly counts: boolean },
): Promise<void> {
  await withPatientDatabase(io, options, async (db, settings) => {
    const [known, dataKeys] = [await listMaskKeys(db), await listDataKeys(db)]
    const use = options.counts ? await countMaskKeyUse(db, settings.shape) : null
    const held = await openMaskKeysAtHand(settings)
    const checks = new Map(held.map((key) => [key.id, checkValue(key)]))
    const maskKeys = maskKeyLines(known, checks, use, settings.config.masking.activeKey)
    if (options.json) io.out(jsonLine({ schema: 1, maskKeys, dataKeys }))
    else io.out(maskKeysText(maskKeys) + (dataKeys.length === 0 ? "" : `\n${dataKeysText(dataKeys)}`))
    const differs = maskKeys.find(({ check }) => check === "differs")
    if (differs !== undefined) {
      throw new UserError(
        "config",
        `a different key under the id ${differs.id} made the tokens of this database`,
        {
          hint: `give the first key back to masking.keys.${differs.id}; a new key needs a new id`,
        },
      )
    }
  })
}

function maskKeyLines(
  known: readonly KnownMaskKey[],
  checks: ReadonlyMap<string, string>,
  use: readonly MaskKeyUse[] | null,
  activeKey: string,
): readonly MaskKeyLine[] {
  // A key may be under tokens or in the configuration, and the database never heard of it.
  const ids = new Set([...known.map(({ id }) => id), ...checks.keys(), ...(use ?? []).map(({ id }) => id)])
  return [...ids].map((id) => {
    const key = known.find((one) => one.id === id)
    const used = use?.find((one) => one.id === id)
    const check = checks.get(id)
    return {
      id,
      state: key?.retiredAtMs ? "retired" : id === activeKey ? "active" : "live",
      check: check === undefined ? "not held" : key === undefined ? "new" : same(key.checkValue, check),
      createdAtMs: key?.createdAtMs ?? null,
      retiredAtMs: key?.retiredAtMs ?? null,
      use: use === null ? null : { events: used?.events ?? 0, originals: used?.originals ?? 0 },
    }
  })
}

const same = (known: string, held: string) => (known === held ? "matches" : "differs")

function maskKeysText(lines: readonly MaskKeyLine[]): string {
  return columns([
    ["MASK KEY", "STATE", "HERE", "SINCE", "TOKENS", "ORIGINALS"],
    ...lines.map(({ id, state, check, createdAtMs, use }) => [
      id,
      // No mask key has this id: its tokens are random.
      id === "x" ? "severed" : state,
      id === "x" ? "" : check,
      createdAtMs === null ? "" : day(createdAtMs),
      use === null ? "" : String(use.events),
      use === null ? "" : String(use.originals),
    ]),
  ])
}

function dataKeysText(dataKeys: readonly KnownDataKey[]): string {
  return columns([
    ["DATA KEY", "SINCE", "ORIGINALS", "REJECTS", "RECIPIENTS"],
    ...dataKeys.map(({ id, createdAtMs, originals, quarantined, recipients }) => [
      id,
      day(createdAtMs),
      String(originals),
      String(quarantined),
      recipients.map(short).join(" "),
    ]),
  ])
}

/** A post-quantum recipient has 2,000 characters; `--json` has them all. */
const short = (recipient: string) => (recipient.length <= 62 ? recipient : `${recipient.slice(0, 59)}...`)

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
