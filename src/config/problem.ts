import leven from "leven"
import { UserError } from "../errors.ts"
import { safe } from "../safe.ts"

/** Something wrong in a configuration. No part of it is a value. */
export interface Problem {
  /** `peppermill.yaml:3:5 queue.pollers`, `PEPPERMILL_QUEUE_POLLERS`, `--pollers` */
  readonly where: string
  readonly what: string
  readonly hint?: string | undefined
  readonly fromFlag?: boolean
}

/** Beyond this many, the rest is only counted: the first ones are what helps. */
const SHOWN = 10

/** One error for all problems: its message has a line for each. */
export function problemsError(problems: readonly [Problem, ...Problem[]]): UserError {
  const lines = problems.map(({ where, what }) => `${where}: ${what}`)
  const kind = problems.every(({ fromFlag }) => fromFlag) ? "usage" : "config"
  const [{ hint }] = problems
  if (lines.length === 1) return new UserError(kind, lines.join(), hint === undefined ? {} : { hint })
  const more = lines.length > SHOWN ? [`and ${lines.length - SHOWN} more`] : []
  return new UserError(kind, [...lines.slice(0, SHOWN), ...more].join("\n"), {
    hint: `${lines.length} problems; peppermill config schema tells what every key may hold`,
  })
}

/**
 * What to say of a name that does not exist.
 *
 * @param known - The names that do exist.
 * @param meant - One that is surely meant, when the caller knows better than the spelling.
 */
export function unknownName(
  kind: string,
  name: string,
  known: readonly string[],
  meant?: string,
): { what: string; hint: string } {
  const nearest = meant ?? closest(name, known)
  const what = `unknown ${kind} ${safe(name, 60)}`
  if (nearest === undefined) return { what, hint: `there are ${known.join(", ")}` }
  return { what: `${what} (did you mean ${nearest}?)`, hint: `write ${nearest}` }
}

function closest(name: string, known: readonly string[]): string | undefined {
  const distance = (candidate: string) => leven(name.toLowerCase(), candidate.toLowerCase())
  const [nearest] = known.toSorted((a, b) => distance(a) - distance(b))
  // A third of the letters wrong is a slip; more is another word.
  if (nearest === undefined || distance(nearest) > Math.max(2, Math.ceil(nearest.length / 3)))
    return undefined
  return nearest
}
