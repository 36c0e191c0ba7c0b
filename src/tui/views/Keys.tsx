import { Box } from "ink"
import { timeOfDay } from "../format.ts"
import { type KeyRow, type Keys, shownKeys } from "../screens/keys.ts"
import { Lines } from "./Line.tsx"
import { type Item, ListView, POINTER } from "./ListView.tsx"
import { loadedRows } from "./loaded-rows.ts"
import { type Look, useLook } from "./look.ts"
import { cell, type Row, span } from "./spans.ts"

const HEADS: Record<KeyRow["kind"], string> = {
  "mask key": "Mask keys: tokens are made with them",
  recipient: "Recipients: who can open what the vault holds",
  "data key": "Data keys: one for each run, wrapped for the recipients",
}

/** The keys by name, never a key. */
export function KeysView({
  keys,
  width,
  height,
}: {
  readonly keys: Keys
  readonly width: number
  readonly height: number
}) {
  const look = useLook()
  const head = loadedRows(
    keys.ring,
    "`peppermill keys` makes, rotates and retires them; here they only show.",
    width,
  )
  const rows = shownKeys(keys)
  return (
    <Box flexDirection="column">
      <Lines rows={head} width={width} />
      <ListView
        name="Keys"
        list={keys.list}
        items={rows.map((row, at) =>
          keyRows(row, row.kind !== rows[at - 1]?.kind, at === 0, width - POINTER, look),
        )}
        none={keys.ring.value === null ? "" : "There is no key yet: `peppermill keys new` makes one."}
        note={keys.ring.atMs === 0 ? undefined : `as of ${timeOfDay(keys.ring.atMs)}`}
        width={width}
        height={height - head.length}
      />
    </Box>
  )
}

function keyRows(row: KeyRow, isFirst: boolean, isTop: boolean, width: number, look: Look): Item {
  const standing = 14
  const words = Math.min(48, Math.floor(width * 0.45))
  const id = Math.max(8, width - standing - words - 4)
  const line: Row = [
    span(`${cell(row.id, id, look.ellipsis)}  `, "strong"),
    span(`${cell(row.standing, standing, look.ellipsis)}  `, row.isWrong ? "bad" : "plain"),
    span(cell(row.words, words, look.ellipsis), row.isWrong ? "bad" : "dim"),
  ]
  if (!isFirst) return { rows: [line] }
  const head: Row = [span(HEADS[row.kind], "dim")]
  return isTop ? { rows: [head, line], main: 1 } : { rows: [[], head, line], main: 2 }
}
