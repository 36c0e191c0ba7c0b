import type { Model } from "../model.ts"
import { AuditView } from "./Audit.tsx"
import { DoctorView } from "./Doctor.tsx"
import { DrainView } from "./Drain.tsx"
import { FRAME_ROWS, Frame } from "./Frame.tsx"
import { KeysView } from "./Keys.tsx"
import { Lines } from "./Line.tsx"
import { MissingView } from "./Missing.tsx"
import { OverlayView } from "./Overlay.tsx"
import { QuarantineView } from "./Quarantine.tsx"
import { RecoverView } from "./Recover.tsx"
import { span, wrapped } from "./spans.ts"

/** Below this nothing can be read; above, everything can. Columns and rows of the terminal. */
const SMALLEST = { columns: 60, rows: 16 } as const

/** The whole screen. Pure: the same model at the same size always prints the same lines. */
export function ScreenView({
  model,
  columns,
  rows,
}: {
  readonly model: Model
  readonly columns: number
  /** Lines to fill: one less than the terminal has. */
  readonly rows: number
}) {
  if (columns < SMALLEST.columns || rows < SMALLEST.rows - 1)
    return <TooSmall columns={columns} rows={rows} />
  return (
    <Frame model={model} columns={columns} rows={rows}>
      <Content model={model} width={columns - 2} height={rows - FRAME_ROWS} />
    </Frame>
  )
}

function Content({
  model,
  ...size
}: {
  readonly model: Model
  readonly width: number
  readonly height: number
}) {
  if (model.overlay !== null) return <OverlayView model={model} {...size} />
  const missing = model.missing[model.screen]
  if (missing !== null) return <MissingView screen={model.screen} problem={missing} {...size} />
  switch (model.screen) {
    case "drain":
      return <DrainView drain={model.drain} {...size} />
    case "quarantine":
      return <QuarantineView quarantine={model.quarantine} nowMs={model.nowMs} {...size} />
    case "recover":
      return <RecoverView recover={model.recover} nowMs={model.nowMs} {...size} />
    case "audit":
      return <AuditView audit={model.audit} {...size} />
    case "doctor":
      return <DoctorView doctor={model.doctor} {...size} />
    case "keys":
      return <KeysView keys={model.keys} {...size} />
  }
}

function TooSmall({ columns, rows }: { readonly columns: number; readonly rows: number }) {
  const words = `peppermill needs ${SMALLEST.columns}x${SMALLEST.rows}; this is ${columns}x${rows + 1}. The work goes on; q finishes it and leaves.`
  const lines = wrapped(words, columns).slice(0, Math.max(1, rows))
  return <Lines rows={lines.map((line) => [span(line)])} width={columns} />
}
