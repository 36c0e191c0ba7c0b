import { count, counted } from "../format.ts"
import type { Policy } from "../ports.ts"
import { type Recover, wantedOf } from "../screens/recover.ts"
import { problemRows } from "./loaded-rows.ts"
import type { Look } from "./look.ts"
import { type Row, span, wrapped } from "./spans.ts"
import { title } from "./title.ts"

/** Columns of a label before what it names. */
export const LABEL = 10

/** What was filled in, as it goes into the record. */
export function wantedRows(recover: Recover, width: number): readonly Row[] {
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

/** What the database asks before it hands out an original. */
export function policyRows({ policy }: Recover, width: number, look: Look): readonly Row[] {
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
