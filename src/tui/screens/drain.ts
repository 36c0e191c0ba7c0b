import type { Action } from "../action.ts"
import { LIST, type List, listAfter, matching } from "../list.ts"
import type { DrainView } from "../meter/drain-view.ts"
import type { Happening } from "../meter/happenings.ts"

export interface DrainScreen {
  /** Null until a run has begun. */
  readonly view: DrainView | null
  readonly list: List
  /** What had happened when one began to read back; null while the newest shows. */
  readonly held: readonly Happening[] | null
}

export const DRAIN: DrainScreen = { view: null, list: LIST, held: null }

export interface DrainEffect {
  readonly type: "drain-pause" | "drain-resume" | "drain-start" | "demo"
}

type Next = readonly [DrainScreen, readonly DrainEffect[]]

export function shownHappenings(drain: DrainScreen): readonly Happening[] {
  return matching(drain.list, drain.held ?? drain.view?.happenings ?? [], ({ text }) => text)
}

export function drainAfter(drain: DrainScreen, action: Action): Next {
  const state = drain.view?.doing.state
  switch (action.type) {
    case "pause":
      if (state === "paused") return [drain, [{ type: "drain-resume" }]]
      return [drain, state === "draining" || state === "idle" ? [{ type: "drain-pause" }] : []]
    case "again":
      return [drain, state === "finished" || state === "failed" ? [{ type: "drain-start" }] : []]
    case "demo":
      return [drain, drain.view === null ? [{ type: "demo" }] : []]
  }
  const list = listAfter(drain.list, action, shownHappenings(drain).length)
  if (list !== null) {
    // Reading back holds the list still: new lines would push the old ones from under the eye.
    return [
      { ...drain, list, held: list.cursor === 0 ? null : (drain.held ?? drain.view?.happenings ?? null) },
      [],
    ]
  }
  return [action.type === "back" ? { ...drain, list: LIST, held: null } : drain, []]
}
