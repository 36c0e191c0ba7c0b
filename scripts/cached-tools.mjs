import { execFile } from "node:child_process"
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "peppermill")

/** What a registry or this machine does not have. The message says what and why, in one line. */
export class NotToBeHad extends Error {}

/**
 * A virtual environment of Python's with exactly these packages, kept in the cache folder.
 *
 * @param requirements such as `moto[server]==5.2.5`; versions are exact, so that a cached one is the right one.
 * @param pythons the first of these that is here is taken.
 * @returns the folder of its programs.
 */
export async function pythonTools(requirements, pythons = ["python3"]) {
  const folder = join(cache, "python", requirements.join(" ").replace(/[^A-Za-z0-9.=-]+/g, "_"))
  const bin = join(folder, "bin")
  await once(folder, requirements.join(", "), async () => {
    await run(await firstThatRuns(pythons), ["-m", "venv", folder])
    await run(join(bin, "pip"), ["install", "--quiet", "--disable-pip-version-check", ...requirements])
  })
  return bin
}

async function firstThatRuns(programs) {
  for (const program of programs) {
    const runs = await run(program, ["--version"]).then(
      () => true,
      () => false,
    )
    if (runs) return program
  }
  throw new Error(`there is no ${programs.join(" and no ")} here`)
}

/** A program written in Go, built from its module. @returns its path. */
export async function goTool(program, version) {
  const name = program.split("/").at(-1)
  const folder = join(cache, "go", `${name}-${version}`)
  await once(folder, `${program} ${version}`, async () => {
    await run("go", ["install", `${program}@${version}`], { env: { ...process.env, GOBIN: folder } })
  })
  return join(folder, name)
}

/** A Java library with all it depends on. @returns the class path. */
export async function javaLibrary(coordinates) {
  const folder = join(cache, "java", coordinates.replaceAll(":", "-"))
  await once(folder, coordinates, async () => {
    const [group, artifact, version] = coordinates.split(":")
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, "pom.xml"),
      `<project><modelVersion>4.0.0</modelVersion><groupId>peppermill</groupId><artifactId>tools</artifactId>
<version>1</version><dependencies><dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>
<version>${version}</version></dependency></dependencies></project>`,
    )
    const plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    const args = ["--batch-mode", "--quiet", plugin, "-DoutputDirectory=jars", "-DincludeScope=runtime"]
    await run("mvn", args, { cwd: folder })
  })
  return join(folder, "jars", "*")
}

/** Fill a folder, or leave none: a half installed tool must not pass for a whole one. */
async function once(folder, what, install) {
  const done = join(folder, ".complete")
  if (existsSync(done)) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  try {
    await install()
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw new NotToBeHad(`${what}: ${reasonOf(error)}`)
  }
  writeFileSync(done, "")
}

/** The last line that a failing installer wrote. */
function reasonOf(error) {
  if (error.code === "ENOENT") return `${error.path} is not installed`
  const lines = `${error.stdout ?? ""}\n${error.stderr ?? ""}`.trim().split("\n")
  return lines.filter((line) => /error/i.test(line)).at(-1) || lines.at(-1) || error.message
}
