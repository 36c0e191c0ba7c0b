/** What a person, a signal or a bound may ask of a running drain. */
export interface DrainControl {
  /** Take in no more, finish what is in hand, and end. The first cause stays. */
  stop(cause: StopCause): void
  pause(): void
  resume(): void
  readonly stopping: StopCause | null
  readonly paused: boolean
  /** Call back on every change. */
  onChange(listener: () => void): void
}

/** `held`: the queue has no messages for us, but others still hold some. */
export type StopCause = "signal" | "bound" | "empty" | "held" | "failed"

export function createDrainControl(): DrainControl {
  const listeners: (() => void)[] = []
  let stopping: StopCause | null = null
  let paused = false
  const changed = () => {
    for (const listener of listeners) listener()
  }
  return {
    get stopping() {
      return stopping
    },
    get paused() {
      return paused
    },
    stop(cause) {
      if (stopping !== null) return
      stopping = cause
      changed()
    },
    pause() {
      paused = true
      changed()
    },
    resume() {
      paused = false
      changed()
    },
    onChange(listener) {
      listeners.push(listener)
    },
  }
}
