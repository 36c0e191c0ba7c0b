import type { Screen } from "../action.ts"
import type { Problem } from "../ports.ts"
import { Lines } from "./Line.tsx"
import { problemRows } from "./loaded-rows.ts"
import { useLook } from "./look.ts"
import { type Row, span } from "./spans.ts"
import { title } from "./title.ts"

/** What can be done from here, where what a screen shows is not there. */
export function MissingView({
  screen,
  problem,
  width,
  height,
}: {
  readonly screen: Screen
  readonly problem: Problem
  readonly width: number
  readonly height: number
}) {
  const look = useLook()
  const offer = (key: string, does: string): Row => [span(`  ${key}`.padEnd(6), "strong"), span(does)]
  const rows: readonly Row[] = [
    [
      span(
        screen === "drain"
          ? "Nothing is set up yet, and nothing is wrong with that."
          : "There is nothing to show here yet.",
      ),
    ],
    [],
    ...problemRows(problem, width, "plain"),
    [],
    title("What you can do", look, width),
    offer("5", "see what a run needs, line by line, and what to do about each"),
    offer("d", "watch the whole job on an embedded queue and database"),
    offer("q", "leave, and write peppermill.config.yaml (see `config schema`)"),
  ]
  return <Lines rows={rows.slice(0, height)} width={width} />
}
