import { Box } from "ink"
import { counted, duration, timeOfDay } from "../format.ts"
import { RELEASE_WORD, type Recover, type Step } from "../screens/recover.ts"
import { Lines } from "./Line.tsx"
import { problemRows } from "./loaded-rows.ts"
import { type Look, useLook } from "./look.ts"
import { OriginalsView } from "./Originals.tsx"
import { formRows } from "./recover-form.ts"
import { policyRows, wantedRows } from "./recover-policy.ts"
import { type Row, span, wrapped } from "./spans.ts"
import { title } from "./title.ts"
import { typedRow } from "./typed.ts"

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
        <OriginalsView step={step} width={width} height={height - head.length} nowMs={nowMs} />
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

function expiry(atMs: number, nowMs: number): string {
  return `expires in ${duration(atMs - nowMs)}`
}

function approvers(approvals: readonly { readonly by: string }[]): string {
  return approvals.length === 0
    ? ", as policy asks for no one else"
    : ` by ${approvals.map(({ by }) => by).join(", ")}`
}
