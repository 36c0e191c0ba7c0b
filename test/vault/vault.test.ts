import { inspect } from "node:util"
import { describe, expect, test } from "vitest"
import type { Token } from "../../src/mask/token.ts"
import { ledgerId } from "../../src/message-id.ts"
import { openOriginal, openReject, unwrapDataKey } from "../../src/recover/open.ts"
import type { SealedOriginal, WrappedDataKey } from "../../src/sink/sink.ts"
import { createVault, type Original, type VaultOptions } from "../../src/vault/vault.ts"
import { createIdentity } from "./keys.ts"
import { LOGIN_SHAPE } from "./login-shape.ts"

const { identity, recipient } = await createIdentity()

const original = (index: number, value = `device-${index}`): Original => ({
  field: "device_id",
  token: `k1:${index.toString(16).padStart(64, "0")}` as Token,
  value,
})

function setUp(options: Partial<VaultOptions> = {}) {
  const stored: WrappedDataKey[] = []
  const storeDataKey = async (key: WrappedDataKey) => void stored.push(key)
  const vault = createVault({ recipients: [recipient], shape: LOGIN_SHAPE, storeDataKey, ...options })
  const keyOf = async (id: Uint8Array) => {
    const row = stored.find((key) => Buffer.from(key.id).equals(id))
    return (row && (await unwrapDataKey(row.wrapped, [identity]))) as Uint8Array
  }
  const reopen = async (row: SealedOriginal) =>
    openOriginal(await keyOf(row.dataKeyId), LOGIN_SHAPE.table, row)
  return { vault, stored, keyOf, reopen }
}

describe("a vault", () => {
  test("seals originals that open with the stored data key, each in its own row", async () => {
    const { vault, stored, reopen } = setUp()
    await vault.ready()
    const sealed = vault.sealOriginals("u-1", [original(1, "device-4711"), original(2, "")])
    expect(await Promise.all(sealed.map(reopen))).toEqual(["device-4711", ""])
    expect(await reopen({ ...(sealed[0] as SealedOriginal), subject: "u-2" })).toBeNull()
    expect(stored).toMatchObject([{ recipients: [recipient] }])
  })

  test("seals rejects: the body comes back, the description holds none of it", async () => {
    const { vault, keyOf } = setUp()
    await vault.ready()
    const delivery = {
      id: "m-1",
      body: '{"user_id":"u-1","ip":"not an address"}',
      sentAtMs: 1_700_000_000_123,
    }
    const reject = vault.sealReject(delivery, { reason: "not-an-ip", field: "ip" })
    expect(openReject(await keyOf(reject.dataKeyId), reject)).toBe(delivery.body)
    expect(openReject(await keyOf(reject.dataKeyId), { ...reject, sentAtMs: 0 })).toBeNull()
    expect(reject).toMatchObject({ messageId: ledgerId("m-1"), reason: "not-an-ip", field: "ip" })
    expect(inspect(reject)).not.toContain("address")
  })

  test("seals a body of ill-formed Unicode all the same: a bad message stops nothing", async () => {
    const { vault, keyOf } = setUp()
    await vault.ready()
    const reject = vault.sealReject(
      { id: "m", body: "a\ud800b", sentAtMs: 0 },
      { reason: "not-json", field: "$" },
    )
    expect(openReject(await keyOf(reject.dataKeyId), reject)).toBe("a\ufffdb")
  })

  test("skips what was committed, and only that", async () => {
    const { vault } = setUp()
    await vault.ready()
    const first = vault.sealOriginals("u-1", [original(1), original(2)])
    expect(vault.sealOriginals("u-1", [original(1), original(2)])).toHaveLength(2)
    vault.committed(first)
    expect(vault.sealOriginals("u-1", [original(1), original(2), original(3)])).toMatchObject([
      { token: original(3).token },
    ])
    expect(vault.sealOriginals("u-2", [original(1)])).toHaveLength(1)
  })

  test("after an erasure seals everything again, even what was being committed meanwhile", async () => {
    const { vault } = setUp()
    await vault.ready()
    const done = vault.sealOriginals("u-1", [original(1)])
    vault.committed(done)
    const inFlight = vault.sealOriginals("u-1", [original(2)])
    vault.forget()
    vault.committed(inFlight)
    expect(vault.sealOriginals("u-1", [original(1), original(2)])).toHaveLength(2)
  })

  test("stores its data key before it seals anything, and only once there is something to seal", async () => {
    const { vault, stored } = setUp()
    expect(() => vault.sealOriginals("u-1", [original(1)])).toThrow("ready()")
    expect(stored).toEqual([])
    await vault.ready()
    await vault.ready()
    expect(stored).toHaveLength(1)
  })

  test("many pollers waiting at once get one data key", async () => {
    const { vault, stored } = setUp()
    await Promise.all(Array.from({ length: 50 }, () => vault.ready()))
    expect(stored).toHaveLength(1)
  })

  test("changes the data key by count, while many seal at once: every value opens, no key is overused", async () => {
    const { vault, stored, reopen } = setUp({ sealsPerKey: 20 })
    const sealed: SealedOriginal[] = []
    let next = 0
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let receive = 0; receive < 10; receive++) {
          await vault.ready()
          sealed.push(...vault.sealOriginals("u", [original(next++), original(next++)]))
        }
      }),
    )
    expect(await Promise.all(sealed.map(reopen))).toEqual(
      sealed.map(({ token }) => `device-${Number(`0x${token.slice(3)}`)}`),
    )
    const uses = Map.groupBy(sealed, ({ dataKeyId }) => Buffer.from(dataKeyId).toString("hex"))
    expect(uses.size).toBe(stored.length)
    // One receive of each of the ten pollers may already be past `ready`.
    for (const rows of uses.values()) expect(rows.length).toBeLessThan(20 + 10 * 2)
    expect(stored.length).toBeGreaterThanOrEqual(6)
  })

  test("changes the data key after a day, used up or not", async () => {
    let nowMs = 0
    const { vault, stored } = setUp({ now: () => nowMs })
    await vault.ready()
    nowMs += 86_399_999
    await vault.ready()
    expect(stored).toHaveLength(1)
    nowMs += 1
    await vault.ready()
    expect(stored).toHaveLength(2)
    expect(vault.sealOriginals("u", [original(1)])[0]?.dataKeyId).toEqual(stored[1]?.id)
  })

  test("says so when its data key cannot be stored, seals nothing, and tries anew", async () => {
    let failures = 1
    const stored: WrappedDataKey[] = []
    const { vault } = setUp({
      storeDataKey: async (key) => {
        if (failures-- > 0) throw new Error("commit failed")
        stored.push(key)
      },
    })
    await expect(vault.ready()).rejects.toThrow("commit failed")
    expect(() => vault.sealOriginals("u-1", [original(1)])).toThrow("ready()")
    await vault.ready()
    expect(stored).toHaveLength(1)
    expect(vault.sealOriginals("u-1", [original(1)])).toHaveLength(1)
  })

  test("seals nothing after it is closed, also when it is closed while a data key is being made", async () => {
    const { vault } = setUp()
    const ready = vault.ready()
    vault.close()
    await ready
    expect(() => vault.sealOriginals("u-1", [original(1)])).toThrow("closed")
    await vault.ready()
    expect(() =>
      vault.sealReject({ id: "m", body: "", sentAtMs: 0 }, { reason: "missing", field: "ip" }),
    ).toThrow("closed")
  })

  test("is refused at once with recipients that cannot be used", () => {
    expect(() => setUp({ recipients: [] })).toThrow("vault.recipients is empty")
    expect(() => setUp({ recipients: [identity] })).toThrow("entry 1 is an identity")
  })

  test("cannot be told to overuse a key", () => {
    for (const sealsPerKey of [0, 2 ** 20 + 1])
      expect(() => setUp({ sealsPerKey })).toThrow(new RangeError("sealsPerKey: 1 to 2^20"))
    for (const sealsPerKey of [1, 2 ** 20]) expect(() => setUp({ sealsPerKey })).not.toThrow()
  })
})
