import type { Action } from "./action.ts"
import { BINDINGS, type Binding, type Place } from "./bindings.ts"
import { EMPTY_ENTRY } from "./entry.ts"
import { listOf, type Model } from "./model.ts"
import { isLetter, type KeyName } from "./press.ts"
import type { Recover } from "./screens/recover.ts"

/** What holds now. */
export function placesOf(model: Model): readonly Place[] {
  const { screen } = model
  if (model.overlay !== null) return ["everywhere", "overlay", "scroll"]
  if (model.missing[screen] !== null) return ["everywhere", "browsing", "unconfigured"]
  if (listOf(model)?.isFiltering) return ["everywhere", "typing", "filter"]
  if (screen === "recover") return recoverPlaces(model.recover)
  const places: Place[] = ["everywhere", "browsing", "list", "scroll", screen]
  const isOpened = isOpen(model)
  if (isOpened || listOf(model)?.filter !== EMPTY_ENTRY) places.push("opened")
  if (!isOpened && (screen === "quarantine" || screen === "audit")) places.push("openable")
  const state = model.drain.view?.doing.state
  if (screen === "drain") places.push(state === "finished" || state === "failed" ? "ended" : "running")
  return places
}

function isOpen({ screen, drain, quarantine, audit }: Model): boolean {
  switch (screen) {
    case "drain":
      return drain.held !== null
    case "quarantine":
      return quarantine.open !== null
    case "audit":
      return audit.open !== null
    default:
      return false
  }
}

function recoverPlaces({ isTyping, step }: Recover): readonly Place[] {
  if (isTyping) return ["everywhere", "typing", step.at === "form" ? "form" : "confirm"]
  const places: readonly Place[] = ["everywhere", "browsing", "recover"]
  if (step.at === "form" || step.at === "over") return places
  return step.at === "shown" ? [...places, "opened", "scroll"] : [...places, "opened"]
}

export function bindingsIn(places: readonly Place[]): readonly Binding[] {
  return BINDINGS.filter((binding) => binding.in.some((place) => places.includes(place)))
}

/** What a key asks for where it was pressed; null when nothing. */
export function keymap(places: readonly Place[], name: KeyName): Action | null {
  for (const binding of bindingsIn(places)) {
    const action = binding.keys[name]
    if (action !== undefined) return action
  }
  return places.includes("typing") && isLetter(name) ? { type: "insert", text: name } : null
}
