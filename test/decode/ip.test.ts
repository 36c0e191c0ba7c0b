import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { canonicalIp } from "../../src/decode/ip.ts"

describe("canonicalIp", () => {
  test.each(["127.96.0.101", "224.0.0.1", "240.1.2.3", "0.0.0.0", "255.255.255.255"])(
    "takes %s as it is",
    (text) => {
      expect(canonicalIp(text)).toBe(text)
    },
  )

  test.each([
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["0000:0000:0000:0000:0000:0000:0000:0000", "::"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["fe80::1%eth0", "fe80::1"],
    ["::ffff:203.0.113.77", "203.0.113.77"],
    ["::FFFF:cb00:714d", "203.0.113.77"],
    ["0:0:0:0:0:ffff:203.0.113.77", "203.0.113.77"],
    // Not mapped, so not the IPv4 address.
    ["::203.0.113.77", "::cb00:714d"],
    ["1:2:3:4:5:6:10.20.30.40", "1:2:3:4:5:6:a14:1e28"],
    ["::255.128.64.32", "::ff80:4020"],
    // What stands in a zone is no part of the address.
    ["fe80::1%1.2.3.4", "fe80::1"],
  ])("spells %s as %s", (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical)
  })

  test.each([
    "",
    " 203.0.113.77",
    "203.0.113.77 ",
    "203.000.113.077",
    "01.2.3.4",
    "127.1",
    "3405803853",
    "0x7f.0.0.1",
    "1.2.3.256",
    "1.2.3.4:80",
    "1.2.3.4/24",
    "[::1]",
    "::1:",
    "1::2::3",
    "fe80::1%",
    "evil.example",
    "９.９.９.９",
    "a".repeat(64),
    `fe80::1%${"e".repeat(121)}`,
    "9".repeat(1_000_000),
  ])("refuses what is no address (%#)", (text) => {
    expect(canonicalIp(text)).toBeNull()
  })

  test("takes a zone as long as any interface's name", () => {
    expect(canonicalIp(`fe80::1%${"e".repeat(120)}`)).toBe("fe80::1")
  })

  test("is stable, and tells every IPv6 address from every other", () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
      minLength: 8,
      maxLength: 8,
    })
    const spell = (numbers: readonly number[]) => numbers.map((n) => n.toString(16)).join(":")
    fc.assert(
      fc.property(groups, groups, (a, b) => {
        const [x, y] = [canonicalIp(spell(a)), canonicalIp(spell(b))]
        expect(x).not.toBeNull()
        expect(canonicalIp(x as string)).toBe(x)
        expect(canonicalIp(spell(a).toUpperCase())).toBe(x)
        expect(x === y).toBe(spell(a) === spell(b))
      }),
      { numRuns: 5_000 },
    )
  })
})
