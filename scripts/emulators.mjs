// Starts what speaks AWS's protocols without AWS, and runs one suite against each: npm run test:emulators
//
//   npm run test:emulators                 all of them
//   npm run test:emulators -- moto         only this one; what follows -- goes to vitest
//
// They come from PyPI and Maven Central into the cache folder, and listen on loopback. One that cannot be had is
// named, and its tests show as skipped.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { javaLibrary, NotToBeHad, pythonTools } from "./cached-tools.mjs"

const root = join(import.meta.dirname, "..")
const place = mkdtempSync(join(tmpdir(), "peppermill-emulators-"))
const START_MS = 180_000

const EMULATORS = {
  moto: {
    services: ["sqs", "secretsmanager", "sns"],
    async command(port) {
      const bin = await pythonTools(["moto[server]==5.2.5"])
      return { file: join(bin, "moto_server"), args: ["-H", "127.0.0.1", "-p", `${port}`] }
    },
  },
  elasticmq: {
    services: ["sqs"],
    async command(port) {
      const classPath = await javaLibrary("org.elasticmq:elasticmq-server_2.13:1.7.1")
      const config = join(place, "elasticmq.conf")
      writeFileSync(
        config,
        `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
`,
      )
      return {
        file: "java",
        args: [`-Dconfig.file=${config}`, "-cp", classPath, "org.elasticmq.server.Main"],
      }
    },
  },
  // The open-source release, without containers: SQS and SNS are its own, Secrets Manager is moto's. It reaches
  // into a cbor2 of its time, and imports service-identity without asking for it.
  localstack: {
    services: ["sqs", "secretsmanager", "sns"],
    async command(port) {
      const bin = await pythonTools(
        ["localstack-core[runtime]==4.14.0", "cbor2==5.8.0", "service-identity==24.2.0"],
        ["python3.13", "python3.12"],
      )
      return {
        file: join(bin, "python"),
        args: ["-m", "localstack.runtime.main"],
        env: {
          SERVICES: "sqs,secretsmanager,sns",
          STRICT_SERVICE_LOADING: "1",
          GATEWAY_LISTEN: `127.0.0.1:${port}`,
          // Its queues' URLs would name a host of its maker's, over plain http, which the executable refuses.
          LOCALSTACK_HOST: `127.0.0.1:${port}`,
          SQS_ENDPOINT_STRATEGY: "path",
          DISABLE_EVENTS: "1",
          SKIP_SSL_CERT_DOWNLOAD: "1",
          DNS_ADDRESS: "0",
          FILESYSTEM_ROOT: join(place, "localstack"),
        },
      }
    },
  },
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  return port
}

async function start(name) {
  const port = await freePort()
  const { file, args, env = {} } = await EMULATORS[name].command(port)
  const log = join(place, `${name}.log`)
  // A group of its own, so that what it starts ends with it.
  const child = spawn(file, args, { cwd: place, env: { ...process.env, ...env }, detached: true })
  const out = createWriteStream(log)
  child.stdout.pipe(out)
  child.stderr.pipe(out)
  const endpoint = `http://127.0.0.1:${port}`
  const stop = () => {
    try {
      process.kill(-child.pid, "SIGKILL")
    } catch {}
  }
  const deadline = Date.now() + START_MS
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      stop()
      throw new NotToBeHad(`${name} did not start here: ${lastLineOf(log)}`)
    }
    await sleep(250)
  }
  return { endpoint, stop }
}

function lastLineOf(file) {
  return readFileSync(file, "utf8").trim().split("\n").at(-1)
}

/** Whether anything speaks HTTP there: which words it has for this request does not matter. */
async function answers(endpoint) {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(5000) })
    return true
  } catch {
    return false
  }
}

const own = process.argv.slice(2)
const named = own.filter((name) => Object.hasOwn(EMULATORS, name))
const rest = own.filter((name) => !Object.hasOwn(EMULATORS, name))
const running = []
const stopAll = () => {
  for (const { stop } of running) stop()
  rmSync(place, { recursive: true, force: true, maxRetries: 5 })
}
process.on("SIGINT", () => process.exit(130))
process.on("exit", stopAll)

const emulators = []
for (const name of named.length > 0 ? named : Object.keys(EMULATORS)) {
  const { services } = EMULATORS[name]
  try {
    const { endpoint, stop } = await start(name)
    running.push({ stop })
    emulators.push({ name, services, endpoint })
    process.stdout.write(`${name}: at ${endpoint}\n`)
  } catch (error) {
    if (!(error instanceof NotToBeHad)) throw error
    emulators.push({ name, services, missing: error.message })
    process.stdout.write(`${name}: not to be had here: ${error.message}\n`)
  }
}

const vitest = spawn(
  process.execPath,
  [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "vitest.emulators.config.ts", ...rest],
  { cwd: root, stdio: "inherit", env: { ...process.env, PEPPERMILL_EMULATORS: JSON.stringify(emulators) } },
)
const [status] = await once(vitest, "exit")
process.exit(status ?? 1)
