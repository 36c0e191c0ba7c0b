import { spawn } from "node:child_process"
import { once } from "node:events"
import { BINARY } from "../binary.ts"
import { type Spread, spread } from "./statistics.ts"

export interface StartUp {
  readonly args: string
  readonly wallMs: Spread
  readonly cpuMs: Spread
  readonly peakMb: Spread
}

/** What it takes to say one's version, and one's help; beside it Node that does nothing at all. */
export async function measureStartUp(rounds: number): Promise<readonly StartUp[]> {
  const commands = [
    [BINARY, "--version"],
    [BINARY, "--help"],
    [process.execPath, "--eval", ""],
  ]
  const results = commands.map(() => ({ wall: [] as number[], cpu: [] as number[], peak: [] as number[] }))
  for (let round = 0; round < rounds; round++) {
    for (const [index, command] of commands.entries()) {
      const one = await run(command)
      results[index]?.wall.push(one.wallMs)
      results[index]?.cpu.push(one.cpuMs)
      results[index]?.peak.push(one.peakMb)
    }
  }
  return results.map(({ wall, cpu, peak }, index) => ({
    args: index === 2 ? "node --eval ''" : `peppermill ${commands[index]?.[1]}`,
    wallMs: spread(wall),
    cpuMs: spread(cpu),
    peakMb: spread(peak),
  }))
}

/** `time` of the shell would say no memory, and GNU time is not everywhere: so a wait4 of Python's. */
const WAIT = `import os, sys, time
start = time.monotonic()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, status)`

async function run(command: readonly string[]) {
  const child = spawn("python3", ["-c", WAIT, ...command], { stdio: ["ignore", "pipe", "inherit"] })
  let text = ""
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part
  })
  await once(child, "close")
  const [wall = 0, cpu = 0, kilobytes = 0, status = -1] = text.trim().split(" ").map(Number)
  if (status !== 0) throw new Error(`${command.join(" ")} failed`)
  return { wallMs: wall * 1000, cpuMs: cpu * 1000, peakMb: kilobytes / 1024 }
}
