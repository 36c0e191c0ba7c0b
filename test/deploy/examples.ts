/** The deployment examples as the tests read them, and what the program makes of a command line. */
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { type CollectionTag, parse, parseAllDocuments, type ScalarTag } from "yaml"
import { createProgram, type RootOptions } from "../../src/cli/program.ts"
import { loadConfig } from "../../src/config/load.ts"
import type { Io } from "../../src/io.ts"

export const DEPLOY = resolve(import.meta.dirname, "../../config/deploy")

/** The image that the examples name, and the version they are for. */
export const IMAGE = `registry.example/peppermill:${
  JSON.parse(readFileSync(join(DEPLOY, "../../package.json"), "utf8")).version
}`

/** The user of the base image that is nobody. */
export const NOBODY = 65532

// biome-ignore lint/suspicious/noExplicitAny: manifests are open-ended
export type Manifest = any

/** The documents of a Kubernetes file, read as kubectl reads it: YAML 1.1, in which 0440 is octal. */
export function manifests(path: string): readonly Manifest[] {
  return parseAllDocuments(text(path), { version: "1.1" }).map((document) => document.toJS())
}

/** A CloudFormation template, its short forms written out: `!Ref X` is `{ Ref: X }`. */
export function template(path: string): Manifest {
  const short = ["Ref", "Sub", "GetAtt", "Equals", "If"].flatMap((name): (ScalarTag | CollectionTag)[] => {
    const long = name === "Ref" ? name : `Fn::${name}`
    return [
      { tag: `!${name}`, resolve: (value: string) => ({ [long]: value }) },
      { tag: `!${name}`, collection: "seq", resolve: (seq) => ({ [long]: (seq as Manifest).toJSON() }) },
    ]
  })
  return parse(text(path), { customTags: short })
}

export function text(path: string): string {
  return readFileSync(join(DEPLOY, path), "utf8")
}

export interface Understood {
  readonly surface: "batch" | "dry-run" | "terminal"
  readonly options: RootOptions & Readonly<Record<string, unknown>>
}

/** What the program would do on these arguments. @throws whatever it would refuse them with */
export async function understood(args: readonly string[]): Promise<Understood> {
  const calls: Understood[] = []
  const surface = (name: Understood["surface"]) => async (options: RootOptions) => {
    calls.push({ surface: name, options: { ...options } })
  }
  const program = createProgram({ out() {}, err() {} } as unknown as Io, {
    batch: surface("batch"),
    dryRun: surface("dry-run"),
    terminal: surface("terminal"),
    demo: async () => {},
  })
  await program.parseAsync([...args], { from: "user" })
  if (calls[0] === undefined) throw new Error(`nothing came of ${args.join(" ")}`)
  return calls[0]
}

/**
 * Seconds that the program may take from SIGTERM to its end: a long poll, a
 * statement, the tries to reach a database that went away, the deletes.
 */
export async function longestStopSeconds(file: string | null): Promise<number> {
  const { config } = await loadConfig({ cwd: "/", env: {}, ...(file !== null && { file }) })
  const { statementSeconds, retrySeconds } = config.database
  const deleteSeconds = 10
  return config.queue.waitSeconds + statementSeconds + retrySeconds + deleteSeconds
}
