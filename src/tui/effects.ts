import { type Answer, problemOf } from "./loaded.ts"
import type { AuditPort, Offered, Ports, Problem, QuarantinePort } from "./ports.ts"
import { PAGE } from "./screens/audit.ts"
import type { DrainEffect } from "./screens/drain.ts"
import { MESSAGES_SHOWN } from "./screens/quarantine.ts"
import type { Effect, News } from "./update.ts"

/** The effects that are a question to a port. */
export type Question = Exclude<Effect, DrainEffect | { readonly type: "leave" }>

/** Ask the ports, and tell what they answered. Never throws: what fails is an answer too. */
export function performIn(ports: Ports, tell: (news: News) => void): (question: Question) => void {
  function ask<P, T>(
    { port }: Offered<P>,
    question: (port: P) => Promise<T>,
    news: (answer: Answer<T>) => News,
  ): void {
    if (port !== undefined) void answerTo(() => question(port)).then((answer) => tell(news(answer)))
  }

  async function checkAll(): Promise<void> {
    let problem: Problem | null = null
    try {
      for await (const check of ports.doctor.checks()) tell({ type: "check", check })
    } catch (error) {
      problem = problemOf(error)
    }
    tell({ type: "checked", problem })
  }

  return (question) => {
    const { quarantine, recovery, audit, keys } = ports
    switch (question.type) {
      case "quarantine-groups":
        ask(
          quarantine,
          (port) => port.groups(),
          (answer) => ({ type: "groups", answer }),
        )
        break
      case "quarantine-messages": {
        const { group } = question
        const list = (port: QuarantinePort) => port.messages(group, MESSAGES_SHOWN)
        ask(quarantine, list, (answer) => ({ type: "messages", group, answer }))
        break
      }
      case "recover-policy":
        ask(
          recovery,
          (port) => port.policy(),
          (answer) => ({ type: "policy", answer }),
        )
        break
      case "recover-request": {
        const { wanted } = question
        ask(
          recovery,
          (port) => port.request(wanted),
          (answer) => ({ type: "requested", answer }),
        )
        break
      }
      case "recover-status": {
        const { id } = question
        ask(
          recovery,
          (port) => port.status(id),
          (answer) => ({ type: "status", id, answer }),
        )
        break
      }
      case "recover-release": {
        const { id } = question
        ask(
          recovery,
          (port) => port.release(id),
          (answer) => ({ type: "released", id, answer }),
        )
        break
      }
      case "audit-records": {
        const { filter, before } = question
        const page = (port: AuditPort) => port.records({ filter, before, limit: PAGE })
        ask(audit, page, (answer) => ({ type: "records", filter, before, answer }))
        break
      }
      case "doctor":
        void checkAll()
        break
      case "keys":
        ask(
          keys,
          (port) => port.keys(),
          (answer) => ({ type: "ring", answer }),
        )
        break
    }
  }
}

async function answerTo<T>(question: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await question() }
  } catch (error) {
    return { ok: false, problem: problemOf(error) }
  }
}
