import type { Action } from "../action.ts"
import { edited, textOf } from "../entry.ts"
import { listAfter } from "../list.ts"
import { loading } from "../loaded.ts"
import {
  FIELDS,
  type Field,
  hidden,
  RECOVER,
  RELEASE_WORD,
  type Recover,
  type RecoverEffect,
  type Step,
  wantedOf,
} from "./recover.ts"

const POLL_MS = 2000

type Next = readonly [Recover, readonly RecoverEffect[]]

export function recoverEntered(recover: Recover): Next {
  return [{ ...recover, policy: loading(recover.policy) }, [{ type: "recover-policy" }]]
}

/** Leaving the screen hides what it shows. */
export function recoverLeft(recover: Recover): Recover {
  const left = { ...recover, isTyping: false }
  return recover.step.at === "shown" ? hidden(left, "Hidden, because you left the screen.") : left
}

export function recoverTicked(recover: Recover, nowMs: number): Next {
  const { step } = recover
  if (step.at === "shown" && nowMs >= step.hidesAtMs) {
    return [hidden(recover, "Hidden after 30 seconds. What was shown is on the record."), []]
  }
  if (
    (step.at === "approval" || (step.at === "release" && !step.isAsking)) &&
    nowMs >= step.request.expiresAtMs
  ) {
    return [hidden(recover, `Request ${step.request.id} expired before it was released.`), []]
  }
  if (step.at === "approval" && !step.isAsking && nowMs >= step.askedAtMs + POLL_MS)
    return poll(recover, step, nowMs)
  return [recover, []]
}

function poll(recover: Recover, step: Extract<Step, { at: "approval" }>, nowMs: number): Next {
  return [
    { ...recover, step: { ...step, isAsking: true, askedAtMs: nowMs } },
    [{ type: "recover-status", id: step.request.id }],
  ]
}

export function recoverAfter(recover: Recover, action: Action, nowMs: number): Next {
  const { step } = recover
  switch (action.type) {
    case "open":
      return entered(recover, nowMs)
    case "back":
      return [wentBack(recover), []]
    case "field":
      return [step.at === "form" ? { ...recover, field: fieldBeside(recover.field, action.by) } : recover, []]
    case "insert":
    case "delete":
    case "caret":
      if (!recover.isTyping) return [recover, []]
      if (step.at === "release")
        return [{ ...recover, step: { ...step, word: edited(step.word, action), problem: null } }, []]
      return [
        {
          ...recover,
          fields: { ...recover.fields, [recover.field]: edited(recover.fields[recover.field], action) },
          step: { at: "form", problem: null },
        },
        [],
      ]
    default: {
      const list = step.at === "shown" ? listAfter(step.list, action, step.originals.length) : null
      if (step.at !== "shown" || list === null) return [recover, []]
      return [{ ...recover, step: { ...step, list } }, []]
    }
  }
}

function fieldBeside(field: Field, by: number): Field {
  return FIELDS[(FIELDS.indexOf(field) + by + FIELDS.length) % FIELDS.length] as Field
}

function wentBack(recover: Recover): Recover {
  const { step } = recover
  if (recover.isTyping) return { ...recover, isTyping: false }
  if (step.at === "policy" && !step.isAsking) return { ...recover, step: { at: "form", problem: null } }
  if (step.at === "shown") return hidden(recover, "Hidden.")
  if (step.at === "approval" || (step.at === "release" && !step.isAsking)) {
    return hidden(
      recover,
      `Request ${step.request.id} stays open; \`peppermill recover release ${step.request.id}\` takes it up again.`,
    )
  }
  return step.at === "over" ? { ...RECOVER, policy: recover.policy } : recover
}

/** Enter: on with the next step, as far as this one is complete. */
function entered(recover: Recover, nowMs: number): Next {
  const { step } = recover
  switch (step.at) {
    case "form": {
      if (!recover.isTyping) return [{ ...recover, isTyping: true }, []]
      if (recover.field !== "ticket") return [{ ...recover, field: fieldBeside(recover.field, 1) }, []]
      return [submitted(recover), []]
    }
    case "policy": {
      if (step.isAsking) return [recover, []]
      return [
        { ...recover, step: { ...step, isAsking: true, problem: null } },
        [{ type: "recover-request", wanted: step.wanted }],
      ]
    }
    case "approval":
      return step.isAsking ? [recover, []] : poll(recover, step, nowMs)
    case "release": {
      if (step.isAsking) return [recover, []]
      if (!recover.isTyping) return [{ ...recover, isTyping: true }, []]
      if (textOf(step.word).trim().toLowerCase() !== RELEASE_WORD) {
        return [
          {
            ...recover,
            step: { ...step, problem: { message: `type ${RELEASE_WORD} to go on, or esc to leave it` } },
          },
          [],
        ]
      }
      return [
        { ...recover, isTyping: false, step: { ...step, isAsking: true, problem: null } },
        [{ type: "recover-release", id: step.request.id }],
      ]
    }
    case "shown":
      return [hidden(recover, "Hidden."), []]
    case "over":
      return [{ ...RECOVER, policy: recover.policy }, []]
  }
}

function submitted(recover: Recover): Recover {
  const wanted = wantedOf(recover)
  const least = recover.policy.value?.minReason ?? 1
  const refuse = (field: Field, message: string): Recover => ({
    ...recover,
    field,
    step: { at: "form", problem: { message } },
  })
  if (wanted.value === "") return refuse("about", "name the token or the subject to recover")
  if (wanted.reason.length < least)
    return refuse("reason", `give a reason of at least ${least} characters: it goes into the record`)
  return { ...recover, isTyping: false, step: { at: "policy", wanted, problem: null, isAsking: false } }
}
