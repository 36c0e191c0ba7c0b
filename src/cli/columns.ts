import stringWidth from "string-width"
import { safe } from "../safe.ts"

/** Rows of cells as lines of text, each column as wide as its widest cell. Cells may hold anything. */
export function columns(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map((cell) => safe(cell)))
  const widths: number[] = []
  for (const row of shown) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, stringWidth(cell))
    })
  }
  return shown
    .map((row) => {
      const padded = row.map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - stringWidth(cell)))
      return `${padded.join("  ").trimEnd()}\n`
    })
    .join("")
}
