import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import { AWS_KEYS, MASK_KEY, peppermill } from "../binary.ts"
import { createAuthority } from "../certificate.ts"
import { startSecretsManagerStub } from "../secrets-manager-stub.ts"
import { startSqsStub } from "../sqs-stub.ts"
import { report } from "./report.ts"

const authority = createAuthority()
const stranger = createAuthority()

let folder: string
const path = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "peppermill-tls-"))
  await writeFile(path("authority.pem"), authority.ca)
  await writeFile(path("stranger.pem"), stranger.ca)
  await mkdir(path("authorities"))
  await writeFile(path("authorities/stranger.pem"), stranger.ca)
})
afterAll(() => rm(folder, { recursive: true }))

/** Every variable by which some program trusts more than it should. */
const TRUSTING: Readonly<Record<string, () => Record<string, string>>> = {
  nothing: () => ({}),
  NODE_TLS_REJECT_UNAUTHORIZED: () => ({ NODE_TLS_REJECT_UNAUTHORIZED: "0" }),
  NODE_EXTRA_CA_CERTS: () => ({ NODE_EXTRA_CA_CERTS: path("stranger.pem") }),
  "NODE_USE_SYSTEM_CA with SSL_CERT_FILE": () => ({
    NODE_USE_SYSTEM_CA: "1",
    SSL_CERT_FILE: path("stranger.pem"),
    SSL_CERT_DIR: path("authorities"),
  }),
  AWS_CA_BUNDLE: () => ({ AWS_CA_BUNDLE: path("stranger.pem"), REQUESTS_CA_BUNDLE: path("stranger.pem") }),
  NODE_OPTIONS: () => ({
    NODE_OPTIONS: "--use-openssl-ca --use-system-ca",
    SSL_CERT_FILE: path("stranger.pem"),
  }),
}

interface Found {
  readonly name: string
  readonly status: string
  readonly message: string
}

/** A doctor that asks both endpoints, and what they were asked. */
async function examine(
  identity: ReturnType<typeof authority.issue>,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly keys: Found; readonly queue: Found; readonly asked: number }> {
  const sqs = await startSqsStub({ tls: identity })
  const secrets = await startSecretsManagerStub({ key: MASK_KEY }, { tls: identity })
  const { stdout, stderr } = await peppermill(["doctor", "--json"], {
    env: {
      ...AWS_KEYS,
      PEPPERMILL_QUEUE_URL: sqs.url,
      PEPPERMILL_QUEUE_REGION: sqs.region,
      PEPPERMILL_SECRETS_ENDPOINT: secrets.endpoint,
      PEPPERMILL_MASKING_KEYS: "k1=aws-sm:key",
      ...env,
    },
  })
  expect(stderr).toBe("")
  const { findings } = JSON.parse(stdout) as { findings: readonly Found[] }
  const finding = (name: string) => findings.find((each) => each.name === name) as Found
  await Promise.all([sqs.close(), secrets.close()])
  const asked = sqs.log.length + secrets.requests.length
  return { keys: finding("mask keys"), queue: finding("queue"), asked }
}

const CA_FILES = () => ({
  PEPPERMILL_QUEUE_CA_FILE: path("authority.pem"),
  PEPPERMILL_SECRETS_CA_FILE: path("authority.pem"),
})

describe.each(["lean", "stock"])("over the %s transport, the queue and Secrets Manager", (transport) => {
  const how = { PEPPERMILL_QUEUE_TRANSPORT: transport }

  test.each(Object.keys(TRUSTING))(
    "with a certificate of a stranger are asked nothing, whatever the environment says: %s",
    async (name) => {
      const { keys, queue, asked } = await examine(stranger.issue("127.0.0.1"), {
        ...how,
        ...TRUSTING[name]?.(),
      })
      expect([keys.status, queue.status, asked]).toEqual(["fail", "fail", 0])
      expect(keys.message).toMatch(/certificate .* is not trusted/)
      expect(queue.message).toMatch(/certificate .* is not trusted/)
    },
  )

  test("with a certificate of another name are asked nothing, whoever signed it", async () => {
    const everything = Object.assign({}, ...Object.values(TRUSTING).map((env) => env()))
    const env = { ...how, ...everything, ...CA_FILES() }
    const { keys, queue, asked } = await examine(authority.issue("elsewhere.test"), env)
    expect([keys.status, queue.status, asked]).toEqual(["fail", "fail", 0])
    expect(queue.message).toContain("ERR_TLS_CERT_ALTNAME_INVALID")
  })

  test("with one of an authority that caFile names are asked", async () => {
    const { keys, queue, asked } = await examine(authority.issue("127.0.0.1"), { ...how, ...CA_FILES() })
    expect([keys.status, queue.status]).toEqual(["ok", "ok"])
    expect(asked).toBe(3)
    const untrusting = {
      ...how,
      PEPPERMILL_QUEUE_CA_FILE: "/dev/null",
      PEPPERMILL_SECRETS_CA_FILE: "/dev/null",
    }
    const refused = await examine(authority.issue("127.0.0.1"), untrusting)
    expect(refused.queue.message).toBe("/dev/null: holds no certificate that we can read")
    report("P25", `SQS (${transport}) and Secrets Manager: 7 ways to be fooled, 0 requests`)
  })
})

/** A listener that notes who comes, and says nothing. */
async function startListener() {
  let visits = 0
  const server = createServer((socket) => {
    visits++
    socket.on("error", () => {}).destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  return { url: `http://127.0.0.1:${port}`, visits: () => visits }
}

describe("what else the environment might send elsewhere", () => {
  test.each([
    ["AWS_ENDPOINT_URL_STS", (url: string) => ({ AWS_ENDPOINT_URL_STS: url })],
    ["an endpoint_url in a profile", () => ({ AWS_CONFIG_FILE: path("aws.config") })],
  ])("the search for credentials: %s", async (_what, redirect) => {
    const listener = await startListener()
    await writeFile(path("token"), "token", { mode: 0o600 })
    await writeFile(
      path("aws.config"),
      `[default]\nservices = here\n[services here]\nsts =\n  endpoint_url = ${listener.url}\n`,
    )
    const sqs = await startSqsStub()
    onTestFinished(() => sqs.close())
    const { stdout } = await peppermill(["doctor", "--json"], {
      env: {
        AWS_ROLE_ARN: "arn:aws:iam::000000000000:role/drain",
        AWS_WEB_IDENTITY_TOKEN_FILE: path("token"),
        AWS_REGION: "us-east-1",
        AWS_EC2_METADATA_DISABLED: "true",
        PEPPERMILL_QUEUE_URL: sqs.url,
        PEPPERMILL_QUEUE_REGION: sqs.region,
        ...redirect(listener.url),
      },
    })
    expect(stdout).toMatch(/"name":"queue","status":"fail"/)
    expect([listener.visits(), sqs.log.length]).toEqual([0, 0])
  })

  test("a proxy is not used: its variables change nothing", async () => {
    const proxy = await startListener()
    const sqs = await startSqsStub()
    const secrets = await startSecretsManagerStub({ key: MASK_KEY })
    onTestFinished(async () => void (await Promise.all([sqs.close(), secrets.close()])))
    const names = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"]
    for (const transport of ["lean", "stock"]) {
      const { stdout } = await peppermill(["doctor", "--json"], {
        env: {
          ...AWS_KEYS,
          ...Object.fromEntries(names.map((name) => [name, proxy.url])),
          NODE_USE_ENV_PROXY: "1",
          NODE_OPTIONS: "--use-env-proxy",
          PEPPERMILL_QUEUE_TRANSPORT: transport,
          PEPPERMILL_QUEUE_URL: sqs.url,
          PEPPERMILL_QUEUE_REGION: sqs.region,
          PEPPERMILL_SECRETS_ENDPOINT: secrets.endpoint,
          PEPPERMILL_MASKING_KEYS: "k1=aws-sm:key",
        },
      })
      expect(stdout).toMatch(/"name":"queue","status":"ok"/)
      expect(stdout).toMatch(/"name":"mask keys","status":"ok"/)
    }
    expect(proxy.visits()).toBe(0)
  })
})
