import { EMPTY_ENTRY } from "../entry.ts"
import { LIST } from "../list.ts"
import { answered } from "../loaded.ts"
import type { RecoveryRequest } from "../ports.ts"
import { hidden, RECOVER, type Recover, type RecoverNews, SHOWN_MS, type Step } from "./recover.ts"

/**
 * What an answer of the recovery port changes. An answer to a question that is
 * no longer asked changes nothing.
 *
 * @param isShowing - Whether the person is looking at this screen.
 */
export function recoverTold(recover: Recover, news: RecoverNews, nowMs: number, isShowing: boolean): Recover {
  const { step } = recover
  switch (news.type) {
    case "policy":
      return { ...recover, policy: answered(recover.policy, news.answer, nowMs) }
    case "requested": {
      if (step.at !== "policy") return recover
      if (!news.answer.ok)
        return { ...recover, step: { ...step, isAsking: false, problem: news.answer.problem } }
      return { ...recover, step: stepFor(news.answer.value, nowMs) }
    }
    case "status": {
      if (step.at !== "approval" || step.request.id !== news.id) return recover
      if (!news.answer.ok)
        return { ...recover, step: { ...step, isAsking: false, problem: news.answer.problem } }
      const { value } = news.answer
      if (value.state !== "waiting" && value.state !== "approved")
        return hidden(recover, `Request ${value.id} is ${value.state}.`)
      return { ...recover, step: stepFor(value, step.askedAtMs) }
    }
    case "released": {
      if (step.at !== "release" || step.request.id !== news.id) return recover
      if (!news.answer.ok)
        return {
          ...recover,
          step: { ...step, isAsking: false, word: EMPTY_ENTRY, problem: news.answer.problem },
        }
      // Nobody looks: clear text must not wait on a screen for whoever comes by.
      if (!isShowing)
        return hidden(
          recover,
          "Released while you were elsewhere, so nothing was shown. Request it again to see it.",
        )
      return {
        ...recover,
        fields: RECOVER.fields,
        field: "about",
        step: { at: "shown", originals: news.answer.value, hidesAtMs: nowMs + SHOWN_MS, list: LIST },
      }
    }
  }
}

function stepFor(request: RecoveryRequest, askedAtMs: number): Step {
  return request.state === "approved"
    ? { at: "release", request, word: EMPTY_ENTRY, problem: null, isAsking: false }
    : { at: "approval", request, askedAtMs, isAsking: false, problem: null }
}
