import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { expect, test } from "vitest"

const run = promisify(execFile)
const MAIN = new URL("../src/main.ts", import.meta.url).pathname

/** Says of every module that is loaded where it lies. The build bundles YAML as text; run from source it must not matter. */
const TELLING = `import { registerHooks } from "node:module"
import { readFileSync, writeSync } from "node:fs"
registerHooks({
  load(url, context, next) {
    writeSync(2, url + "\\n")
    if (!url.endsWith(".yaml")) return next(url, context)
    const source = "export default " + JSON.stringify(readFileSync(new URL(url), "utf8"))
    return { format: "module", source, shortCircuit: true }
  },
})`

async function packagesOf(...args: string[]): Promise<ReadonlySet<string>> {
  const hook = `data:text/javascript,${encodeURIComponent(TELLING)}`
  const { stdout, stderr } = await run(process.execPath, ["--import", hook, MAIN, ...args])
  expect(stdout).toContain("peppermill")
  const names = stderr.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)
  return new Set([...names].map(([, name = ""]) => name))
}

test.each(["--version", "--help"])(
  "%s loads no terminal, database, queue or validation library",
  async (flag) => {
    const packages = await packagesOf(flag)
    // The test sees what is loaded at all.
    expect(packages).toContain("commander")
    const heavy =
      /^(react|ink|@electric-sql\/.*|@aws-sdk\/.*|@smithy\/.*|undici|pg|pg-.*|kysely|zod|yaml|pino|prom-client|age-encryption|@noble\/.*|fauxqs)$/
    expect([...packages].filter((name) => heavy.test(name))).toEqual([])
  },
)
