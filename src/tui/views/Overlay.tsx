import type { Binding } from "../bindings.ts"
import { timeOfDay } from "../format.ts"
import { placesOf } from "../keymap.ts"
import { HELP_NOTES, helpKeys } from "../keymap-text.ts"
import type { Model } from "../model.ts"
import { Lines } from "./Line.tsx"
import { useLook } from "./look.ts"
import { type Row, span } from "./spans.ts"
import { title } from "./title.ts"

const KEYS = 20

/** A page over the screen: every key, or what libraries warned about. */
export function OverlayView({
  model,
  width,
  height,
}: {
  readonly model: Model
  readonly width: number
  readonly height: number
}) {
  const look = useLook()
  const { overlay } = model
  if (overlay === null) return null
  const isHelp = overlay.page === "help"
  const rows = isHelp ? helpRows(model) : logRows(model)
  const room = Math.max(1, height - 1)
  const from = Math.max(0, Math.min(overlay.list.cursor, rows.length - room))
  const shown = rows.slice(from, from + room)
  const place = `${from + 1}${look.to}${from + shown.length} of ${rows.length} ${look.between} Esc closes`
  const head = title(isHelp ? "Keys" : "Log: what libraries said", look, width, [span(place, "dim")])
  return <Lines rows={[head, ...shown]} width={width} />
}

function helpRows(model: Model): readonly Row[] {
  const { here, elsewhere } = helpKeys(placesOf({ ...model, overlay: null }))
  const rowOf = ({ shown, does }: Binding): Row => [span(`  ${shown.padEnd(KEYS)}  `, "strong"), span(does)]
  return [
    ...here.map(rowOf),
    [],
    [span("  In other places", "dim")],
    ...elsewhere.map(rowOf),
    ...HELP_NOTES.map((note): Row => [span(`  ${note}`, "dim")]),
  ]
}

function logRows({ log }: Model): readonly Row[] {
  if (log.length === 0) return [[span("  No library had anything to say.", "dim")]]
  return log.map(({ atMs, text }): Row => [span(`  ${timeOfDay(atMs)}  `, "dim"), span(text)])
}
