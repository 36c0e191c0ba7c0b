import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { parse } from "yaml"
import { SETTINGS } from "../../src/config/settings.ts"
import { EXIT } from "../../src/exit-code.ts"
import { template, text, understood } from "./examples.ts"

const workflow = parse(text("pipelines/github-actions.yaml"))
const jenkinsfile = text("pipelines/Jenkinsfile")
const { Resources: resources } = template("pipelines/codepipeline.yaml")
const { EnvironmentVariables: variables } = resources.Drain.Properties.Environment
const buildspec = parse(resources.Drain.Properties.Source.BuildSpec)

const shellSteps: readonly (readonly [name: string, script: string])[] = [
  ["GitHub Actions", workflow.jobs.drain.steps.at(-1).run],
  ["AWS CodePipeline", buildspec.phases.build.commands[0]],
]
const jenkinsCommand = /script: '([^']*)'/.exec(jenkinsfile)?.[1] ?? ""

/** Run a step with a peppermill that ends with this status. */
function runStep(script: string, status: number) {
  const folder = mkdtempSync(join(tmpdir(), "peppermill-step-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const summary = join(folder, "step-summary")
  writeFileSync(
    join(folder, "peppermill"),
    `#!/bin/sh\necho "$@" > "${folder}/args"\necho '{"schema":1}'\nexit ${status}\n`,
    { mode: 0o755 },
  )
  writeFileSync(summary, "")
  // As GitHub runs bash, and CodeBuild sh: the first command that fails ends the step.
  const { status: ended, stdout } = spawnSync("bash", ["-e", "-o", "pipefail", "-c", script], {
    cwd: folder,
    env: { PATH: `${folder}:${process.env["PATH"]}`, GITHUB_STEP_SUMMARY: summary },
    encoding: "utf8",
  })
  return {
    ended,
    said: stdout + readFileSync(summary, "utf8"),
    args: readFileSync(join(folder, "args"), "utf8"),
  }
}

describe("config/deploy/pipelines", () => {
  test.each(shellSteps)(
    "%s: done is good, unfinished is good and said, all else fails the step",
    async (_, script) => {
      for (const status of new Set(Object.values(EXIT))) {
        const { ended, said, args } = runStep(script, status)
        const good = status === EXIT.ok || status === EXIT.unfinished
        expect([status, ended]).toEqual([status, good ? 0 : 1])
        expect(said, "the summary is shown, however it ended").toContain('{"schema":1}')
        if (status === EXIT.unfinished) expect(said).toContain("Not finished")
        expect((await understood(args.trim().split(" "))).surface).toBe("batch")
      }
    },
  )

  test("Jenkins: the command is one, and each status has its result", async () => {
    const [program, ...args] = jenkinsCommand.replace(/ > summary\.json$/, "").split(" ")
    expect(program).toBe("peppermill")
    const { surface, options } = await understood(args)
    expect([surface, options.json]).toEqual(["batch", true])
    const results = [...jenkinsfile.matchAll(/status (==|!=) (\d+)\) \{\s*(\w+)\(/g)].map(([, ...each]) =>
      each.join(" "),
    )
    expect(results).toEqual([
      `== ${EXIT.unfinished} unstable`,
      `== ${EXIT.data} error`,
      `== ${EXIT.unavailable} error`,
      `!= ${EXIT.ok} error`,
    ])
  })

  test("their variables are settings", () => {
    const names = [
      ...Object.keys(workflow.jobs.drain.env),
      ...[...jenkinsfile.matchAll(/^\s+(PEPPERMILL_\w+) =/gm)].map(([, name]) => name),
      ...variables.map(({ Name }: { Name: string }) => Name),
    ]
    expect(names.length).toBeGreaterThan(8)
    const known = SETTINGS.map(({ variable }) => variable)
    expect(names.filter((name) => !known.includes(name))).toEqual([])
  })

  test("the time of the job is longer than the batch's", async () => {
    const minutes = [
      workflow.jobs.drain["timeout-minutes"],
      Number(/timeout\(time: (\d+), unit: 'MINUTES'\)/.exec(jenkinsfile)?.[1]),
      resources.Drain.Properties.TimeoutInMinutes,
    ]
    const seconds = Number(/--max-seconds (\d+)/.exec(jenkinsfile)?.[1])
    for (const each of minutes) expect(each * 60).toBeGreaterThan(seconds + 120)
  })

  test("what others wrote is named by commit, and may do nothing but take the role", () => {
    for (const { uses } of workflow.jobs.drain.steps.slice(0, -1)) expect(uses).toMatch(/@[0-9a-f]{40}$/)
    expect(workflow.permissions).toEqual({})
    expect(workflow.jobs.drain.permissions).toEqual({ "id-token": "write" })
  })
})
