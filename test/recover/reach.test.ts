import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from "age-encryption"
import { describe, expect, test } from "vitest"
import { findIdentities, loginReach } from "../../src/recover/reach.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { createDatabase, createEmptyDatabase } from "../database.ts"

describe("what a login reaches of the vault", () => {
  test.each([
    ["peppermill_writer", [], []],
    ["peppermill_analyst", [], []],
    ["peppermill_recoverer", [], ["collect", "collect_message", "release"]],
  ])("%s", async (role, tables, functions) => {
    await using database = await createDatabase()
    const { address } = await database.login(role)
    const db = await openDatabase(address, { poolSize: 1 })
    expect(await loginReach(db)).toEqual({ tables, functions })
    await db.destroy()
  })

  test("is not told where there is no vault, nor without the server", async () => {
    await using database = await createEmptyDatabase()
    for (const [address, kind] of [
      [database.address, "config"],
      [{ ...database.address, port: 1 }, "unavailable"],
    ] as const) {
      const db = await openDatabase(address, { poolSize: 1 })
      await expect(loginReach(db)).rejects.toMatchObject({ name: "UserError", kind })
      await db.destroy()
    }
  })

  test("a grant too many shows", async () => {
    await using database = await createDatabase()
    await database.query(
      "grant usage on schema vault to peppermill_analyst; grant select on vault.originals to peppermill_analyst",
    )
    const { address } = await database.login("peppermill_analyst")
    const db = await openDatabase(address, { poolSize: 1 })
    expect((await loginReach(db)).tables).toEqual(["originals"])
    await db.destroy()
    await database.query("revoke all on schema vault from peppermill_analyst")
  })
})

test("identities left in a variable or a file are found, and named by their place alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "peppermill-"))
  const [one, other] = [await generateX25519Identity(), await generateX25519Identity()]
  await writeFile(join(folder, "keys.txt"), `# a comment\n${one}\n`)
  await writeFile(join(folder, "harmless.txt"), "AGE-SECRET-KEY-1NOTREALLY")
  await writeFile(join(folder, "large.txt"), `${one}\n`.padEnd(65_537, "#"))
  await writeFile(join(folder, "less large.txt"), `${other}\n`.padEnd(65_536, "#"))
  await mkdir(join(folder, "a folder"))
  await symlink(join(folder, "nowhere"), join(folder, "dangling"))
  // A file by its looks, which cannot be read from its beginning.
  if (existsSync("/proc/self/mem")) await symlink("/proc/self/mem", join(folder, "memory"))
  const quantum = await generateHybridIdentity()
  const variables = { BACKUP: `x${other} ${quantum}y`, PATH: "/bin", NONE: undefined }
  const found = await findIdentities(variables, [join(folder, "absent"), folder])
  const recipient = (identity: string) => identityToRecipient(identity)
  expect(found).toEqual([
    { place: "the variable BACKUP", recipients: [await recipient(other), await recipient(quantum)] },
    { place: join(folder, "keys.txt"), recipients: [await recipient(one)] },
    { place: join(folder, "less large.txt"), recipients: [await recipient(other)] },
  ])
  await rm(folder, { recursive: true })
})
