/** Updates a second that a reader gets to see, however many happen. */
const MAX_PER_SECOND = 12

/**
 * A value outside React, changed by messages.
 *
 * Readers see pictures of it: the first at once, then no more than twelve a
 * second, and the last one always.
 */
export interface Store<State, Message> {
  subscribe(listener: () => void): () => void
  /** The last picture. It is the same object until the next one. */
  getSnapshot(): State
  /** The value as it is now. */
  current(): State
  dispatch(message: Message): void
  /** No message counts after this, and no picture comes. */
  close(): void
}

export function createStore<State, Message, Effect>(
  first: State,
  update: (state: State, message: Message) => readonly [State, readonly Effect[]],
  perform: (effect: Effect) => void,
): Store<State, Message> {
  const listeners = new Set<() => void>()
  let current = first
  let shown = first
  let timer: NodeJS.Timeout | null = null
  let isClosed = false

  function show(): void {
    timer = null
    if (shown === current) return
    shown = current
    timer = setTimeout(show, 1000 / MAX_PER_SECOND)
    for (const listener of listeners) listener()
  }

  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    getSnapshot: () => shown,
    current: () => current,
    dispatch(message) {
      if (isClosed) return
      const [next, effects] = update(current, message)
      current = next
      if (timer === null) show()
      for (const effect of effects) perform(effect)
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      timer = null
      isClosed = true
      listeners.clear()
    },
  }
}
