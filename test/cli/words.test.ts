import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { fromShell, peppermill } from "../binary.ts"

describe("the command line", () => {
  test("explains itself without any configuration", async () => {
    const { status, stdout, stderr } = await peppermill(["--help"])
    expect([status, stderr]).toEqual([0, ""])
    for (const word of ["--batch", "demo", "init", "doctor", "recover", "erase", "audit", "Exit status"]) {
      expect(stdout).toContain(word)
    }
  })

  test.each([
    [["--bacth"], /unknown option '--bacth'\n.*Did you mean --batch\?/],
    [["inti"], /there is no command inti\n.*did you mean init\?/],
    [["init", "--partitioned", "year"], /--partitioned.*month, week, day/],
    [["--batch", "--dry-run"], /exclude each other/],
    [["--batch", "--tui"], /unknown option '--tui'/],
    [["--follow"], /--follow goes with --batch/],
    [["--batch", "--max-messages", "0"], /--max-messages/],
    [["--batch", "--max-rejects", "some"], /not a number or a percentage/],
    [["--queue-url="], /--queue-url/],
    [["--batch", "--set", "batch.rows"], /expected key=value/],
    [["--batch", "--set", "database.url=postgres://u:p@127.0.0.1/db"], /a secret never comes from a flag/],
    [["-e", "console.log(1)"], /unknown option '-e'/],
    [["recover", "--token", "k1:00", "--reason", "          "], /reason/],
    [[], /needs a terminal/],
  ])("refuses %j with a hint", async (args, words) => {
    const { status, stdout, stderr } = await peppermill(args)
    expect(status, stderr).toBe(64)
    expect(stderr).toMatch(words)
    expect(stderr).toMatch(/^peppermill: hint: /m)
    expect(stdout).toBe("")
  })

  test("shows control characters of an argument instead of obeying them", async () => {
    const { status, stderr } = await peppermill(["--batch", "--queue-url", "https://x\n\u001b]0;x\u0007"])
    expect(status).not.toBe(0)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stderr.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })

  test.each(["bash", "zsh", "fish"])("completes itself in %s", async (shell) => {
    const { status, stdout } = await peppermill(["completion", shell])
    expect(status).toBe(0)
    expect(stdout).toContain("peppermill")
    const asked = await peppermill(["complete", "--", "rec"])
    expect(asked.stdout).toMatch(/^recover\t/)
  })

  test("makes a new mask key each time, of the right form", async () => {
    const [one, other] = [await peppermill(["keys", "new"]), await peppermill(["keys", "new"])]
    expect(one.stdout).toMatch(/^[0-9a-f]{64}\n$/)
    expect(one.stdout).not.toBe(other.stdout)
  })
})

test("what is printed arrives whole, however late it is read", async () => {
  const { stdout, status } = await peppermill(["licences"], {
    onStart(child) {
      child.stdout?.pause()
      setTimeout(() => child.stdout?.resume(), 1000)
    },
  })
  expect(status).toBe(0)
  expect(stdout).toBe(readFileSync(join(import.meta.dirname, "../../dist/licences.txt"), "utf8"))
})

test("a reader that leaves early ends nothing but the words to it", async () => {
  const { status, stderr } = await peppermill(["licences"], {
    onStart: (child) => void child.stdout?.once("data", () => child.stdout?.destroy()),
  })
  expect([status, stderr]).toEqual([0, ""])
})

test("peppermill mask prints the token under every live key, of a value from standard input", async () => {
  const env = {
    K1: `${"11".repeat(31)}22`,
    K2: `${"33".repeat(31)}44`,
    PEPPERMILL_MASKING_KEYS: "k1=env:K1,k2=env:K2",
    PEPPERMILL_MASKING_ACTIVE_KEY: "k2",
  }
  const { status, stdout, stderr } = await peppermill(["mask", "-", "--json"], {
    env,
    stdin: "::ffff:203.0.113.9\n",
  })
  expect([status, stderr]).toEqual([0, ""])
  const { tokens } = JSON.parse(stdout) as { tokens: { field: string; key: string; token: string }[] }
  expect(tokens.map(({ field, key }) => `${field} ${key}`)).toEqual([
    "ip k2",
    "ip k1",
    "device_id k2",
    "device_id k1",
  ])
  const plain = await peppermill(["mask", "203.0.113.9", "--field", "ip", "--json"], {
    env,
    mayShow: { argv: ["address"] },
  })
  const ofPlain = (JSON.parse(plain.stdout) as { tokens: typeof tokens }).tokens
  expect(ofPlain.map(({ token }) => token)).toEqual(
    tokens.filter(({ field }) => field === "ip").map(({ token }) => token),
  )
  const bad = await peppermill(["mask", "not an address", "--field", "ip"], { env })
  expect(bad.status).toBe(65)
  expect(bad.stderr).not.toContain("not an address")
})

describe("what was typed in the wrong place is not repeated: it may be a password or an address", () => {
  test.each([
    [["--database-password=HUNTER2"], /unknown option '--database-password'/],
    [["-pHUNTER2"], /unknown option '-p'/],
    [["postgres://u:HUNTER2@127.0.0.1/db"], /there is no such command/],
    [["mask", "a", "HUNTER2"], /too many arguments for 'mask'\. Expected 1 argument but got 2\./],
    [["recover", "HUNTER2@home"], /recover has no such command/],
    [["keys", "HUNTER2"], /unknown command in this place/],
    [["--batch", "--max-messages", "HUNTER2"], /'--max-messages <n>': It is a whole number/],
    [["completion", "HUNTER2"], /for argument 'shell'/],
  ])("%j", async (args, words) => {
    const { status, stderr } = await peppermill(args)
    expect(status).toBe(64)
    expect(stderr).toMatch(words)
    expect(stderr).not.toContain("HUNTER2")
  })

  test.each([["keys"], ["audit"], ["config"], ["quarantine"]])("%s alone wants a command", async (name) => {
    const { status, stderr } = await peppermill([name])
    expect([status, stderr]).toEqual([
      64,
      "peppermill: a command is missing here\npeppermill: hint: peppermill --help shows the usage\n",
    ])
  })
})

describe("the world around it", () => {
  test("a working directory that is gone is no crash", async () => {
    const script = 'cd "$(mktemp -d)" && rmdir "$PWD" && exec "$@"'
    for (const args of [["--version"], ["config", "check"]]) {
      const { status, stderr } = await peppermill(args, { program: fromShell(script) })
      expect([status, stderr]).toEqual([0, ""])
    }
  })

  test("a key that the disk did not take is not said to be made", async () => {
    const { status, stderr } = await peppermill(["keys", "new"], {
      program: fromShell('exec "$@" > /dev/full'),
    })
    expect(status).toBe(69)
    expect(stderr).toContain("standard output could not be written")
  })

  test.each(["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])("streams may be closed: %s", async (closed) => {
    const program = fromShell(`exec "$@" ${closed}`)
    expect((await peppermill(["--version"], { program })).status).toBe(0)
    expect((await peppermill(["--bogus"], { program })).status).toBe(64)
  })
})
