import type { DrainEvent } from "../drain-event.ts"

/** Whether a run is alive, and whether it takes in messages. */
export interface Health {
  /** Both ends were reached, and the intake begins. */
  opened(): void
  see(event: DrainEvent): void
  /** null: alive. Else what is wrong. */
  notAlive(): string | null
  /** null: both ends answer and the intake runs. Else why not. */
  notReady(): string | null
}

/**
 * The fold of a drain's events into health.
 *
 * @param stallSeconds - A run that reports nothing for so long is not alive. Trying again counts as progress:
 * to start the process anew would not mend the database.
 */
export function createHealth(now: () => number, stallSeconds: number): Health {
  let lastMs = now()
  let state: "starting" | "running" | "paused" | "stopping" | "finished" = "starting"
  const failing = new Set<"queue" | "database">()

  function note(event: DrainEvent): void {
    switch (event.type) {
      case "received":
      case "empty-poll":
        failing.delete("queue")
        return
      case "stored":
        failing.delete("database")
        return
      case "retrying":
        failing.add(event.service)
        return
      case "paused":
      case "resumed":
        if (state !== "stopping") state = event.type === "paused" ? "paused" : "running"
        return
      case "stopping":
      case "finished":
        state = event.type
    }
  }

  return {
    opened() {
      lastMs = now()
      state = "running"
    },
    see(event) {
      lastMs = now()
      note(event)
    },
    notAlive() {
      const seconds = Math.round((now() - lastMs) / 1000)
      if (state === "paused" || state === "finished" || seconds <= stallSeconds) return null
      return `nothing has happened for ${seconds} seconds`
    },
    notReady() {
      if (state !== "running") return state
      const [service] = failing
      return service === undefined ? null : `the ${service} does not answer`
    },
  }
}
