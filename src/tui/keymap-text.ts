import { BINDINGS, type Binding, type Place } from "./bindings.ts"
import { bindingsIn } from "./keymap.ts"
import type { Model } from "./model.ts"

export interface FooterKey {
  readonly shown: string
  readonly word: string
  readonly isMinor: boolean
}

/** The few keys that matter where one is, in the order of the keymap. */
export function footerKeys(places: readonly Place[]): readonly FooterKey[] {
  return bindingsIn(places).flatMap(({ shown, footer, isMinor = false }) =>
    footer === undefined ? [] : [{ shown: shown.split(" ")[0] as string, word: footer, isMinor }],
  )
}

/** Every key: those that work in a place, and those of other places. */
export function helpKeys(
  places: readonly Place[],
): Readonly<Record<"here" | "elsewhere", readonly Binding[]>> {
  const here = bindingsIn(places)
  return { here, elsewhere: BINDINGS.filter((binding) => !here.includes(binding)) }
}

/** Lines of the page over the screen. */
export function overlayRows({ overlay, log }: Model): number {
  return overlay?.page === "help" ? BINDINGS.length + 2 + HELP_NOTES.length : log.length
}

/** What the `?` page says below the keys. */
export const HELP_NOTES = [
  "",
  "Times are UTC. Pausing stops the intake; a list you read back in is held still.",
] as const

/** The README's table of keys. */
export function keysMarkdown(): string {
  const rows = BINDINGS.map(({ shown, does }) => {
    const keys = shown.split(" ").map((key) => `\`${key}\``)
    return `| ${keys.join(" ")} | ${does} |`
  })
  return ["| key | what it does |", "|---|---|", ...rows, ""].join("\n")
}
