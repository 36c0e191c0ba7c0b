import { Console } from "node:console"

/** The global console as Node gives it: the test runner's own lacks the class that patching needs. */
export function withConsoleClass(): Console {
  return Object.assign(globalThis.console, { Console })
}
