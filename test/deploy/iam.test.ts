import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, test } from "vitest"
import { DEPLOY, text } from "./examples.ts"

interface Statement {
  readonly Sid: string
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly Principal?: unknown
  readonly Condition?: Readonly<Record<string, unknown>>
}

const list = (value: string | readonly string[] | undefined) => (value === undefined ? [] : [value].flat())
const statements = (name: string): readonly Statement[] => JSON.parse(text(`iam/${name}.json`)).Statement
const actions = (name: string) => statements(name).flatMap(({ Action }) => list(Action))
const resources = (name: string) => statements(name).flatMap(({ Resource }) => list(Resource))

/** What the source asks of AWS, as IAM names it: of a batch of calls the right is that of the single one. */
function called(): ReadonlySet<string> {
  const root = resolve(import.meta.dirname, "../../src")
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  )
  const found = files.flatMap((file) => {
    const code = readFileSync(join(root, file), "utf8")
    const service = /@aws-sdk\/client-(sqs|secrets-manager|sns)"/.exec(code)?.[1]
    return [...code.matchAll(/new (?:\w+\.)?([A-Z]\w+?)(?:Batch)?Command\(/g)]
      .filter(() => service !== undefined)
      .map(([, call]) => `${service?.replace("-", "")}:${call}`)
  })
  return new Set(found)
}

const policies = ["writer", "recoverer", "scaler"]

describe("config/deploy/iam", () => {
  test.each(readdirSync(join(DEPLOY, "iam")))("%s follows the grammar of policies", (file) => {
    const policy = JSON.parse(text(`iam/${file}`))
    expect(Object.keys(policy)).toEqual(["Version", "Statement"])
    expect(policy.Version).toBe("2012-10-17")
    const isTrust = file.startsWith("trust-")
    for (const statement of policy.Statement as readonly Statement[]) {
      const { Condition: _, ...rest } = statement
      expect(Object.keys(rest)).toEqual(
        isTrust ? ["Sid", "Effect", "Principal", "Action"] : ["Sid", "Effect", "Action", "Resource"],
      )
      expect(statement.Sid).toMatch(/^[A-Za-z0-9]+$/)
      expect(statement.Effect).toBe("Allow")
      for (const action of list(statement.Action)) expect(action).toMatch(/^[a-z]+:[A-Z][A-Za-z]+$/)
      for (const resource of list(statement.Resource)) {
        expect(resource).toMatch(/^arn:aws:(sqs|secretsmanager|sns|kms):eu-central-1:123456789012:[^*]+$/)
      }
    }
    const names = (policy.Statement as readonly Statement[]).map(({ Sid }) => Sid)
    expect(new Set(names).size).toBe(names.length)
  })

  test("together they allow what the source calls, and nothing else but the use of their keys", () => {
    const calls = called()
    expect(calls.size).toBeGreaterThan(5)
    const allowed = new Set(policies.flatMap(actions).filter((action) => !action.startsWith("kms:")))
    expect([...allowed].toSorted()).toEqual([...calls].toSorted())
  })

  test("who brings originals back cannot touch the queue", () => {
    expect(actions("recoverer").filter((action) => action.startsWith("sqs:"))).toEqual([])
  })

  test("no two share a secret but the mask key, so neither can act as the other", () => {
    const secrets = (name: string) => resources(name).filter((arn) => arn.includes(":secretsmanager:"))
    const shared = secrets("writer").filter((arn) => secrets("recoverer").includes(arn))
    expect(shared.map((arn) => arn.split(":").at(-1))).toEqual(["peppermill/mask-key-??????"])
    expect(secrets("writer").join()).not.toContain("identity")
    expect(secrets("recoverer").join()).toContain("identity")
    expect(secrets("scaler")).toEqual([])
  })

  test.each(policies)("%s uses keys only through the services that hold what it reads", (name) => {
    const kms = statements(name).filter(({ Action }) => list(Action).some((each) => each.startsWith("kms:")))
    const used = new Set(
      resources(name).flatMap((arn) => /^arn:aws:(sqs|secretsmanager|sns):/.exec(arn)?.[1] ?? []),
    )
    for (const { Condition } of kms) {
      expect(Condition).toEqual({
        StringEquals: { "kms:ViaService": [...used].map((each) => `${each}.eu-central-1.amazonaws.com`) },
      })
    }
    expect(kms).toHaveLength(name === "scaler" ? 0 : 1)
  })
})
