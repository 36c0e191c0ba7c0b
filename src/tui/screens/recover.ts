import { isToken } from "../../mask/token.ts"
import { EMPTY_ENTRY, type Entry, textOf } from "../entry.ts"
import type { List } from "../list.ts"
import { type Answer, type Loaded, UNLOADED } from "../loaded.ts"
import type { Original, Policy, Problem, RecoveryRequest, Wanted } from "../ports.ts"

/** An original stays on the screen for this long. */
export const SHOWN_MS = 30_000

/** What has to be typed before an original is shown. */
export const RELEASE_WORD = "release"

export const FIELDS = ["about", "reason", "ticket"] as const
export type Field = (typeof FIELDS)[number]

/** The way to an original, one step after the other. There is no step that a single key takes to clear text. */
export type Step =
  | { readonly at: "form"; readonly problem: Problem | null }
  | {
      readonly at: "policy"
      readonly wanted: Wanted
      readonly problem: Problem | null
      readonly isAsking: boolean
    }
  | {
      readonly at: "approval"
      readonly request: RecoveryRequest
      readonly askedAtMs: number
      readonly isAsking: boolean
      readonly problem: Problem | null
    }
  | {
      readonly at: "release"
      readonly request: RecoveryRequest
      readonly word: Entry
      readonly problem: Problem | null
      readonly isAsking: boolean
    }
  | {
      readonly at: "shown"
      readonly originals: readonly Original[]
      readonly hidesAtMs: number
      readonly list: List
    }
  | { readonly at: "over"; readonly words: string }

export interface Recover {
  readonly fields: Readonly<Record<Field, Entry>>
  readonly field: Field
  /** Whether keys are letters now. */
  readonly isTyping: boolean
  readonly policy: Loaded<Policy>
  readonly step: Step
}

export const RECOVER: Recover = {
  fields: { about: EMPTY_ENTRY, reason: EMPTY_ENTRY, ticket: EMPTY_ENTRY },
  field: "about",
  isTyping: false,
  policy: UNLOADED,
  step: { at: "form", problem: null },
}

export type RecoverEffect =
  | { readonly type: "recover-policy" }
  | { readonly type: "recover-request"; readonly wanted: Wanted }
  | { readonly type: "recover-status" | "recover-release"; readonly id: string }

export type RecoverNews =
  | { readonly type: "policy"; readonly answer: Answer<Policy> }
  | { readonly type: "requested"; readonly answer: Answer<RecoveryRequest> }
  | { readonly type: "status"; readonly id: string; readonly answer: Answer<RecoveryRequest> }
  | { readonly type: "released"; readonly id: string; readonly answer: Answer<readonly Original[]> }

export function wantedOf(recover: Recover): Wanted {
  const value = textOf(recover.fields.about).trim()
  const ticket = textOf(recover.fields.ticket).trim()
  return {
    kind: isToken(value) ? "token" : "subject",
    value,
    reason: textOf(recover.fields.reason).trim(),
    ticket: ticket === "" ? null : ticket,
  }
}

/** The end of a recovery: nothing of what was asked or shown is kept. */
export function hidden(recover: Recover, words: string): Recover {
  return { ...RECOVER, policy: recover.policy, step: { at: "over", words } }
}
