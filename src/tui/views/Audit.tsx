import { Box } from "ink"
import { count, counted, dateTime, timeOfDay } from "../format.ts"
import type { AuditRecord } from "../ports.ts"
import { type Audit, shownRecords } from "../screens/audit.ts"
import { Lines } from "./Line.tsx"
import { ListView, POINTER } from "./ListView.tsx"
import { loadedRows } from "./loaded-rows.ts"
import { type Look, useLook } from "./look.ts"
import { cell, type Row, span, type Tone, wrapped } from "./spans.ts"
import { title } from "./title.ts"

interface Size {
  readonly width: number
  readonly height: number
}

/** Who did what, when and why: the record, newest first. */
export function AuditView({ audit, width, height }: Size & { readonly audit: Audit }) {
  const look = useLook()
  if (audit.open !== null) return <RecordView record={audit.open} width={width} height={height} />
  const head = loadedRows(
    audit.records,
    "Every recovery and refusal. `peppermill audit verify` proves it unchanged.",
    width,
  )
  const columns = recordColumns(width - POINTER, look)
  return (
    <Box flexDirection="column">
      <Lines rows={head} width={width} />
      <ListView
        name="Audit"
        list={audit.list}
        columns={columns(["no.", "UTC", "who", "did", "outcome", "about", "reason"], "dim").map(({ text }) =>
          span(text, "dim"),
        )}
        items={shownRecords(audit).map((record) => ({
          rows: [columns(factsOf(record, width), outcomeTone(record.outcome))],
        }))}
        none={audit.records.value === null ? "" : "Nothing is on the record yet."}
        note={noteOf(audit)}
        width={width}
        height={height - head.length}
      />
    </Box>
  )
}

function factsOf(record: AuditRecord, width: number) {
  const time = dateTime(record.atMs)
  return [
    count(record.position),
    width >= 110 + POINTER ? time : time.slice(5, 16),
    record.actor,
    record.action,
    record.outcome,
    record.about ?? (record.rows === null ? "-" : counted(record.rows, "token")),
    record.reason ?? "-",
  ] as const
}

function noteOf({ records, hasOlder }: Audit): string | undefined {
  if (records.isLoading && records.value !== null) return "asking for more"
  if (hasOlder) return "older below"
  return records.atMs === 0 ? undefined : `as of ${timeOfDay(records.atMs)}`
}

function outcomeTone(outcome: string): Tone {
  return /den|refus|fail|expire/i.test(outcome) ? "warn" : "plain"
}

/** Below this a reason would be cut to a word or two; Enter shows it. */
const REASON_AND_ABOUT = 40

function recordColumns(width: number, look: Look) {
  const isWide = width >= 110
  const [position, time, actor, action, outcome] = isWide ? [7, 19, 18, 16, 10] : [6, 11, 10, 9, 8]
  const gap = 2
  const rest = Math.max(0, width - position - time - actor - action - outcome - 5 * gap)
  const hasReason = rest >= REASON_AND_ABOUT
  const about = hasReason ? Math.floor(rest * 0.4) : rest
  const put = (text: string, size: number) => `${cell(text, size, look.ellipsis)}  `
  return (facts: readonly [string, string, string, string, string, string, string], tone: Tone): Row => {
    const [no, at, who, did, how, what, why] = facts
    return [
      span(`${cell(no, position, look.ellipsis, "right")}  ${put(at, time)}`, "dim"),
      span(put(who, actor)),
      span(put(did, action), "strong"),
      span(put(how, outcome), tone),
      span(cell(what, about, look.ellipsis)),
      ...(hasReason ? [span(`  ${cell(why, rest - about - gap, look.ellipsis)}`, "dim")] : []),
    ]
  }
}

const LABEL = 12

function RecordView({ record, width, height }: Size & { readonly record: AuditRecord }) {
  const look = useLook()
  const facts: readonly (readonly [string, string | null])[] = [
    ["time", `${dateTime(record.atMs)} UTC`],
    ["who", record.actor],
    ["did", record.action],
    ["outcome", record.outcome],
    ["about", record.about],
    ["reason", record.reason],
    ["request", record.request],
    ["tokens", record.rows === null ? null : count(record.rows)],
  ]
  const rows = facts.flatMap(([label, value]) =>
    wrapped(value ?? "-", width - LABEL).map(
      (line, at): Row => [
        span((at === 0 ? label : "").padEnd(LABEL), "dim"),
        span(line, label === "outcome" ? outcomeTone(line) : "plain"),
      ],
    ),
  )
  const head = title(`Record ${count(record.position)}`, look, width)
  return (
    <Lines
      rows={[head, ...rows, [], [span("Esc goes back to the list", "dim")]].slice(0, height)}
      width={width}
    />
  )
}
