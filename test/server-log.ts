import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
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
  for await (const line of createInterface({ input: createReadStream(file) })) {
    number++
    if (!line.includes('"application_name":"peppermill')) continue
    lines++
    for (const name of find(line)) found.push(`${name} in line ${number}`)
  }
  return { lines, found }
}
