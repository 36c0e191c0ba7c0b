import { describe, expect, test } from "vitest"
import { loadConfig } from "../../src/config/load.ts"
import { SETTINGS } from "../../src/config/settings.ts"
import { IMAGE, longestStopSeconds, type Manifest, NOBODY, template, understood } from "./examples.ts"

const {
  Parameters: parameters,
  Conditions: conditions,
  Resources: resources,
} = template("ecs/peppermill.yaml")
const task = resources.Task.Properties
const [container] = task.ContainerDefinitions
const [, followCommand, scheduleCommand]: readonly [string, string[], string[]] = container.Command["Fn::If"]
const environment: readonly { Name: string; Value: Manifest }[] = container.Environment

/** What a `!Sub` text comes to with these parameters. */
function filledIn(value: Manifest, given: Readonly<Record<string, string>>): string {
  if (typeof value === "string") return value
  if (typeof value.Ref === "string") return given[value.Ref] ?? ""
  return value["Fn::Sub"].replaceAll(/\$\{(\w+)\}/g, (_: string, name: string) => given[name] ?? "")
}

describe("config/deploy/ecs/peppermill.yaml", () => {
  test("refers to nothing that it does not have", () => {
    const names = [...Object.keys(parameters), ...Object.keys(resources)]
    const referred: string[] = []
    JSON.stringify({ conditions, resources }, (key, value) => {
      if (key === "Ref") referred.push(value)
      if (key === "Fn::GetAtt") referred.push(value.split(".")[0])
      if (key === "Fn::Sub")
        referred.push(...[...value.matchAll(/\$\{([\w:]+)/g)].map(([, name]) => name as string))
      if (key === "Condition" && typeof value === "string") expect(Object.keys(conditions)).toContain(value)
      return value
    })
    expect(referred.length).toBeGreaterThan(20)
    expect(referred.filter((name) => !name.startsWith("AWS::") && !names.includes(name))).toEqual([])
    const unused = Object.keys(parameters).filter((name) => !referred.includes(name))
    expect(unused).toEqual([])
  })

  test("the task may do nothing but run peppermill", () => {
    expect(parameters.Image.Default).toBe(IMAGE)
    expect(container.User).toBe(`${NOBODY}:${NOBODY}`)
    expect(container.ReadonlyRootFilesystem).toBe(true)
    expect(container.LinuxParameters).toEqual({ InitProcessEnabled: true, Capabilities: { Drop: ["ALL"] } })
  })

  test("the service follows the queue and listens where its port is; the schedule drains to empty", async () => {
    const follow = await understood(followCommand)
    expect([follow.surface, follow.options.follow]).toEqual(["batch", true])
    expect(follow.options["listen"]).toBe(`0.0.0.0:${container.PortMappings[0].ContainerPort}`)
    const schedule = await understood(scheduleCommand)
    expect([schedule.surface, schedule.options.follow]).toEqual(["batch", undefined])
    expect(resources.Service.Condition).not.toBe(resources.Scheduled.Condition)
  })

  test("it is left the time to end its batch, and no more than Fargate gives", async () => {
    expect(container.StopTimeout).toBeGreaterThan(await longestStopSeconds(null))
    expect(container.StopTimeout).toBeLessThanOrEqual(120)
  })

  test("its variables are settings, and make a good configuration", async () => {
    const known = SETTINGS.map(({ variable }) => variable)
    expect(environment.map(({ Name }) => Name).filter((name) => !known.includes(name))).toEqual([])
    const defaults = Object.entries<Manifest>(parameters).flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, String(Default)] as const],
    )
    const given = {
      ...Object.fromEntries(defaults),
      QueueUrl: "https://sqs.eu-central-1.amazonaws.com/123456789012/logins",
      Recipients: "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
      AlertsTopic: "arn:aws:sns:eu-central-1:123456789012:peppermill-alerts",
    }
    const env = Object.fromEntries(environment.map(({ Name, Value }) => [Name, filledIn(Value, given)]))
    const { config, warnings } = await loadConfig({ cwd: "/", env })
    expect(warnings).toEqual([])
    expect(config.database.url).toBe("aws-sm:peppermill/writer-database")
    expect(config.masking.keys).toEqual({ k1: "aws-sm:peppermill/mask-key" })
    expect(config.observe).toMatchObject({ emf: true, logFormat: "json" })
  })

  test("it scales by the messages that wait for each running task", () => {
    const { TargetTrackingScalingPolicyConfiguration: tracking } = resources.Backlog.Properties
    const metrics: readonly Manifest[] = tracking.CustomizedMetricSpecification.Metrics
    const [backlog, ...sources] = metrics
    expect(backlog.Expression).toBe(sources.map(({ Id }) => Id).join(" / "))
    expect(metrics.map(({ ReturnData }) => ReturnData)).toEqual([true, false, false])
    expect(sources.map(({ MetricStat }) => MetricStat.Metric.MetricName)).toEqual([
      "ApproximateNumberOfMessagesVisible",
      "RunningTaskCount",
    ])
    expect(tracking.ScaleInCooldown).toBeGreaterThan(tracking.ScaleOutCooldown)
    expect(resources.Tasks.Properties.ResourceId["Fn::Sub"]).toContain("Service.Name")
  })
})
