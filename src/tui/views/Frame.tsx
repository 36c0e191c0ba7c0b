import { Box } from "ink"
import type { ReactNode } from "react"
import { SCREENS, type Screen } from "../action.ts"
import { duration, timeOfDay } from "../format.ts"
import { placesOf } from "../keymap.ts"
import { type FooterKey, footerKeys } from "../keymap-text.ts"
import type { Model } from "../model.ts"
import { Line } from "./Line.tsx"
import { type Look, useLook } from "./look.ts"
import { ends, fitted, type Row, span, widthOf } from "./spans.ts"
import { STATE_TONES, stateWord } from "./words.ts"

/** Lines around a screen: header, tabs and rule above, keys below. */
export const FRAME_ROWS = 4

const NAMES: Record<Screen, string> = {
  drain: "Drain",
  quarantine: "Quarantine",
  recover: "Recover",
  audit: "Audit",
  doctor: "Doctor",
  keys: "Keys",
}

/** What every screen has in common: where one is, how the run stands, which keys work. */
export function Frame({
  model,
  columns,
  rows,
  children,
}: {
  readonly model: Model
  readonly columns: number
  readonly rows: number
  readonly children: ReactNode
}) {
  const look = useLook()
  const width = columns - 2
  return (
    <Box flexDirection="column" width={columns} height={rows} paddingX={1}>
      <Line row={headerRow(model, width, look)} width={width} />
      <Line row={tabsRow(model, width, look)} width={width} />
      <Line row={[span(look.rule.repeat(width), "dim")]} width={width} />
      <Box height={Math.max(0, rows - FRAME_ROWS)} flexDirection="column">
        {children}
      </Box>
      <Line row={footerRow(model, width)} width={width} />
    </Box>
  )
}

function headerRow(model: Model, width: number, look: Look): Row {
  const state = stateWord(model)
  const tone = state === "not set up" ? "warn" : STATE_TONES[state]
  const view = model.drain.view
  const time = view === null ? "" : ` ${duration((view.endedMs ?? view.atMs) - view.startedMs)}`
  const right: Row = [span(`${look.dot} ${state}`, tone), span(time, "dim")]
  const room = Math.max(0, width - 12 - time.length - state.length - 4)
  const way = `${model.queue ?? "no queue"} ${look.arrow} ${model.database ?? "no database"}`
  const left: Row = [
    span("peppermill", "strong"),
    span("  "),
    ...fitted([span(way, "dim")], room, look.ellipsis),
  ]
  return ends(left, right, width)
}

function tabsRow(model: Model, width: number, look: Look): Row {
  const isNarrow = width < 70
  return SCREENS.flatMap((screen, at): Row => {
    const isHere = screen === model.screen
    const mark = screen === "recover" && !isHere && model.recover.step.at === "release" ? "!" : ""
    const name = `${at + 1} ${NAMES[screen]}${mark}`
    if (isNarrow) return [span(isHere ? `[${name}]` : name, isHere ? "strong" : "dim"), span(" ")]
    if (!isHere) return [span(` ${name} `, mark === "" ? "dim" : "warn")]
    return [look.hasColour ? span(` ${name} `, "chosen") : span(`[${name}]`)]
  })
}

function footerRow(model: Model, width: number): Row {
  if (model.isLeaving) return [span("Finishing the batch in hand. Press again to leave at once.", "warn")]
  const all = footerKeys(placesOf(model))
  const row = keysRow(all)
  const keys = widthOf(row) <= width ? row : keysRow(all.filter(({ isMinor }) => !isMinor))
  return ends(keys, [span(`  ${timeOfDay(model.nowMs)} UTC`, "dim")], width)
}

function keysRow(keys: readonly FooterKey[]): Row {
  return keys.flatMap(
    ({ shown, word }, at): Row => [
      span(at === 0 ? "" : "   "),
      span(shown, "strong"),
      span(` ${word}`, "dim"),
    ],
  )
}
