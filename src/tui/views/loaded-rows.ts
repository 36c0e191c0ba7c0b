import type { Loaded } from "../loaded.ts"
import type { Problem } from "../ports.ts"
import { type Row, span, type Tone, wrapped } from "./spans.ts"

/** What the screen says at its top, and a free line: the news, that it is on its way, or why it does not come. */
export function loadedRows<T>(loaded: Loaded<T>, says: string, width: number): readonly Row[] {
  if (loaded.problem !== null) return [...problemRows(loaded.problem, width), []]
  if (loaded.value === null) return [[span("Asking the database.", "dim")], []]
  return [...wrapped(says, width).map((line) => [span(line)]), []]
}

export function problemRows(problem: Problem, width: number, tone: Tone = "bad"): readonly Row[] {
  const hint = problem.hint === undefined ? [] : wrapped(`What to do: ${problem.hint}`, width)
  return [
    ...wrapped(problem.message, width).map((line) => [span(line, tone)]),
    ...hint.map((line) => [span(line)]),
  ]
}
