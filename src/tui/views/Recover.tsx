import { Box } from "ink"
import { count, counted, duration, timeOfDay } from "../format.ts"
import type { Policy } from "../ports.ts"
import { FIELDS, type Field, RELEASE_WORD, type Recover, type Step, wantedOf } from "../screens/recover.ts"
import { Lines } from "./Line.tsx"
import { ListView, POINTER } from "./ListView.tsx"
import { problemRows } from "./loaded-rows.ts"
import { type Look, useLook } from "./look.ts"
import { cell, type Row, span, wrapped } from "./spans.ts"
import { title } from "./title.ts"
import { typedRow } from "./typed.ts"

const LABEL = 10

/** The way to an original: what and why, what policy asks, approval, release. */
export function RecoverView({
  recover,
  width,
  height,
  nowMs,
}: {
  readonly recover: Recover
  readonly width: number
  readonly height: number
  readonly nowMs: number
}) {
  const look = useLook()
  const { step } = recover
  const head: readonly Row[] = [wayRow(step, look), []]
  if (step.at === "shown") {
    return (
      <Box flexDirection="column">
        <Lines rows={head} width={width} />
        <Shown step={step} width={width} height={height - head.length} nowMs={nowMs} />
      </Box>
    )
  }
  const rows = [...head, ...stepRows(recover, width, nowMs, look)]
  return <Lines rows={rows.slice(0, height)} width={width} />
}

const WAY: readonly (readonly [string, readonly Step["at"][]])[] = [
  ["What and why", ["form"]],
  ["Policy", ["policy"]],
  ["Approval", ["approval"]],
  ["Release", ["release", "shown"]],
]

function wayRow(step: Step, look: Look): Row {
  return WAY.flatMap(([name, steps], at): Row => {
    const isHere = steps.includes(step.at)
    const text = isHere ? `[${at + 1} ${name}]` : ` ${at + 1} ${name} `
    const between = at === 0 ? [] : [span(` ${look.pointer} `, "dim")]
    return [...between, span(text, isHere ? "strong" : "dim")]
  })
}

function stepRows(recover: Recover, width: number, nowMs: number, look: Look): readonly Row[] {
  const { step } = recover
  const say = (text: string): readonly Row[] => wrapped(text, width).map((line) => [span(line)])
  switch (step.at) {
    case "form":
      return formRows(recover, step, width, look)
    case "policy":
      return [
        title("To be asked for, on the record", look, width),
        ...wantedRows(recover, width),
        [],
        ...policyRows(recover, width, look),
        [],
        ...(step.problem === null ? [] : [...problemRows(step.problem, width), []]),
        step.isAsking
          ? [span("Writing the request.", "dim")]
          : [
              span("Enter", "strong"),
              span(" writes the request, "),
              span("Esc", "strong"),
              span(" changes it."),
            ],
      ]
    case "approval": {
      const { request } = step
      const missing = Math.max(0, request.approvalsNeeded - request.approvals.length)
      return [
        title(`Request ${request.id}`, look, width),
        [
          span(`Waiting for ${counted(missing, "approval")} by another user`, "warn"),
          span(`; ${expiry(request.expiresAtMs, nowMs)}.`),
        ],
        [],
        ...request.approvals.map(
          ({ by, atMs }): Row => [span("approved ", "good"), span(`by ${by} at ${timeOfDay(atMs)} UTC`)],
        ),
        ...say(`They approve with: peppermill recover approve ${request.id}`),
        ...(step.problem === null ? [] : [[], ...problemRows(step.problem, width)]),
        [],
        [span("This screen asks again every two seconds, and goes on by itself.", "dim")],
      ]
    }
    case "release": {
      const { request } = step
      return [
        title(`Request ${request.id}`, look, width),
        [
          span("Approved", "good"),
          span(`${approvers(request.approvals)}; ${expiry(request.expiresAtMs, nowMs)}.`),
        ],
        [],
        ...say(
          "Releasing writes to the record that you saw the originals. They show here for 30 seconds, or until you leave.",
        ),
        [],
        ...(step.problem === null ? [] : [...problemRows(step.problem, width, "warn"), []]),
        step.isAsking
          ? [span("Releasing.", "dim")]
          : recover.isTyping
            ? [span(`Type ${RELEASE_WORD}: `, "strong"), ...typedRow(step.word, true, look)]
            : [
                span("Enter", "strong"),
                span(`, then type ${RELEASE_WORD}, then `),
                span("Enter", "strong"),
                span("."),
              ],
      ]
    }
    case "shown":
      return []
    case "over":
      return [...say(step.words), [], [span("Enter", "strong"), span(" begins another recovery.")]]
  }
}

const LABELS: Record<Field, string> = { about: "About", reason: "Reason", ticket: "Ticket" }

function formRows(
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

function wantedRows(recover: Recover, width: number): readonly Row[] {
  const { kind, value, reason, ticket } = wantedOf(recover)
  const facts: readonly (readonly [string, string])[] = [
    [kind, value],
    ["reason", reason],
    ["ticket", ticket ?? "-"],
  ]
  return facts.flatMap(([label, text]) =>
    wrapped(text, width - LABEL).map(
      (line, at): Row => [span((at === 0 ? label : "").padEnd(LABEL), "dim"), span(line)],
    ),
  )
}

function policyRows({ policy }: Recover, width: number, look: Look): readonly Row[] {
  const head = title("What policy asks", look, width)
  if (policy.problem !== null) return [head, ...problemRows(policy.problem, width)]
  if (policy.value === null) return [head, [span("Asking the database.", "dim")]]
  return [head, ...policyWords(policy.value).map((words): Row => [span(words)])]
}

function policyWords({ user, approvals, ttlMinutes, rowsPerHour, rowsLeft }: Policy): readonly string[] {
  return [
    `You are ${user}.`,
    approvals === 0
      ? "No approval by others is needed."
      : `It takes ${counted(approvals, "approval")} by ${approvals === 1 ? "another user" : "other users"}.`,
    `A request lives for ${counted(ttlMinutes, "minute")}.`,
    `You may see ${counted(rowsPerHour, "original")} an hour${rowsLeft === undefined ? "" : `; ${count(rowsLeft)} of them are left`}.`,
  ]
}

function expiry(atMs: number, nowMs: number): string {
  return `expires in ${duration(atMs - nowMs)}`
}

function approvers(approvals: readonly { readonly by: string }[]): string {
  return approvals.length === 0
    ? ", as policy asks for no one else"
    : ` by ${approvals.map(({ by }) => by).join(", ")}`
}

function Shown({
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
