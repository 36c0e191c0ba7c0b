import { counted } from "../format.ts"
import { FIELDS, type Field, type Recover, type Step, wantedOf } from "../screens/recover.ts"
import { POINTER } from "./ListView.tsx"
import { problemRows } from "./loaded-rows.ts"
import type { Look } from "./look.ts"
import { LABEL, policyRows } from "./recover-policy.ts"
import { cell, type Row, span } from "./spans.ts"
import { title } from "./title.ts"
import { typedRow } from "./typed.ts"

const LABELS: Record<Field, string> = { about: "About", reason: "Reason", ticket: "Ticket" }

/** What and why: the fields, and below them what policy will ask. */
export function formRows(
  recover: Recover,
  step: Extract<Step, { at: "form" }>,
  width: number,
  look: Look,
): readonly Row[] {
  const least = recover.policy.value?.minReason ?? 1
  const { kind, value } = wantedOf(recover)
  const notes: Record<Field, string> = {
    about: value === "" ? "a token, or a subject" : `reads as a ${kind}`,
    reason: `at least ${counted(least, "character")}, for the record`,
    ticket: "optional",
  }
  const noteWidth = Math.min(36, Math.floor(width * 0.35))
  const typed = width - POINTER - LABEL - noteWidth - 2
  const fields = FIELDS.map((field): Row => {
    const isHere = field === recover.field
    const row = typedRow(recover.fields[field], isHere && recover.isTyping, look)
    return [
      span(isHere ? `${look.pointer} ` : "  ", "accent"),
      span(LABELS[field].padEnd(LABEL), isHere ? "strong" : "plain"),
      ...tailOf(row, typed, look),
      span("  "),
      span(cell(notes[field], noteWidth, look.ellipsis), "dim"),
    ]
  })
  return [
    title("What to recover, and why", look, width),
    ...fields,
    [],
    ...(step.problem === null ? [] : [...problemRows(step.problem, width, "warn"), []]),
    recover.isTyping
      ? [span("Enter goes on, Esc stops typing.", "dim")]
      : [
          span("Enter", "strong"),
          span(" begins to type. Nothing is asked for before you have read what it takes."),
        ],
    [],
    ...policyRows(recover, width, look),
  ]
}

/** The end of a typed line that is too long, padded to its column: the caret has to stay in sight. */
function tailOf(row: Row, width: number, look: Look): Row {
  const text = row.map((part) => part.text).join("")
  const caretAt = row.length > 1 ? (row[0]?.text.length ?? 0) : -1
  const hidden = Math.max(0, (caretAt < 0 ? 0 : caretAt + 1) - (width - 1))
  const shown = hidden === 0 ? text : `${look.ellipsis}${text.slice(hidden + 1)}`
  return [span(cell(shown, width, look.ellipsis))]
}
