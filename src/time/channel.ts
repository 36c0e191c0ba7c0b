/** A queue between a producer that must not wait and one consumer that iterates. */
export interface Channel<T> extends AsyncIterable<T> {
  push(item: T): void
  /** End the iteration once everything pushed has been taken; with an error, end by throwing it. */
  end(error?: unknown): void
}

export function createChannel<T>(): Channel<T> {
  const items: T[] = []
  let ended: { error?: unknown } | undefined
  let wake: (() => void) | undefined

  const ring = () => {
    wake?.()
    wake = undefined
  }
  return {
    push(item) {
      items.push(item)
      ring()
    },
    end(error) {
      ended ??= error === undefined ? {} : { error }
      ring()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* items.splice(0)
        if (items.length > 0) continue
        if (ended !== undefined) {
          if ("error" in ended) throw ended.error
          return
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
