import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, symlinkSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { getuid } from "node:process"
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { readSecretFile } from "../../src/config/secret-file.ts"
import { createSecrets, type Secrets } from "../../src/config/secrets.ts"
import { fetchSecret } from "../../src/config/secrets-manager.ts"
import { createAuthority } from "../certificate.ts"
import { type StubSecret, startSecretsManagerStub } from "../secrets-manager-stub.ts"
import { directoryOf, load, refusal, wordsOf } from "./scenario.ts"

const KEY = "0f".repeat(32)

type Env = Record<string, string>

async function secretsOf(env: Env): Promise<Secrets> {
  return createSecrets((await load({ env })).config, env)
}

/** Secrets over a stub of Secrets Manager that knows these. */
async function stubbed(known: Record<string, StubSecret>, env: Env) {
  const stub = await startSecretsManagerStub(known)
  onTestFinished(() => stub.close())
  const full = { PEPPERMILL_SECRETS_ENDPOINT: stub.endpoint, PEPPERMILL_SECRETS_REGION: "eu-west-1", ...env }
  return { stub, secrets: await secretsOf(full) }
}

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "a-secret-of-nobody")
  onTestFinished(() => void vi.unstubAllEnvs())
})

describe("a variable", () => {
  test("gives its text, less one newline at the end", async () => {
    for (const text of [KEY, `${KEY}\n`, `${KEY}\r\n`]) {
      const secrets = await secretsOf({ PEPPERMILL_MASK_KEY: text })
      expect(await secrets.maskKeys()).toEqual({ k1: KEY })
    }
    const twice = await secretsOf({ PEPPERMILL_MASK_KEY: `${KEY}\n\n` })
    expect(await twice.maskKeys()).toEqual({ k1: `${KEY}\n` })
  })

  test("that is not set is told with the setting that wants it", async () => {
    const error = await refusal((await secretsOf({})).maskKeys())
    expect(error).toMatchObject({
      kind: "config",
      message: "masking.keys.k1 (env:PEPPERMILL_MASK_KEY): the variable is not set",
    })
  })
})

describe("a file", () => {
  const fileWith = (text: string, mode = 0o600) => {
    const path = join(directoryOf({ secret: text }), "secret")
    chmodSync(path, mode)
    return path
  }

  test("gives its text", async () => {
    const secrets = await secretsOf({ PEPPERMILL_MASKING_KEYS: `k1=file:${fileWith(`${KEY}\n`)}` })
    expect(await secrets.maskKeys()).toEqual({ k1: KEY })
  })

  test("may be reached by a symbolic link, as Kubernetes mounts secrets", async () => {
    const path = fileWith(KEY)
    symlinkSync(path, `${path}-link`)
    expect(await readSecretFile(`${path}-link`)).toBe(KEY)
    chmodSync(path, 0o644)
    expect((await refusal(readSecretFile(`${path}-link`))).message).toMatch(/can be read by others/)
  })

  test.each([0o644, 0o604, 0o640, 0o660, 0o602, 0o777])("is refused with mode %o, unread", async (mode) => {
    const path = fileWith(KEY, mode)
    const error = await refusal(readSecretFile(path))
    expect(error).toMatchObject({ kind: "config", message: `${path}: can be read by others` })
    expect(error.hint).toContain("chmod 600")
  })

  test.runIf(getuid?.() === 0)("of root may be lent to the group we run in, and to nobody else", async () => {
    const path = fileWith(KEY, 0o440)
    chownSync(join(path, ".."), 54321, 54321)
    chownSync(path, 0, 54321)
    const read = () => {
      process.setegid?.(54321)
      process.seteuid?.(54321)
      return readSecretFile(path).finally(() => {
        process.seteuid?.(0)
        process.setegid?.(0)
      })
    }
    expect(await read()).toBe(KEY)
    chmodSync(path, 0o444)
    expect((await refusal(read())).message).toMatch(/can be read by others/)
    chmodSync(path, 0o400)
    expect((await refusal(read())).kind).toBe("permission")
  })

  test.each([
    ["gone", /there is no such file/],
    ["secret/below", /there is no such file/],
    [".", /is not a plain file/],
  ])("that is %s is refused", async (name, message) => {
    const directory = directoryOf({ secret: KEY })
    expect((await refusal(readSecretFile(join(directory, name)))).message).toMatch(message)
  })

  test("that is a pipe nobody writes to does not make us wait", async () => {
    const path = join(directoryOf(), "pipe")
    execFileSync("mkfifo", ["-m", "600", path])
    expect((await refusal(readSecretFile(path))).message).toMatch(/is not a plain file/)
  })

  test("too large for a secret is refused", async () => {
    expect((await refusal(readSecretFile(fileWith("x".repeat(70_000))))).message).toMatch(/too large/)
  })
})

describe("AWS Secrets Manager", () => {
  test("gives the text of a secret, or one key of its JSON, and is asked once for both", async () => {
    const { stub, secrets } = await stubbed(
      { "prod/mill": JSON.stringify({ k1: KEY, "k.2": "dotted", deep: { k3: "deep" } }), plain: `${KEY}\n` },
      {
        PEPPERMILL_MASKING_KEYS:
          "k1=aws-sm:prod/mill#k1,k2=aws-sm:prod/mill#k.2,k3=aws-sm:prod/mill#deep.k3,k4=aws-sm:plain",
      },
    )
    expect(await secrets.maskKeys()).toEqual({ k1: KEY, k2: "dotted", k3: "deep", k4: KEY })
    expect(stub.requests.toSorted()).toEqual(["plain", "prod/mill"])
    await secrets.maskKeys()
    expect(stub.requests).toHaveLength(2)
  })

  test.each([
    ["gone", "config", /secret gone: ResourceNotFoundException/],
    ["denied", "permission", /secret denied: AccessDeniedException/],
    ["deleted", "config", /secret deleted: InvalidRequestException/],
    ["undecryptable", "permission", /secret undecryptable: DecryptionFailure/],
    ["strange", "unavailable", /an error without a name/],
    ["bytes", "config", /secret bytes holds bytes \(SecretBinary\), not text/],
    ["json#missing", "config", /the secret has no such key/],
    ["json#toString", "config", /the secret has no such key/],
    ["json#number", "config", /the key holds no text/],
    ["json#list.0", "config", /the key holds no text/],
    ["text#key", "config", /the secret is not JSON/],
  ])("%s: %s", async (id, kind, message) => {
    const { secrets } = await stubbed(
      {
        denied: { error: "AccessDeniedException" },
        deleted: { error: "InvalidRequestException" },
        undecryptable: { error: "DecryptionFailure" },
        strange: { error: "\u001b[2J HUNTER2" },
        bytes: { SecretBinary: "SFVOVEVSMg==" },
        json: '{"number": 5, "list": [1], "password": "HUNTER2"}',
        text: "HUNTER2",
      },
      { PEPPERMILL_MASKING_KEYS: `k1=aws-sm:${id}` },
    )
    const error = await refusal(secrets.maskKeys())
    expect(error.kind).toBe(kind)
    expect(error.message).toMatch(message)
    expect(error.message).toContain(`masking.keys.k1 (aws-sm:${id})`)
    expect(wordsOf(error)).not.toMatch(/HUNTER2|SFVOVEVSMg|nobody should see/)
  })

  test("that does not answer is given up in time", async () => {
    const stub = await startSecretsManagerStub({ silent: "hang" })
    onTestFinished(() => stub.close())
    const begun = performance.now()
    const options = { region: "eu-west-1", endpoint: stub.endpoint, deadlineMs: 900 }
    const error = await refusal(fetchSecret("silent", options))
    expect(error).toMatchObject({ kind: "unavailable", message: expect.stringContaining("TimeoutError") })
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  test("with a certificate that nobody vouches for is not believed, whatever the environment says", async () => {
    const tls = createAuthority().issue("127.0.0.1")
    const stub = await startSecretsManagerStub({ a: KEY }, { tls })
    onTestFinished(() => stub.close())
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0")
    const error = await refusal(fetchSecret("a", { region: "eu-west-1", endpoint: stub.endpoint }))
    expect(error).toMatchObject({
      kind: "config",
      message: expect.stringMatching(/UNABLE_TO_VERIFY|SELF_SIGNED/),
    })
    expect(stub.requests).toEqual([])
  })

  test("that is not there is unavailable", async () => {
    const probe = createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => probe.once("listening", resolve))
    const { port } = probe.address() as { port: number }
    await new Promise((resolve) => probe.close(resolve))
    const error = await refusal(
      fetchSecret("x", { region: "eu-west-1", endpoint: `http://127.0.0.1:${port}` }),
    )
    expect(error).toMatchObject({ kind: "unavailable", message: expect.stringContaining("ECONNREFUSED") })
  })

  test("without credentials is a matter of permission, and takes no longer than its deadline", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined)
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined)
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
    vi.stubEnv("HOME", directoryOf())
    const { secrets } = await stubbed({ a: KEY }, { PEPPERMILL_MASKING_KEYS: "k1=aws-sm:a" })
    const error = await refusal(secrets.maskKeys())
    expect(error).toMatchObject({
      kind: "permission",
      message: expect.stringContaining("CredentialsProviderError"),
    })
  })

  test("is not looked for where a profile or a variable of AWS points", async () => {
    const trap = await startSecretsManagerStub({ a: "e7".repeat(32) })
    onTestFinished(() => trap.close())
    const profile = `[default]\nregion = eu-west-1\nendpoint_url = ${trap.endpoint}\n`
    vi.stubEnv("AWS_CONFIG_FILE", join(directoryOf({ config: profile }), "config"))
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", trap.endpoint)
    // Nothing listens for Amazon's own name here, and nothing must: only the trap must not be asked.
    await refusal(fetchSecret("a", { region: "eu-west-1", endpoint: null, deadlineMs: 600 }))
    expect(trap.requests).toEqual([])
  })

  test.each([
    ["the setting", "a", { PEPPERMILL_SECRETS_REGION: "eu-west-1" }, "eu-west-1"],
    ["the ARN", "arn:aws:secretsmanager:eu-west-2:123456789012:secret:a-AbCdEf", {}, "eu-west-2"],
    ["the queue's region", "a", { PEPPERMILL_QUEUE_REGION: "eu-west-3" }, "eu-west-3"],
    [
      "the queue's url",
      "a",
      { PEPPERMILL_QUEUE_URL: "https://sqs.eu-north-1.amazonaws.com/1/q" },
      "eu-north-1",
    ],
    ["AWS_REGION", "a", { AWS_REGION: "eu-south-1" }, "eu-south-1"],
  ])("is asked in the region of %s", async (_, id, env, region) => {
    let authorization = ""
    const stub = await startSecretsManagerStub(
      { [id]: KEY },
      {
        onRequest(request) {
          authorization = request.headers.authorization ?? ""
        },
      },
    )
    onTestFinished(() => stub.close())
    const full = {
      ...env,
      PEPPERMILL_SECRETS_ENDPOINT: stub.endpoint,
      PEPPERMILL_MASKING_KEYS: `k1=aws-sm:${id}`,
    }
    expect(await (await secretsOf(full as Env)).maskKeys()).toEqual({ k1: KEY })
    expect(authorization).toContain(`/${region}/secretsmanager/`)
  })

  test("without a region is not asked at all", async () => {
    const { stub, secrets } = await stubbed(
      { a: KEY },
      { PEPPERMILL_MASKING_KEYS: "k1=aws-sm:a", PEPPERMILL_SECRETS_REGION: "" },
    )
    expect((await refusal(secrets.maskKeys())).message).toMatch(/secrets\.region is not set/)
    expect(stub.requests).toEqual([])
  })
})

describe("the database's address", () => {
  const secret = JSON.stringify({
    username: "u",
    password: "HUNTER2",
    host: "127.0.0.1",
    port: "5432",
    dbname: "d",
  })
  const address = {
    kind: "postgres",
    host: "127.0.0.1",
    port: 5432,
    user: "u",
    password: "HUNTER2",
    database: "d",
    tls: null,
  }

  test("may stand in the configuration, or behind any reference, as a URL or as JSON", async () => {
    const file = join(directoryOf({ db: "postgres://u:HUNTER2@127.0.0.1/d\n" }), "db")
    for (const url of [
      "postgres://u:HUNTER2@127.0.0.1/d",
      secret,
      "env:DB",
      "env:DB_JSON",
      `file:${file}`,
      "aws-sm:rds!db-1",
    ]) {
      const { secrets } = await stubbed(
        { "rds!db-1": secret },
        { PEPPERMILL_DATABASE_URL: url, DB: "postgres://u:HUNTER2@127.0.0.1/d", DB_JSON: `${secret}\n` },
      )
      expect(await secrets.database(), url).toMatchObject(address)
    }
  })

  test("is read again when asked to, for a password that was rotated", async () => {
    const known = { db: secret }
    const { stub, secrets } = await stubbed(known, { PEPPERMILL_DATABASE_URL: "aws-sm:db" })
    await secrets.database()
    known.db = secret.replace("HUNTER2", "HUNTER3")
    expect(await secrets.database()).toMatchObject({ password: "HUNTER2" })
    expect(await secrets.database({ again: true })).toMatchObject({ password: "HUNTER3" })
    expect(await secrets.database()).toMatchObject({ password: "HUNTER3" })
    expect(stub.requests).toEqual(["db", "db"])
  })

  test("that is wrong is told by its place, unseen", async () => {
    const { secrets } = await stubbed(
      { db: '{"username": "HUNTER2", "host": "h"}' },
      { PEPPERMILL_DATABASE_URL: "aws-sm:db" },
    )
    const error = await refusal(secrets.database())
    expect(error).toMatchObject({
      kind: "config",
      message: "database.url (aws-sm:db): has no password, dbname",
    })
    expect(wordsOf(error)).not.toContain("HUNTER2")
  })

  test("must be set", async () => {
    const error = await refusal((await secretsOf({})).database())
    expect(error).toMatchObject({ kind: "config", message: "database.url is not set" })
  })

  test("carries the certificates of the authorities to trust", async () => {
    const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    const directory = directoryOf({ "ours.pem": pem, "other.pem": `# other\n${pem}`, "none.pem": "nothing" })
    const at = (name: string) => join(directory, name)
    const url = "postgres://u:p@db.example.com/d"
    const read = (env: Env) => secretsOf(env).then((secrets) => secrets.database())

    expect(
      await read({ PEPPERMILL_DATABASE_URL: url, PEPPERMILL_DATABASE_CA_FILE: at("ours.pem") }),
    ).toMatchObject({
      tls: { rejectUnauthorized: true, servername: "db.example.com", ca: pem },
    })
    const named = `${url}?sslrootcert=${at("other.pem")}`
    expect(
      await read({ PEPPERMILL_DATABASE_URL: named, PEPPERMILL_DATABASE_CA_FILE: at("ours.pem") }),
    ).toMatchObject({
      tls: { ca: `# other\n${pem}` },
    })
    for (const name of ["none.pem", "gone.pem"]) {
      const error = await refusal(
        read({ PEPPERMILL_DATABASE_URL: url, PEPPERMILL_DATABASE_CA_FILE: at(name) }),
      )
      expect(error.message).toBe(`${at(name)}: holds no certificate that we can read`)
    }
  })
})

describe("any other secret", () => {
  test("is read by its reference, and a text that is none is refused unseen", async () => {
    const secrets = await secretsOf({ IDENTITY: "AGE-SECRET-KEY-1X\n" })
    expect(await secrets.read("env:IDENTITY", "--identity")).toBe("AGE-SECRET-KEY-1X")
    const error = await refusal(secrets.read("AGE-SECRET-KEY-1HUNTER2", "--identity"))
    expect(error.message).toBe("--identity: is not a reference to a secret")
    expect(wordsOf(error)).not.toContain("HUNTER2")
  })
})

test("nothing is read before it is asked for", async () => {
  const { stub } = await stubbed({ a: KEY }, { PEPPERMILL_MASKING_KEYS: "k1=aws-sm:a" })
  expect(stub.requests).toEqual([])
})
