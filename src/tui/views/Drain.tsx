import { Box } from "ink"
import { count, duration, timeOfDay } from "../format.ts"
import type { DrainView as View } from "../meter/drain-view.ts"
import { type DrainScreen, shownHappenings } from "../screens/drain.ts"
import { bars, resampled, secondsPerColumn } from "./chart.ts"
import { Lines } from "./Line.tsx"
import { ListView } from "./ListView.tsx"
import { type Look, useLook } from "./look.ts"
import { BLOCK_ROWS, type Block, messages, queue, refusals, run, stages } from "./metrics.ts"
import { type Row, span, wrapped } from "./spans.ts"
import { title } from "./title.ts"
import { STATE_TONES, sentence, WEIGHT_TONES } from "./words.ts"

interface Size {
  readonly width: number
  readonly height: number
}

const GAP = 3

const MAX_CHART_ROWS = 16

/** Below this there is no room for empty lines. */
const TIGHT = 17

/** From here on events stand beside the figures, not below them. */
const WIDE = 150

/** The run: what it does in a sentence, its rate, its figures, what happened last. */
export function DrainView({ drain, width, height }: Size & { readonly drain: DrainScreen }) {
  const look = useLook()
  const { view } = drain
  if (view === null) return null
  const isTight = height < TIGHT
  const head = said(view, width, isTight)
  const free = height - head.length
  if (width >= WIDE) {
    const right = Math.floor(width * 0.38)
    return (
      <Box flexDirection="column">
        <Lines rows={head} width={width} />
        <Box columnGap={GAP}>
          <Figures view={view} width={width - right - GAP} height={free} look={look} />
          <Events drain={drain} width={right} height={free} />
        </Box>
      </Box>
    )
  }
  // A third of what the figures leave goes to the chart, the rest to the events.
  const spare = free - BLOCK_ROWS - 4
  const chartRows = Math.min(6, Math.max(1, Math.floor((spare - 2) / 3)))
  const figures = BLOCK_ROWS + chartRows + (isTight ? 1 : 3)
  const events = free - figures
  return (
    <Box flexDirection="column">
      <Lines rows={head} width={width} />
      <Figures view={view} width={width} height={figures} look={look} />
      {events < 2 ? null : <Events drain={drain} width={width} height={events} />}
    </Box>
  )
}

/** The sentence; after a failure, all of what happened and what to do. */
function said(view: View, width: number, isTight: boolean): readonly Row[] {
  const tone = view.doing.state === "draining" ? "plain" : STATE_TONES[view.doing.state]
  if (view.doing.state !== "failed") {
    const lines = wrapped(sentence(view), width).map((line) => [span(line, tone)])
    return isTight ? lines : [...lines, []]
  }
  const hint = view.failure?.hint === undefined ? [] : wrapped(`What to do: ${view.failure.hint}`, width)
  return [
    ...wrapped(sentence(view), width).map((line) => [span(line, "bad")]),
    ...hint.map((line) => [span(line)]),
    [span("r tries again, q leaves", "dim")],
    [],
  ]
}

function Figures({ view, width, height, look }: Size & { readonly view: View; readonly look: Look }) {
  const blocks = blocksFor(width)
  const column = Math.floor((width - GAP * (blocks.length - 1)) / blocks.length)
  const hasGap = height >= BLOCK_ROWS + 4
  const chartRows = Math.max(1, Math.min(MAX_CHART_ROWS, height - BLOCK_ROWS - (hasGap ? 3 : 1)))
  const below = height - BLOCK_ROWS - chartRows - 3
  return (
    <Box flexDirection="column" width={width} height={height}>
      <Lines rows={rateRows(view, width, chartRows, look)} width={width} />
      {hasGap ? <Lines rows={[[]]} width={width} /> : null}
      <Box columnGap={GAP} flexShrink={0}>
        {blocks.map((block) => (
          <Lines key={block.name} rows={block(view, column, look)} width={column} />
        ))}
      </Box>
      {below < 2 ? null : <Lines rows={[[], ...refusals(view, column, below, look)]} width={column} />}
    </Box>
  )
}

function blocksFor(width: number): readonly Block[] {
  if (width >= 110) return [messages, queue, stages, run]
  return width >= 72 ? [messages, queue, stages] : [messages, queue]
}

function rateRows(view: View, width: number, rows: number, look: Look): readonly Row[] {
  const seconds = secondsPerColumn(width)
  const values = resampled(view.perSecond, Math.floor(view.atMs / 1000), width, seconds)
  const top = Math.max(0, ...view.perSecond.slice(-width * seconds))
  const note = `${count(view.rate)}/s now ${look.between} top ${count(top)}/s ${look.between} last ${duration(width * seconds * 1000)}`
  const chart = bars(values, width, rows, look.levels)
  return [title("Rate", look, width, [span(note, "dim")]), ...chart.map((line) => [span(line, "accent")])]
}

function Events({ drain, width, height }: Size & { readonly drain: DrainScreen }) {
  const happenings = shownHappenings(drain)
  return (
    <ListView
      name={drain.held === null ? "Events" : "Events, held still (Esc: newest)"}
      list={drain.list}
      hasPointer={drain.held !== null}
      items={happenings.map(({ atMs, text, weight }) => ({
        rows: [[span(`${timeOfDay(atMs)}  `, "dim"), span(text, WEIGHT_TONES[weight])]],
      }))}
      none="Nothing has happened yet."
      width={width}
      height={height}
    />
  )
}
