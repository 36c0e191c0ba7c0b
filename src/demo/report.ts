import { safe } from "../safe.ts"
import type { Repeat } from "../sink/inspect.ts"
import { type Summary, summaryText } from "../summary.ts"
import type { WayBack } from "./way-back.ts"

/** What the demonstration has to show. */
export interface DemoResult {
  readonly schema: 1
  readonly summary: Summary
  readonly rejected: readonly { readonly reason: string; readonly field: string }[]
  readonly rows: readonly Readonly<Record<string, string | null>>[]
  readonly repeats: readonly Repeat[]
  readonly wayBack: WayBack
  /** Different addresses and devices that went in. */
  readonly clearValues: number
  /** Rows in which one of them can be found. */
  readonly rowsHoldingClearValues: number
}

/** The result for people, in 100 columns. */
export function demoText(result: DemoResult): string {
  const { summary, rows, repeats, rejected } = result
  const sections = [
    heading("Drained") + summaryText(summary),
    heading("What user_logins holds now (the first rows)") + table(rows),
    heading("Duplicates are still identifiable: the same value always has the same token") +
      repeats
        .map((repeat) => `  ${repeat.column.padEnd(17)} ${short(repeat.token)}  ${times(repeat)}\n`)
        .join(""),
    heading("Rejected: sealed in the quarantine; the good messages never wait for them") +
      rejected.map(({ reason, field }) => `  ${reason.padEnd(17)} ${safe(field)}\n`).join(""),
    heading("Looked for in every column of every row") +
      `  ${result.clearValues} addresses and device ids went in; ` +
      `${result.rowsHoldingClearValues} rows hold one of them in clear\n`,
    ...wayBackText(result.wayBack),
    "\nNext: peppermill init, peppermill doctor, peppermill --batch. README.md has the three lines.\n",
  ]
  return sections.join("")
}

function wayBackText({ token, reason, recovered, erased, record }: WayBack): readonly string[] {
  const people = recovered.map((original) => original.subject)
  const gone =
    erased.proof.outcome === "not-found" ? "recovering it again: not found" : "it can still be recovered"
  return [
    heading("The way back, with a reason and on the record"),
    `  recover ${short(token)}  "${safe(reason)}"\n`,
    `  → ${safe(recovered[0]?.value ?? "nothing")}, of ${safe(people.slice(0, 4).join(", "))}${people.length > 4 ? " …" : ""}\n`,
    `  erase ${safe(erased.subject)}: ${erased.originals} originals deleted; ${gone}\n`,
    heading("The audit log, each record chained to the one before"),
    record
      .map(
        ({ who, did, outcome, why }) =>
          `  ${safe(who).padEnd(10)} ${did.padEnd(10)} ${outcome.padEnd(8)} ${safe(why ?? "")}\n`,
      )
      .join(""),
  ]
}

const heading = (text: string) => `\n${text}\n${"─".repeat(text.length)}\n`

const times = ({ rows, subjects }: Repeat) =>
  `${rows} logins of ${subjects} ${subjects === 1 ? "person" : "people"}`

/** A token's head and tail tell it from the others on a page. */
const short = (text: string) =>
  /^[a-z0-9-]+:[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 11)}…${text.slice(-4)}` : text

function table(rows: readonly Readonly<Record<string, string | null>>[]): string {
  const names = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => names.map((name) => safe(short(row[name] ?? "∅"))))
  const widths = names.map((name, index) =>
    Math.max(name.length, ...cells.map((line) => (line[index] ?? "").length)),
  )
  const line = (texts: readonly string[]) =>
    `  ${texts
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd()}\n`
  return [names, ...cells].map(line).join("")
}
