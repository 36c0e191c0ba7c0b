import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { drainEnv, MASK_KEY, peppermill } from "../binary.ts"
import { createDatabase } from "../database.ts"
import { report } from "../promises/report.ts"
import { startSqsStub } from "../sqs-stub.ts"

/** A working directory of an enemy, and the files that were in it from the beginning. */
let cwd: string
let planted: readonly string[]

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "peppermill-sandbox-"))
  planted = []
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const path = (name: string) => join(cwd, name)

function plant(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(path(name)), { recursive: true })
    writeFileSync(path(name), text, { mode: 0o600 })
  }
  planted = everyFile()
}

const everyFile = () => readdirSync(cwd, { recursive: true, encoding: "utf8" }).sort()

/** What planted code does when it runs: it leaves a file and shouts. */
const shout = (how: "commonjs" | "module") =>
  `${how === "module" ? 'import { writeFileSync } from "node:fs"' : 'const { writeFileSync } = require("node:fs")'}
writeFileSync(${JSON.stringify(path("ran"))}, "")
process.stdout.write("PLANTED CODE RAN")
${how === "module" ? "export default {}" : "module.exports = {}"}
`

function expectNothingRan({ stdout, stderr }: { stdout: string; stderr: string }): void {
  expect(stdout + stderr).not.toContain("PLANTED")
  expect(everyFile()).toEqual(planted)
}

describe("a file in the working directory is never code", () => {
  const PLACES = [".config/config", "peppermill.config", ".config/peppermillrc", ".peppermillrc"]

  // What a .js or .ts file is depends on the package around it.
  test.each([
    ["js", "module"],
    ["js", "commonjs"],
    ["ts", "module"],
    ["ts", "commonjs"],
    ["mjs", "module"],
    ["cjs", "commonjs"],
  ] as const)("configuration in .%s, as %s", async (extension, type) => {
    plant({
      ...Object.fromEntries(PLACES.map((place) => [`${place}.${extension}`, shout(type)])),
      "package.json": JSON.stringify({ type }),
    })
    expectNothingRan(await peppermill(["config", "check"], { cwd }))
    expectNothingRan(await peppermill(["doctor"], { cwd }))
  })

  test("nor does one redirect the search for the configuration, or add to it", async () => {
    const elsewhere = JSON.stringify({ searchPlaces: ["enemy.json"], $import: "./enemy.cjs" })
    plant({
      ".config/config.yml": `cosmiconfig: ${elsewhere}`,
      ".config/config.yaml": `cosmiconfig: ${elsewhere}`,
      ".config/config.json": `{ "cosmiconfig": ${elsewhere} }`,
      "package.json": `{ "cosmiconfig": ${elsewhere}, "peppermill": { "queue": { "pollers": 99 } } }`,
      "package.yaml": `cosmiconfig: ${elsewhere}`,
      "enemy.json": '{ "queue": { "pollers": 98 } }',
      "enemy.cjs": shout("commonjs"),
      "peppermill.config.yaml": "queue: { pollers: 7 }",
    })
    const ended = await peppermill(["config", "print", "--json"], { cwd })
    expect(ended.status, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout).settings["queue.pollers"]).toMatchObject({ value: 7 })
    expectNothingRan(ended)
  })

  test("nor does a configuration file import one", async () => {
    plant({ "peppermill.config.yaml": "$import: ./enemy.cjs", "enemy.cjs": shout("commonjs") })
    const ended = await peppermill(["config", "check"], { cwd })
    expect(ended.status).toBe(78)
    expectNothingRan(ended)
  })

  test("nor does a package there take the place of ours", async () => {
    plant(
      Object.fromEntries(
        ["commander", "yaml", "pg-native", "react-devtools-core", "kerberos"].flatMap((name) => [
          [`node_modules/${name}/index.js`, shout("commonjs")],
          [`node_modules/${name}/package.json`, `{ "name": "${name}", "main": "index.js" }`],
        ]),
      ),
    )
    expectNothingRan(await peppermill(["doctor"], { cwd, env: { NODE_PATH: path("node_modules") } }))
  })
})

describe("the environment cannot put code into it, or make it write", () => {
  const HOOKS: Readonly<Record<string, () => Record<string, string>>> = {
    "NODE_OPTIONS=--require": () => ({ NODE_OPTIONS: `--require=${path("enemy.cjs")}` }),
    "NODE_OPTIONS=--import": () => ({ NODE_OPTIONS: `--import=${path("enemy.mjs")}` }),
    "NODE_OPTIONS=--allow-child-process": () => ({
      NODE_OPTIONS: `--allow-child-process --allow-worker --import=${path("enemy.mjs")}`,
    }),
    "NODE_OPTIONS=--cpu-prof": () => ({ NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${cwd}` }),
    "NODE_OPTIONS=--inspect": () => ({ NODE_OPTIONS: "--inspect=127.0.0.1:0" }),
    "NODE_OPTIONS=--trace-events": () => ({
      NODE_OPTIONS: `--trace-events-enabled --trace-event-file-pattern=${path("trace.json")}`,
    }),
    NODE_V8_COVERAGE: () => ({ NODE_V8_COVERAGE: path("coverage") }),
    NODE_REDIRECT_WARNINGS: () => ({ NODE_REDIRECT_WARNINGS: path("warnings") }),
  }

  test.each(Object.keys(HOOKS))("%s", async (hook) => {
    plant({ "enemy.cjs": shout("commonjs"), "enemy.mjs": shout("module") })
    const ended = await peppermill(["--version"], { cwd, env: HOOKS[hook]?.() ?? {} })
    expect(ended.status).toBe(0)
    expect(ended.stdout).toMatch(/^peppermill \S+ \(.*\)\n$/)
    expect(ended.stderr).toBe("")
    expectNothingRan(ended)
  })

  test("there are eight such hooks, and three that have tests of their own", () => {
    expect(Object.keys(HOOKS)).toHaveLength(8)
    report("P24", `${Object.keys(HOOKS).length + 3} hooks of the environment: 0 executions, 0 files`)
  })

  test("NODE_REPL_EXTERNAL_MODULE: refused", async () => {
    plant({ "enemy.cjs": shout("commonjs") })
    const env = { NODE_REPL_EXTERNAL_MODULE: path("enemy.cjs") }
    const ended = await peppermill(["--version"], { cwd, env })
    expect(ended.status).not.toBe(0)
    expectNothingRan(ended)
  })

  test.each(["*", "http", "http,tls"])(
    "NODE_DEBUG=%s, which has Node print requests with their credentials: refused",
    async (sections) => {
      const ended = await peppermill(["doctor"], { cwd, env: { NODE_DEBUG: sections } })
      expect(ended.stdout).toMatch(/^fail {2}configuration .*NODE_DEBUG is set/)
      expect(ended.status).toBe(78)
    },
  )

  test("NODE_COMPILE_CACHE: nothing is kept there, nothing taken", async () => {
    const ended = await peppermill(["keys", "new"], { cwd, env: { NODE_COMPILE_CACHE: path("cache") } })
    expect(ended.status).toBe(0)
    const files = readdirSync(cwd, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
    expect(files).toEqual([])
  })

  test("OPENSSL_CONF, which may name native code to load", async () => {
    plant({
      // Read at all, it would end the process: there is no such library.
      "openssl.cnf": `nodejs_conf = init
openssl_conf = init
[init]
providers = providers
[providers]
enemy = enemy
[enemy]
module = ${path("absent.so")}
activate = 1
`,
    })
    const env = { OPENSSL_CONF: path("openssl.cnf") }
    expect(await peppermill(["keys", "new"], { cwd, env })).toMatchObject({ status: 0 })
  })

  test("a credential_process in the AWS configuration", async () => {
    plant({ "aws.config": `[default]\ncredential_process = /bin/sh -c "echo > '${path("ran")}'; exit 1"\n` })
    const ended = await peppermill(["doctor", "--json"], {
      cwd,
      env: {
        AWS_CONFIG_FILE: path("aws.config"),
        AWS_EC2_METADATA_DISABLED: "true",
        PEPPERMILL_QUEUE_URL: "http://127.0.0.1:9/000000000000/logins",
        PEPPERMILL_QUEUE_REGION: "us-east-1",
        PEPPERMILL_MASK_KEY: MASK_KEY,
      },
    })
    expect(ended.stdout).toContain("no valid AWS credentials")
    expectNothingRan(ended)
  })
})

describe("the command line is ours, not Node's", () => {
  test.each([
    ["-e", 'process.stdout.write("PLANTED")'],
    ["--eval", 'process.stdout.write("PLANTED")'],
    ["-p", '"PLANTED"'],
    ["-r", "enemy.cjs"],
    ["--require=enemy.cjs"],
    ["--import=./enemy.mjs"],
    ["--env-file=enemy.env"],
    ["--inspect=127.0.0.1:0"],
    ["--allow-child-process"],
    ["--run", "enemy"],
    ["./enemy.mjs"],
  ])("%s", async (...args) => {
    plant({
      "enemy.cjs": shout("commonjs"),
      "enemy.mjs": shout("module"),
      "enemy.env": `NODE_OPTIONS=--require=${path("enemy.cjs")}\n`,
      "package.json": '{ "scripts": { "enemy": "touch ran" } }',
    })
    const ended = await peppermill(args, { cwd })
    expect(ended.status).toBe(64)
    expect(ended.stderr).toContain("peppermill: hint: ")
    expectNothingRan(ended)
  })
})

test("doctor says what the sandbox allows", async () => {
  const { stdout } = await peppermill(["doctor", "--json"], { cwd })
  const { findings } = JSON.parse(stdout) as { findings: readonly { name: string; message: string }[] }
  expect(findings.find(({ name }) => name === "sandbox")?.message).toBe(
    "this process may read files, write files, use the network; " +
      "it may not start programs, start threads, load native code, use WASI, be debugged; " +
      "a drain may not write files either, and --batch reads none but credentials that may change",
  )
})

test("SIGUSR1 opens no inspector and writes no report, and the drain goes on", async () => {
  await using database = await createDatabase()
  const stub = await startSqsStub()
  const received = () => stub.log.filter(({ operation }) => operation === "ReceiveMessage").length
  const options = `--report-on-signal --report-signal=SIGUSR1 --report-directory=${cwd} --inspect-port=127.0.0.1:9229`
  plant({})
  const ended = await peppermill(["--batch", "--follow", "--json"], {
    cwd,
    env: { ...drainEnv(stub, database.url), NODE_OPTIONS: options },
    async onStart(child) {
      await vi.waitUntil(received, 30_000)
      child.kill("SIGUSR1")
      const before = received()
      await vi.waitUntil(() => received() > before, 30_000)
      // The inspector of a Node that has one is up within milliseconds.
      await sleep(200)
      inspectorAnswers = await answers(9229)
      child.kill("SIGTERM")
    },
  })
  await stub.close()
  expect(ended.status, ended.stderr).toBe(143)
  expect(ended.stderr).not.toContain("Debugger")
  expect(inspectorAnswers).toBe(false)
  report("P24", "SIGUSR1 in a drain: port 9229 closed, the drain goes on")
  expectNothingRan(ended)
})

let inspectorAnswers: boolean | undefined

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    socket.once("connect", () => socket.destroy())
  })
}
