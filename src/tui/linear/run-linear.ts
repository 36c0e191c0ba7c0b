import { createInterface } from "node:readline"
import { safe } from "../../safe.ts"
import type { Model } from "../model.ts"
import type { Session, SessionEnd } from "../session.ts"
import { sentence, stateWord } from "../views/words.ts"
import { actionsOf } from "./input.ts"
import { menuOf, pageOf, summaryLine } from "./pages.ts"

/** A running drain is summed up this often. */
const SUMMARY_MS = 30_000

/** A line that goes on longer than this says nothing more. */
const MAX_LINE = 1000

/** Items a page key moves by, where there are no pages. */
const PAGE_ROWS = 20

/**
 * The same session, said instead of drawn: lines that are written once and
 * stay, a menu, answers typed and ended with Enter. For screen readers, and for
 * terminals that cannot move their cursor.
 */
export async function runLinear(
  session: Session,
  stdin: NodeJS.ReadableStream,
  stdout: NodeJS.WritableStream,
): Promise<SessionEnd> {
  const { store } = session
  const say = (lines: readonly string[]) =>
    stdout.write(lines.map((line) => `${safe(line, MAX_LINE)}\n`).join(""))
  const teller = createTeller(store.getSnapshot(), say)
  let isAnswering = false
  const unsubscribe = store.subscribe(() => {
    if (!isAnswering) teller.changed(store.getSnapshot())
  })
  const lines = createInterface({ input: stdin, terminal: false })
  say(["peppermill.", ...teller.page(store.getSnapshot())])

  lines.on("line", (line) => {
    const model = store.current()
    // What cannot be hidden again is not asked for from here.
    const isRelease = model.screen === "recover" && model.recover.step.at === "release" && line.trim() === ""
    const actions = isRelease ? [] : actionsOf(model, line)
    if (actions === null) return say(["That is no key here. ? says which there are."])
    isAnswering = true
    for (const action of actions) session.act(action, PAGE_ROWS)
    isAnswering = false
    say(teller.page(store.current()))
  })
  // A terminal that went away leaves as the leave key does.
  lines.on("close", session.leave)
  try {
    return await session.ended
  } finally {
    unsubscribe()
    lines.off("close", session.leave)
    lines.close()
  }
}

/** Says what changed, and nothing twice. */
export function createTeller(first: Model, say: (lines: readonly string[]) => void) {
  let state = stateWord(first)
  let said: readonly string[] = []
  let summedUpAtMs = first.nowMs

  return {
    /** The whole page and its menu, because it was asked for. */
    page(model: Model): readonly string[] {
      said = pageOf(model)
      return [...said, menuOf(model)]
    },
    changed(model: Model): void {
      const { view } = model.drain
      if (view !== null && view.doing.state !== state) {
        state = view.doing.state
        say([`State: ${state}. ${sentence(view)}`])
      }
      if (view !== null && view.endedMs === null && model.nowMs - summedUpAtMs >= SUMMARY_MS) {
        summedUpAtMs = model.nowMs
        say([summaryLine(view)])
      }
      // The figures of a run change all the time; of the other screens every change is news.
      if (model.screen === "drain" && model.overlay === null) return
      const page = pageOf(model)
      if (page.length === said.length && page.every((line, at) => line === said[at])) return
      const known = new Set(said)
      said = page
      say(page.filter((line) => !known.has(line)))
    },
  }
}
