import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import { type Loaded, type LoadOptions, loadConfig } from "../../src/config/load.ts"
import { UserError } from "../../src/errors.ts"

/** A directory of its own for one test, with these files in it, readable by their owner alone. */
export function directoryOf(files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "peppermill-config-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    chmodSync(path, 0o600)
  }
  return directory
}

/** Load with nothing around: no variables, an empty home. */
export function load(options: Partial<LoadOptions> = {}): Promise<Loaded> {
  const cwd = options.cwd ?? directoryOf()
  return loadConfig({ env: {}, home: join(cwd, "no-home"), ...options, cwd })
}

/** Load a file's text. */
export function loadText(text: string, options: Partial<LoadOptions> = {}): Promise<Loaded> {
  return load({ cwd: directoryOf({ "peppermill.config.yaml": text }), ...options })
}

/** The error that an operator would see. Anything but a `UserError` fails the test. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<UserError> {
  try {
    await (typeof work === "function" ? work() : work)
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error("it was accepted")
}

/** Everything an operator could read of an error. */
export function wordsOf(error: UserError): string {
  return [error.message, error.hint, String(error.cause ?? "")].join("\n")
}
