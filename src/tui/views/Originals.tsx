import { count } from "../format.ts"
import type { Step } from "../screens/recover.ts"
import { ListView, POINTER } from "./ListView.tsx"
import { useLook } from "./look.ts"
import { cell, type Row, span, wrapped } from "./spans.ts"

/** Clear text, for as long as it may show. */
export function OriginalsView({
  step,
  width,
  height,
  nowMs,
}: {
  readonly step: Extract<Step, { at: "shown" }>
  readonly width: number
  readonly height: number
  readonly nowMs: number
}) {
  const look = useLook()
  const left = Math.max(0, Math.ceil((step.hidesAtMs - nowMs) / 1000))
  const field = Math.min(18, Math.floor(width * 0.2))
  const subject = Math.min(38, Math.floor(width * 0.25))
  const value = width - POINTER - field - subject - 16
  return (
    <ListView
      name={`Originals, hidden in ${count(left)} s; Enter or Esc hides them now`}
      list={step.list}
      columns={[span(`${"field".padEnd(field)}  ${"subject".padEnd(subject)}  original`, "dim")]}
      items={step.originals.map((original) => {
        const [first = "", ...more] =
          original.value === null ? ["cannot be opened with your identity"] : wrapped(original.value, value)
        return {
          rows: [
            [
              span(
                `${cell(original.field, field, look.ellipsis)}  ${cell(original.subject, subject, look.ellipsis)}  `,
              ),
              span(cell(first, value, look.ellipsis), original.value === null ? "warn" : "strong"),
              span("  "),
              ...verifiedSpan(original.verified),
            ],
            ...more.map((line): Row => [span(" ".repeat(field + subject + 4)), span(line, "strong")]),
          ],
        }
      })}
      none="There is no original to show."
      width={width}
      height={height}
    />
  )
}

function verifiedSpan(verified: boolean | null): Row {
  if (verified === null) return [span("not checked", "dim")]
  return verified ? [span("verified", "good")] : [span("DOES NOT FIT", "bad")]
}
