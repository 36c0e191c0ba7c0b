/** Gathers items into batches. */
export interface Gather<T> {
  add(item: T): void
  /** Close the batch at hand now. */
  flush(): void
  /** Items that wait for their batch to close. */
  readonly waiting: number
}

/**
 * A batch closes at `rows` items, or `lingerMs` after its first, whichever
 * comes first: full batches under load, prompt rows when little comes.
 */
export function createGather<T>(options: {
  readonly rows: number
  readonly lingerMs: number
  readonly onBatch: (items: readonly T[]) => void
}): Gather<T> {
  let items: T[] = []
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (items.length === 0) return
    const batch = items
    items = []
    options.onBatch(batch)
  }

  return {
    get waiting() {
      return items.length
    },
    add(item) {
      items.push(item)
      if (items.length >= options.rows) flush()
      else timer ??= setTimeout(flush, options.lingerMs)
    },
    flush,
  }
}
