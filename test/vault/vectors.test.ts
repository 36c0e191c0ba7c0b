import { describe, expect, test } from "vitest"
import type { Token } from "../../src/mask/token.ts"
import { openOriginal, openReject, unwrapDataKey } from "../../src/recover/open.ts"
import type { Context } from "../../src/vault/context.ts"
import { dataKeyId } from "../../src/vault/data-key.ts"
import { seal } from "../../src/vault/seal.ts"
import { knownDataKey } from "./keys.ts"
import { type ReferenceRow, referenceKeyId, referenceOpen, referenceSeal } from "./reference.ts"
import vectors from "./vectors.json" with { type: "json" }

describe("golden vectors: what is stored today opens for ever", () => {
  test("there are twenty", () => expect(vectors.golden).toHaveLength(20))

  test.each(vectors.golden)("$name", ({ key, kind, items, value, nonce, dataKeyId: id, sealed }) => {
    const row = { kind: asKind(kind), items, dataKeyId: id, sealed }
    expect(referenceSeal(key, row.kind, items, nonce, value)).toEqual(row)
    expect(referenceOpen(key, row)).toEqual({ value })
    expect(open(key, row)).toBe(value)
  })

  test.each(vectors.golden)(
    "sealing makes the same bytes, but for the nonce: $name",
    ({ key, kind, items, value }) => {
      const sealed = hex(seal(knownDataKey(bytes(key)), context(asKind(kind), items), value))
      const nonce = sealed.slice(2, 26)
      expect(referenceSeal(key, asKind(kind), items, nonce, value).sealed).toBe(sealed)
    },
  )

  test.each(vectors.golden)("the data key's id is derived from it: $name", ({ key, dataKeyId: id }) => {
    expect(hex(dataKeyId(bytes(key)))).toBe(id)
    expect(referenceKeyId(key)).toBe(id)
  })
})

describe("one defect each: nothing opens", () => {
  test("there are about forty", () => expect(vectors.defects).toHaveLength(48))

  test.each(vectors.defects)("$name ($expect)", ({ key, expect: check, ...rest }) => {
    const row = { ...rest, kind: asKind(rest.kind) }
    expect(referenceOpen(key, row)).toEqual({ refused: check })
    expect(open(key, row)).toBeNull()
  })
})

describe("wrapped data keys", () => {
  const identities = vectors.wrapped as unknown as Record<string, string>

  test.each(vectors.wrapped.opens)("opens: $name", async ({ wrapped, key, identities: names }) => {
    const opened = await unwrapDataKey(
      base64(wrapped),
      names.map((name) => identities[name] as string),
    )
    expect(opened && hex(opened)).toBe(key)
  })

  test.each(vectors.wrapped.refused)("does not open: $name", async ({ wrapped }) => {
    expect(await unwrapDataKey(base64(wrapped), [vectors.wrapped.identity])).toBeNull()
  })
})

function open(key: string, { kind, items, dataKeyId: id, sealed: text }: ReferenceRow): string | null {
  const [first = "", second = "", third = "", fourth = ""] = items
  const row = { dataKeyId: bytes(id), sealed: bytes(text) }
  return kind === "original"
    ? openOriginal(bytes(key), first, { ...row, subject: second, field: third, token: fourth as Token })
    : openReject(bytes(key), {
        ...row,
        messageId: first,
        sentAtMs: Number(second),
        reason: third,
        field: fourth,
      })
}

function context(kind: ReferenceRow["kind"], items: readonly string[]): Context {
  const [first = "", second = "", third = "", fourth = ""] = items
  return kind === "original"
    ? { kind, table: first, subject: second, field: third, token: fourth }
    : { kind, messageId: first, sentAtMs: Number(second), reason: third, field: fourth }
}

const asKind = (kind: string) => kind as ReferenceRow["kind"]
const bytes = (digits: string) => new Uint8Array(Buffer.from(digits, "hex"))
const base64 = (text: string) => new Uint8Array(Buffer.from(text, "base64"))
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex")
