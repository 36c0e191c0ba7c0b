import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"

const SCRIPT = resolve(import.meta.dirname, "../install.sh")
const NAME = `peppermill-1.2.3-${process.platform}-${process.arch}`

/** A release with a program that says this. `npm run release:dry` installs the real one. */
function release(program: string) {
  const folder = mkdtempSync(join(tmpdir(), "peppermill-install-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, NAME))
  writeFileSync(join(folder, NAME, "peppermill"), `#!/bin/sh\n${program}\n`)
  chmodSync(join(folder, NAME, "peppermill"), 0o755)
  const archive = join(folder, `${NAME}.tar.xz`)
  execFileSync("tar", ["-cJf", archive, NAME], { cwd: folder })
  const sum = createHash("sha256").update(readFileSync(archive)).digest("hex")
  writeFileSync(join(folder, "SHA256SUMS"), `${sum}  ${NAME}.tar.xz\n`)
  return { folder, archive, to: join(folder, "bin"), sums: join(folder, "SHA256SUMS") }
}

function install(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync("sh", [SCRIPT, ...args], { encoding: "utf8" })
  return { status, stdout, stderr }
}

describe("install.sh", () => {
  test("installs what the checksums name, and replaces an older one", () => {
    const { folder, to } = release("echo peppermill 1.2.3")
    for (const time of ["first", "again"]) {
      const { status, stderr } = install("--from", folder, "--to", to)
      expect([time, status, stderr]).toEqual([
        time,
        0,
        `install: peppermill 1.2.3 is in ${to}\ninstall: ${to} is not on your PATH\n`,
      ])
    }
    expect(execFileSync(join(to, "peppermill"), { encoding: "utf8" })).toBe("peppermill 1.2.3\n")
  })

  test("refuses an archive that is not what the checksums say, and runs nothing of it", () => {
    const { folder, to, archive } = release(`touch "${tmpdir()}/peppermill-was-run"`)
    writeFileSync(archive, Buffer.concat([readFileSync(archive), Buffer.of(0)]))
    const { status, stderr } = install("--from", folder, "--to", to)
    expect(status).toBe(1)
    expect(stderr).toContain(`${NAME}.tar.xz is not what SHA256SUMS says`)
    expect(existsSync(to)).toBe(false)
    expect(existsSync(join(tmpdir(), "peppermill-was-run"))).toBe(false)
  })

  test.each([
    ["has no line for the archive", "", "has no line for"],
    ["has a line of another form", `deadbeef  ${NAME}.tar.xz\n`, "has no line for"],
  ])("refuses when SHA256SUMS %s", (_, sums, words) => {
    const made = release("echo peppermill 1.2.3")
    writeFileSync(made.sums, sums)
    const { status, stderr } = install("--version", "1.2.3", "--from", made.folder, "--to", made.to)
    expect(status).toBe(1)
    expect(stderr).toContain(words)
    expect(existsSync(made.to)).toBe(false)
  })

  test("refuses without checksums", () => {
    const made = release("echo peppermill 1.2.3")
    rmSync(made.sums)
    expect(install("--from", made.folder, "--to", made.to)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("has no SHA256SUMS"),
    })
  })

  test("keeps the old program when the new one does not start, and says why", () => {
    const { folder, to } = release("echo 'libatomic.so.1: cannot open shared object file' >&2; exit 127")
    mkdirSync(to)
    writeFileSync(join(to, "peppermill"), "the old one")
    const { status, stderr } = install("--from", folder, "--to", to)
    expect(status).toBe(1)
    expect(stderr).toContain("libatomic.so.1: cannot open")
    expect(stderr).toContain("hint: on Debian and Ubuntu: apt-get install libatomic1")
    expect(readFileSync(join(to, "peppermill"), "utf8")).toBe("the old one")
  })

  test("knows its options, and says them", () => {
    expect(install("--help").stdout).toContain("--from FOLDER")
    expect(install("--prefix", "/x").status).toBe(1)
    expect(install("--to").stderr).toContain("--to wants a value")
  })
})
