import type { Action } from "./action.ts"
import { EMPTY_ENTRY, type Entry, edited, textOf } from "./entry.ts"

/** Where one stands in a list, and what it is narrowed to. */
export interface List {
  readonly cursor: number
  readonly filter: Entry
  readonly isFiltering: boolean
}

export const LIST: List = { cursor: 0, filter: EMPTY_ENTRY, isFiltering: false }

/**
 * What an action does to a list of `length` items, or null when it is none of a
 * list's business.
 */
export function listAfter(list: List, action: Action, length: number): List | null {
  const last = Math.max(0, length - 1)
  const cursor = Math.min(list.cursor, last)
  const to = (at: number): List => ({ ...list, cursor: Math.min(last, Math.max(0, at)) })
  switch (action.type) {
    case "move":
      return to(cursor + action.by)
    case "jump":
      return to(action.to === "top" ? 0 : last)
    case "select":
      return to(action.index)
    case "filter":
      return { ...list, isFiltering: true }
    case "insert":
    case "delete":
    case "caret":
      return list.isFiltering ? { ...list, filter: edited(list.filter, action), cursor: 0 } : null
    case "open":
      return list.isFiltering ? { ...list, isFiltering: false } : null
    case "back":
      return list.isFiltering || list.filter !== EMPTY_ENTRY ? { ...LIST, cursor: 0 } : null
    default:
      return null
  }
}

/** Items that hold every word of the filter, whatever the case, in the order they stand. */
export function matching<T>(list: List, items: readonly T[], wordsOf: (item: T) => string): readonly T[] {
  const wanted = textOf(list.filter).toLowerCase().split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return items
  return items.filter((item) => {
    const words = wordsOf(item).toLowerCase()
    return wanted.every((word) => words.includes(word))
  })
}

/**
 * Which items to show: the page around the cursor, filled as far as the list
 * goes. While there is more below, the cursor keeps to the upper two thirds.
 *
 * @param heights - Rows of each item.
 */
export function pageAround(
  heights: readonly number[],
  cursor: number,
  rows: number,
): readonly [number, number] {
  const at = Math.min(Math.max(0, cursor), heights.length - 1)
  if (at < 0) return [0, 0]
  let from = at
  let to = at + 1
  let used = heights[at] as number
  const fits = (index: number, limit: number) => {
    const height = heights[index]
    return height !== undefined && used + height <= limit
  }
  const above = Math.floor((rows * 2) / 3)
  while (fits(from - 1, above)) used += heights[--from] as number
  while (fits(to, rows)) used += heights[to++] as number
  while (fits(from - 1, rows)) used += heights[--from] as number
  return [from, to]
}
