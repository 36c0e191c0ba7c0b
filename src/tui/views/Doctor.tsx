import { Box } from "ink"
import { counted, timeOfDay } from "../format.ts"
import type { Check } from "../ports.ts"
import { type Doctor, shownChecks } from "../screens/doctor.ts"
import { Lines } from "./Line.tsx"
import { ListView, POINTER } from "./ListView.tsx"
import { problemRows } from "./loaded-rows.ts"
import { type Look, useLook } from "./look.ts"
import { cell, type Row, span, type Tone, wrapped } from "./spans.ts"

const RESULTS: Record<Check["result"], { readonly word: string; readonly tone: Tone }> = {
  ok: { word: "ok", tone: "good" },
  warn: { word: "warn", tone: "warn" },
  fail: { word: "FAIL", tone: "bad" },
}

/** Everything a run needs, each line with what to do. */
export function DoctorView({
  doctor,
  width,
  height,
}: {
  readonly doctor: Doctor
  readonly width: number
  readonly height: number
}) {
  const look = useLook()
  const head: readonly Row[] =
    doctor.problem === null ? [verdict(doctor), []] : [...problemRows(doctor.problem, width), []]
  return (
    <Box flexDirection="column">
      <Lines rows={head} width={width} />
      <ListView
        name="Doctor"
        list={doctor.list}
        items={shownChecks(doctor).map((check) => ({ rows: checkRows(check, width - POINTER, look) }))}
        none={doctor.isRunning ? "The first check is under way." : "There is nothing to check."}
        note={doctor.atMs === 0 || doctor.isRunning ? undefined : `as of ${timeOfDay(doctor.atMs)}`}
        width={width}
        height={height - head.length}
      />
    </Box>
  )
}

function verdict({ checks, isRunning }: Doctor): Row {
  const having = (result: Check["result"]) => checks.filter((check) => check.result === result).length
  const [failed, warned] = [having("fail"), having("warn")]
  const counts = `${counted(checks.length, "check")}: ${having("ok")} ok, ${counted(warned, "warning")}, ${failed} failed.`
  if (isRunning) return [span(`Checking. ${counts}`, "dim")]
  if (failed > 0) return [span(`A run would not work yet. ${counts}`, "bad")]
  if (warned > 0) return [span(`A run would work. ${counts}`, "warn")]
  return [span(`All is well. ${counts}`, "good")]
}

function checkRows(check: Check, width: number, look: Look): readonly Row[] {
  const name = Math.min(24, Math.max(12, Math.floor(width * 0.25)))
  const indent = 4 + 2 + name + 2
  const { word, tone } = RESULTS[check.result]
  const [first = "", ...more] = wrapped(check.message, width - indent)
  const hint = check.hint === undefined ? [] : wrapped(`${look.arrow} ${check.hint}`, width - indent)
  const under = (line: string, lineTone: Tone): Row => [span(" ".repeat(indent)), span(line, lineTone)]
  return [
    [span(word.padEnd(4), tone), span(`  ${cell(check.name, name, look.ellipsis)}  `, "strong"), span(first)],
    ...more.map((line) => under(line, "plain")),
    ...(check.result === "ok" ? [] : hint.map((line) => under(line, tone))),
  ]
}
