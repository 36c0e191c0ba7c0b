import { expect, test } from "vitest"
import { certificate } from "../../src/recover/certificate.ts"

const ERASURE = {
  originals: { ip: 2 },
  quarantined: 3,
  severed: 4,
  erasedAtMs: Date.UTC(2026, 10, 28, 12, 30),
  position: 17,
  hash: Uint8Array.of(0, 0x0f, 0xff),
}

function paper(change: { readonly sever?: boolean; readonly unopened?: number | null } = {}) {
  return certificate("u-1", ERASURE, {
    reason: "asked for it",
    ticket: "GDPR-3",
    sever: false,
    unopened: 0,
    recovery: { outcome: "not-found" },
    ...change,
  })
}

test("a certificate says what was deleted, when, why, and where the record stands", () => {
  const { cannotReach, ...rest } = paper({ sever: true })
  expect(rest).toEqual({
    schema: 1,
    subject: "u-1",
    erasedAt: "2026-11-28T12:30:00.000Z",
    reason: "asked for it",
    ticket: "GDPR-3",
    deleted: { originals: { ip: 2 }, quarantined: 3 },
    severedRows: 4,
    audit: { position: 17, hash: "000fff" },
    recovery: { outcome: "not-found" },
  })
  expect(paper().severedRows).toBeNull()
})

test("a certificate always names what deleting does not reach: copies, queues, rows, the log", () => {
  for (const change of [{}, { sever: true }, { unopened: null }, { unopened: 2 }]) {
    const { cannotReach } = paper(change)
    for (const word of ["backups", "recovered before", "queue", "event table", "audit log, which names"]) {
      expect(
        cannotReach.filter((line) => line.includes(word)),
        word,
      ).toHaveLength(1)
    }
    expect(new Set(cannotReach).size).toBe(cannotReach.length)
  }
  expect(paper({ sever: true }).cannotReach).toHaveLength(5)
})

test("a certificate names the tokens only where they were not severed", () => {
  const tokens = "the tokens in those rows"
  expect(paper().cannotReach.join("\n")).toContain(tokens)
  expect(paper().cannotReach).toHaveLength(6)
  expect(paper({ sever: true }).cannotReach.join("\n")).not.toContain(tokens)
})

test("a certificate says which quarantined messages nobody looked into", () => {
  const about = (unopened: number | null) =>
    paper({ unopened }).cannotReach.filter((line) => line.includes("quarantined messages"))
  expect(about(0)).toEqual([])
  expect(about(null)).toEqual(["quarantined messages: none was opened, as no identity was given"])
  expect(about(1)).toEqual(["1 quarantined messages that the given identity does not open"])
})
