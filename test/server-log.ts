import { createReadStream } from "node:fs"
import { CANARIES, finderOf } from "./canaries.ts"

/** What the sessions of peppermill wrote into a server's log. */
export interface Searched {
  readonly lines: number
  /** Each canary in them, by its name and the number of its line in the file. */
  readonly found: readonly string[]
}

/**
 * Search a log of `LOG_STATEMENTS`: what peppermill's sessions sent, by the name that it gives
 * them (`peppermill`; in the tests' own process `peppermill-test`), and what they were answered
 * when that was an error. What tests send themselves has no name, and is theirs. Whatever
 * peppermill stores came in through these lines: no table needs a look of its own.
 */
export async function searchServerLog(file: string): Promise<Searched> {
  const find = finderOf(CANARIES)
  const found: string[] = []
  let [number, lines] = [0, 0]
  for await (const line of linesOf(file)) {
    number++
    if (!line.includes('"application_name":"peppermill')) continue
    lines++
    for (const name of find(line)) found.push(`${name} in line ${number}`)
  }
  return { lines, found }
}

/** Not node:readline's lines: those end at U+2028 too, which a statement may hold. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = ""
  for await (const chunk of createReadStream(file, "utf8")) {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    yield* lines
  }
  if (rest !== "") yield rest
}
