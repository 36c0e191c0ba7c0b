import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dirname, "../../..")

/** A bug planted in the source. */
interface Bug {
  readonly file: string
  /** Each stands in the file once, and gives way to the other. */
  readonly edits: readonly (readonly [string, string])[]
}

export const BUGS = {
  "delete first": {
    file: "src/drain.ts",
    edits: [
      [
        "    const written = await commit.write(items)",
        "    await source.acknowledge(items.flatMap(({ held }) => held.deliveries))\n    const written = await commit.write(items)",
      ],
    ],
  },
  "no ledger": {
    file: "src/sink/write-statement.ts",
    edits: [
      [
        "  insert into peppermill.ledger (message_id)\n  select message_id from rows$",
        "  select message_id from rows$",
      ],
      ["\n  on conflict do nothing\n  returning message_id", ""],
    ],
  },
} as const satisfies Record<string, Bug>

export interface Mutant extends AsyncDisposable {
  readonly program: readonly [string, ...string[]]
}

/** Build the program from its source with one bug planted. */
export async function buildMutant(name: keyof typeof BUGS): Promise<Mutant> {
  const folder = await mkdtemp(join(tmpdir(), "peppermill-mutant-"))
  const dispose = () => rm(folder, { recursive: true })
  try {
    const { file, edits } = BUGS[name]
    await cp(join(ROOT, "src"), join(folder, "src"), { recursive: true })
    for (const same of ["config", "scripts", "node_modules", "package.json"]) {
      await symlink(join(ROOT, same), join(folder, same))
    }
    for (const [from, to] of edits) await edit(join(folder, file), from, to)
    const script = join(ROOT, "scripts/bundle.mjs")
    const { bundle } = (await import(script)) as {
      bundle(root: string, to: string, stamp: object): Promise<void>
    }
    const program = join(folder, "mutant.mjs")
    await bundle(folder, program, { version: "0.0.0", commit: "unknown", committedAt: null })
    // It starts a hundred times, and has no code cache of its own.
    const cache = `NODE_COMPILE_CACHE=${join(folder, "cache")}`
    return { program: ["/usr/bin/env", cache, process.execPath, program], [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** @throws Error unless the text stands in the file exactly once: the source has moved on, and the bug with it. */
async function edit(file: string, from: string, to: string): Promise<void> {
  const parts = (await readFile(file, "utf8")).split(from)
  if (parts.length !== 2) throw new Error(`the place for the bug stands ${parts.length - 1} times in ${file}`)
  await writeFile(file, parts.join(to))
}
