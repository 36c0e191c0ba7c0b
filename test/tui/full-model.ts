import type { DrainEvent } from "../../src/drain-event.ts"
import { SCREENS, type Screen } from "../../src/tui/action.ts"
import { createDrainMeter } from "../../src/tui/meter/drain-meter.ts"
import type { DrainView } from "../../src/tui/meter/drain-view.ts"
import { firstModel, type Model } from "../../src/tui/model.ts"
import type { Problem } from "../../src/tui/ports.ts"
import { type Message, type News, update } from "../../src/tui/update.ts"
import { checks, fakePorts, groups, keyRing, NOW, ORIGINALS, records, type Taint } from "./fake-ports.ts"

const SAME: Taint = (text) => text

/** Two minutes of a busy drain. */
export function busyView(taint: Taint = SAME, last: readonly DrainEvent[] = []): DrainView {
  let nowMs = NOW - 120_000
  const meter = createDrainMeter(() => nowMs)
  for (let second = 0; second < 120; second++) {
    nowMs += 1000
    const rows = 5000 + Math.round(3000 * Math.sin(second / 9))
    const received = rows + 40
    meter.add({ type: "received", count: received, durationMs: 21, oldestSentAtMs: nowMs - 200_000 })
    if (second % 20 === 7) {
      const rejection = { reason: "wrong-type", field: taint("ip") } as const
      meter.add({ type: "rejected", messageId: taint("6f1c0d8e-0000-4000-8000-000000000001"), rejection })
    }
    meter.add({ type: "stored", stored: rows, duplicates: 12, quarantined: 1, originals: 300, durationMs: 9 })
    meter.add({ type: "acknowledged", count: rows + 13, failed: 0, durationMs: 14 })
    if (second % 30 === 0) meter.addCounts({ visible: 900_000 - second * 2000, inFlight: 4000, delayed: 0 })
  }
  meter.add({
    type: "retrying",
    service: "database",
    call: taint("commit"),
    code: taint("40001"),
    attempt: 1,
    delayMs: 80,
  })
  for (const event of last) meter.add(event)
  return meter.view()
}

function failedView(problem: Problem): DrainView {
  const meter = createDrainMeter(() => NOW)
  meter.add({ type: "finished", outcome: "failed", heldByOthers: 0 })
  meter.failed(problem)
  return meter.view()
}

export function applied(model: Model, ...messages: readonly Message[]): Model {
  return messages.reduce((before, message) => update(before, message)[0], model)
}

export const act = (action: Extract<Message, { type: "act" }>["action"]): Message => ({
  type: "act",
  action,
  pageRows: 10,
})
const told = (news: News): Message => ({ type: "told", news })

/** A model in which every screen has something to show, all of it tainted. */
export function fullModel(taint: Taint = SAME): Model {
  const { ports } = fakePorts({ taint })
  const policy = {
    user: taint("alice"),
    approvals: 1,
    ttlMinutes: 15,
    rowsPerHour: 100,
    rowsLeft: 97,
    minReason: 10,
  }
  return applied(
    firstModel(ports, NOW),
    { type: "tick", nowMs: NOW, drain: busyView(taint), log: [{ atMs: NOW, text: taint("a warning") }] },
    ...SCREENS.map((screen) => act({ type: "show", screen })),
    told({ type: "groups", answer: { ok: true, value: groups(taint) } }),
    told({ type: "records", filter: "", before: null, answer: { ok: true, value: records(taint) } }),
    ...checks(taint).map((check) => told({ type: "check", check })),
    told({ type: "checked", problem: null }),
    told({ type: "ring", answer: { ok: true, value: keyRing(taint) } }),
    told({ type: "policy", answer: { ok: true, value: policy } }),
  )
}

/** Every state a person can come to, by name. */
export function allModels(taint: Taint = SAME): ReadonlyMap<string, Model> {
  const model = fullModel(taint)
  const on = (screen: Screen): Model => ({ ...model, screen })
  const problem: Problem = { message: taint("it did not answer"), hint: taint("see that it runs") }
  const failed = { ok: false, problem } as const
  const typed = applied(
    on("recover"),
    act({ type: "open" }),
    act({ type: "insert", text: taint("u-17") }),
    act({ type: "open" }),
    act({ type: "insert", text: taint("asked by legal, case 4417") }),
  )
  const policy = applied(typed, act({ type: "open" }), act({ type: "open" }))
  const request = {
    id: taint("42"),
    approvalsNeeded: 2,
    expiresAtMs: NOW + 600_000,
    approvals: [{ by: taint("bob"), atMs: NOW }],
  }
  const asked = applied(policy, act({ type: "open" }))
  const waiting = applied(
    asked,
    told({ type: "requested", answer: { ok: true, value: { ...request, state: "waiting" } } }),
  )
  const approved = applied(
    asked,
    told({ type: "requested", answer: { ok: true, value: { ...request, state: "approved" } } }),
  )
  const confirming = applied(approved, act({ type: "open" }), act({ type: "insert", text: "release" }))
  const originals = ORIGINALS.map(({ subject, field, value }) => ({
    subject: taint(subject),
    field: taint(field),
    value: taint(value as string),
    verified: true,
  }))
  const shown = applied(
    confirming,
    act({ type: "open" }),
    told({ type: "released", id: request.id, answer: { ok: true, value: originals } }),
  )
  const opened = applied(
    on("quarantine"),
    act({ type: "open" }),
    told({
      type: "messages",
      group: model.quarantine.groups.value?.[0] as never,
      answer: { ok: true, value: [{ messageId: taint("6f1c"), sentAtMs: NOW, quarantinedAtMs: NOW }] },
    }),
  )
  const bare = {
    ...model,
    queue: null,
    database: null,
    missing: { ...model.missing, drain: problem, recover: problem },
  }
  return new Map<string, Model>([
    ...(["drain", "quarantine", "recover", "audit", "doctor", "keys"] as const).map(
      (screen) => [screen, on(screen)] as const,
    ),
    ["drain failed", applied(on("drain"), { type: "tick", nowMs: NOW, drain: failedView(problem), log: [] })],
    ["drain, read back", applied(on("drain"), act({ type: "move", by: 3 }))],
    [
      "drain, narrowed",
      applied(on("drain"), act({ type: "filter" }), act({ type: "insert", text: taint("stored") })),
    ],
    ["drain, leaving", applied(on("drain"), act({ type: "leave" }))],
    ["not set up", { ...bare, screen: "drain" }],
    ["recover missing", { ...bare, screen: "recover" }],
    ["quarantine opened", opened],
    ["quarantine failed", applied(on("quarantine"), told({ type: "groups", answer: failed }))],
    ["audit opened", applied(on("audit"), act({ type: "open" }))],
    [
      "audit failed",
      applied(on("audit"), told({ type: "records", filter: "", before: null, answer: failed })),
    ],
    ["doctor failed", applied(on("doctor"), told({ type: "checked", problem }))],
    ["keys failed", applied(on("keys"), told({ type: "ring", answer: failed }))],
    ["recover typed", typed],
    ["recover policy", policy],
    ["recover refused", applied(asked, told({ type: "requested", answer: failed }))],
    ["recover waiting", waiting],
    ["recover approved", approved],
    ["recover confirming", confirming],
    ["recover shown", shown],
    ["recover over", applied(shown, act({ type: "back" }))],
    ["help", applied(model, act({ type: "help" }))],
    ["log", applied(model, act({ type: "log" }))],
  ])
}
