import { count, counted, dateTime, latency, roughly, timeOfDay } from "../format.ts"
import { placesOf } from "../keymap.ts"
import { footerKeys, helpKeys } from "../keymap-text.ts"
import type { Loaded } from "../loaded.ts"
import type { DrainView, Stage } from "../meter/drain-view.ts"
import type { Model } from "../model.ts"
import type { Problem } from "../ports.ts"
import { shownRecords } from "../screens/audit.ts"
import { shownChecks } from "../screens/doctor.ts"
import { shownHappenings } from "../screens/drain.ts"
import { shownKeys } from "../screens/keys.ts"
import { type Quarantine, shownGroups, shownMessages } from "../screens/quarantine.ts"
import { sentence } from "../views/words.ts"
import { recoverPage } from "./recover-page.ts"

/** Items said of a long list. */
const SAID = 20

/** The screen as lines to be heard one after the other: each says what it is about before it says the figure. */
export function pageOf(model: Model): readonly string[] {
  if (model.overlay !== null) return overlayPage(model)
  const missing = model.missing[model.screen]
  if (missing !== null)
    return [...problemLines(missing), "5 says what a run needs. d runs the demo. q leaves."]
  switch (model.screen) {
    case "drain":
      return drainPage(model)
    case "quarantine":
      return quarantinePage(model.quarantine, model.nowMs)
    case "recover":
      return recoverPage(model.recover)
    case "audit":
      return loadedPage("Audit", model.audit.records, () =>
        numbered("record", shownRecords(model.audit), (record) => {
          const { position, atMs, actor, action, outcome, about, reason } = record
          const what = about === null ? "" : `, about ${about}`
          const why = reason === null ? "" : `, reason: ${reason}`
          return `number ${count(position)}, ${dateTime(atMs)} UTC, ${actor}, ${action}, ${outcome}${what}${why}`
        }),
      )
    case "doctor":
      return doctorPage(model)
    case "keys":
      return loadedPage("Keys", model.keys.ring, () =>
        numbered(
          "key",
          shownKeys(model.keys),
          ({ kind, id, standing, words }) => `${kind} ${id}, ${standing}, ${words}`,
        ),
      )
  }
}

/** The keys that matter here, as a menu. */
export function menuOf(model: Model): string {
  const places = placesOf(model)
  if (places.includes("typing")) return "Type the answer, then Enter. The word esc goes back."
  const keys = footerKeys(places).map(({ shown, word }) => `${shown} ${word}`)
  const screens = "1 Drain, 2 Quarantine, 3 Recover, 4 Audit, 5 Doctor, 6 Keys"
  return `Menu: ${[screens, ...keys].join(", ")}. Type one, then Enter.`
}

function drainPage({ drain }: Model): readonly string[] {
  const { view } = drain
  if (view === null) return ["Drain. Asking the queue for messages."]
  const refused = Object.entries(view.totals.rejections).map(([reason, n]) => `${reason} ${count(n)}`)
  const happened = shownHappenings(drain).slice(0, 5)
  return [
    `Drain. State: ${view.doing.state}. ${sentence(view)}`,
    ...(view.failure?.hint === undefined ? [] : [`What to do: ${view.failure.hint}`]),
    summaryLine(view),
    queueLine(view),
    ...stageLines(view),
    refused.length === 0 ? "Refused: none." : `Refused: ${refused.join(", ")}.`,
    happened.length === 0 ? "Events: none yet." : "Events, newest first:",
    ...happened.map(({ atMs, text }) => `${timeOfDay(atMs)}: ${text}.`),
  ]
}

/** The run in one line, for saying now and then. */
export function summaryLine({ totals, inHand }: DrainView): string {
  const { received, stored, duplicates, quarantined, left } = totals
  return `Messages: received ${count(received)}, stored ${count(stored)}, duplicates ${count(duplicates)}, quarantined ${count(quarantined)}, left in the queue ${count(left)}, in hand ${count(inHand)}.`
}

function queueLine({ depth, oldestMs }: DrainView): string {
  if (depth === null) return "Queue: its counts have not come yet."
  const { visible, inFlight, delayed } = depth.counts
  const oldest = oldestMs === null ? "" : `, oldest message ${roughly(oldestMs)}`
  return `Queue: waiting ${count(visible)}, in flight ${count(inFlight)}, delayed ${count(delayed)}${oldest}.`
}

function stageLines({ stages }: DrainView): readonly string[] {
  return (["receive", "commit", "delete"] as const).flatMap((stage: Stage) => {
    const q = stages[stage]
    return q === null ? [] : [`Stage ${stage}: median ${latency(q.p50)}, 99th percentile ${latency(q.p99)}.`]
  })
}

function quarantinePage(quarantine: Quarantine, nowMs: number): readonly string[] {
  const { open } = quarantine
  if (open !== null) {
    const name = `Quarantine, refused for ${open.group.reason} at ${open.group.field}`
    return loadedPage(name, open.messages, () =>
      numbered(
        "message",
        shownMessages(open),
        (message) => `${message.messageId}, sent ${dateTime(message.sentAtMs)} UTC`,
      ),
    )
  }
  return loadedPage("Quarantine", quarantine.groups, () =>
    numbered("group", shownGroups(quarantine), (group) => {
      const { reason, field, shape, oldestSentAtMs } = group
      const oldest = `oldest ${roughly(nowMs - oldestSentAtMs)} ago`
      return `${counted(group.count, "message")}, ${reason} at ${field}, shape ${shape}, ${oldest}`
    }),
  )
}

function doctorPage({ doctor }: Model): readonly string[] {
  const checks = shownChecks(doctor).flatMap(({ name, result, message, hint }) => [
    `${result === "fail" ? "FAILED" : result}, ${name}: ${message}.`,
    ...(hint === undefined || result === "ok" ? [] : [`What to do: ${hint}.`]),
  ])
  const problem = doctor.problem === null ? [] : problemLines(doctor.problem)
  return [
    `Doctor. ${doctor.isRunning ? "Checking." : `${counted(doctor.checks.length, "check")}.`}`,
    ...problem,
    ...checks,
  ]
}

function overlayPage(model: Model): readonly string[] {
  if (model.overlay?.page === "log") {
    return [
      "Log. Esc closes it.",
      ...model.log.slice(0, SAID).map(({ atMs, text }) => `${timeOfDay(atMs)}: ${text}`),
    ]
  }
  const { here, elsewhere } = helpKeys(placesOf({ ...model, overlay: null }))
  return [
    "Keys. Type one, then Enter; the word esc stands for Esc.",
    ...[...here, ...elsewhere].map(({ shown, does }) => `${shown}: ${does}.`),
  ]
}

function loadedPage<T>(name: string, loaded: Loaded<T>, lines: () => readonly string[]): readonly string[] {
  if (loaded.problem !== null) return [`${name}.`, ...problemLines(loaded.problem)]
  if (loaded.value === null) return [`${name}. Asking the database.`]
  return [`${name}.`, ...lines()]
}

function numbered<T>(noun: string, items: readonly T[], say: (item: T) => string): readonly string[] {
  const more =
    items.length > SAID ? [`And ${count(items.length - SAID)} more: / and words narrow the list.`] : []
  const said = items.slice(0, SAID).map((item, at) => `#${at + 1}: ${say(item)}.`)
  return [`${counted(items.length, noun)}.`, ...said, ...more]
}

function problemLines({ message, hint }: Problem): readonly string[] {
  return [`${message}.`, ...(hint === undefined ? [] : [`What to do: ${hint}.`])]
}
