import { count } from "../format.ts"
import { type List, pageAround } from "../list.ts"
import { Lines } from "./Line.tsx"
import { useLook } from "./look.ts"
import { type Row, span } from "./spans.ts"
import { title } from "./title.ts"
import { typedRow } from "./typed.ts"

/** Columns before an item, for the pointer. */
export const POINTER = 2

export interface Item {
  /** Its lines, `width - POINTER` wide. */
  readonly rows: readonly Row[]
  /** Which of them the pointer stands at; the first unless told. */
  readonly main?: number
}

/** A list with its head: what it is called, what it is narrowed to, where one stands in it. */
export function ListView({
  name,
  list,
  items,
  columns,
  none,
  note,
  hasPointer = true,
  width,
  height,
}: {
  readonly name: string
  readonly list: List
  readonly items: readonly Item[]
  /** The names of the columns. */
  readonly columns?: Row | undefined
  /** What to say when there is no item. */
  readonly none: string
  readonly note?: string | undefined
  /** Whether to point at the chosen item. */
  readonly hasPointer?: boolean
  readonly width: number
  readonly height: number
}) {
  const look = useLook()
  const headRows = columns === undefined ? 1 : 2
  const cursor = Math.min(list.cursor, Math.max(0, items.length - 1))
  const [from, to] = pageAround(
    items.map(({ rows }) => rows.length),
    cursor,
    Math.max(1, height - headRows),
  )
  const isNarrowed = list.isFiltering || list.filter.letters.length > 0
  const place =
    items.length === 0 ? "none" : `${count(from + 1)}${look.to}${count(to)} of ${count(items.length)}`
  const right: Row = [
    ...(isNarrowed ? [span("/"), ...typedRow(list.filter, list.isFiltering, look), span("  ")] : []),
    span(note === undefined ? place : `${place} ${look.between} ${note}`, "dim"),
  ]
  const head: Row[] = [title(name, look, width, right)]
  if (columns !== undefined) head.push([span(" ".repeat(POINTER)), ...columns])
  const body = items.slice(from, to).flatMap(({ rows, main = 0 }, at) => {
    const mark = hasPointer && from + at === cursor ? `${look.pointer} ` : "  "
    return rows.map((row, line): Row => [line === main ? span(mark, "accent") : span("  "), ...row])
  })
  const rows =
    items.length === 0
      ? [...head, [span("  "), span(isNarrowed ? "Nothing matches." : none, "dim")]]
      : [...head, ...body]
  return <Lines rows={rows.slice(0, height)} width={width} />
}
