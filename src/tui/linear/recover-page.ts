import { counted } from "../format.ts"
import type { Policy, Problem } from "../ports.ts"
import { type Field, type Recover, wantedOf } from "../screens/recover.ts"

const QUESTIONS: Record<Field, string> = {
  about: "About: the token or the subject to recover?",
  reason: "Reason: why? It goes into the record.",
  ticket: "Ticket: which one? It may stay empty.",
}

/**
 * The steps of a recovery, to be heard. An original is never among them: what
 * was said once cannot be hidden again.
 */
export function recoverPage(recover: Recover): readonly string[] {
  const { step } = recover
  switch (step.at) {
    case "form":
      if (recover.isTyping) return [...problem(step.problem), QUESTIONS[recover.field]]
      return ["Recover. Enter begins with the first question.", ...policyLines(recover)]
    case "policy": {
      const { kind, value, reason, ticket } = wantedOf(recover)
      return [
        `To be asked for, on the record: ${kind} ${value}. Reason: ${reason}. Ticket: ${ticket ?? "none"}.`,
        ...policyLines(recover),
        ...problem(step.problem),
        step.isAsking ? "Writing the request." : "Enter writes the request. esc changes it.",
      ]
    }
    case "approval": {
      const { id, approvals, approvalsNeeded } = step.request
      return [
        `Request ${id} waits for ${counted(Math.max(0, approvalsNeeded - approvals.length), "approval")} by another user.`,
        ...approvals.map(({ by }) => `Approved by ${by}.`),
        `They approve with: peppermill recover approve ${id}`,
        ...problem(step.problem),
      ]
    }
    case "release":
    case "shown":
      return step.at === "shown" ? [] : approvedLines(step.request.id)
    case "over":
      return [step.words, "Enter begins another recovery."]
  }
}

function approvedLines(id: string): readonly string[] {
  return [
    `Request ${id} is approved.`,
    "This mode cannot hide again what it has said, so originals are not shown here.",
    `Release it with: peppermill recover release ${id}`,
  ]
}

function problem(found: Problem | null): readonly string[] {
  return found === null
    ? []
    : [`${found.message}.`, ...(found.hint === undefined ? [] : [`What to do: ${found.hint}.`])]
}

function policyLines({ policy }: Recover): readonly string[] {
  if (policy.problem !== null) return problem(policy.problem)
  return policy.value === null ? [] : [policyWords(policy.value)]
}

function policyWords({ user, approvals, ttlMinutes, rowsPerHour, rowsLeft = rowsPerHour }: Policy): string {
  const others = approvals === 0 ? "no approval" : counted(approvals, "approval")
  return `Policy: you are ${user}; it takes ${others} by others; a request lives for ${counted(ttlMinutes, "minute")}; ${counted(rowsLeft, "original")} are left to you this hour.`
}
