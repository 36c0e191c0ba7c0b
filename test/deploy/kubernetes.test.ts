import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ScaledJob, ScaledObject, TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1"
import { Deployment } from "kubernetes-models/apps/v1"
import { CronJob, Job } from "kubernetes-models/batch/v1"
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1"
import { ConfigMap, Namespace, ServiceAccount } from "kubernetes-models/v1"
import { describe, expect, onTestFinished, test } from "vitest"
import { loadConfig } from "../../src/config/load.ts"
import { EXIT } from "../../src/exit-code.ts"
import { IMAGE, longestStopSeconds, type Manifest, manifests, NOBODY, understood } from "./examples.ts"

// biome-ignore lint/suspicious/noExplicitAny: each takes its own manifest
const SCHEMAS: Record<string, new (data: any) => { validate(): void }> = {
  "v1 Namespace": Namespace,
  "v1 ServiceAccount": ServiceAccount,
  "v1 ConfigMap": ConfigMap,
  "networking.k8s.io/v1 NetworkPolicy": NetworkPolicy,
  "apps/v1 Deployment": Deployment,
  "batch/v1 CronJob": CronJob,
  "keda.sh/v1alpha1 ScaledObject": ScaledObject,
  "keda.sh/v1alpha1 ScaledJob": ScaledJob,
  "keda.sh/v1alpha1 TriggerAuthentication": TriggerAuthentication,
}

const FILES = ["base", "cronjob", "deployment", "scaledjob"].map((name) => `kubernetes/${name}.yaml`)
const all = FILES.flatMap((file) => manifests(file).map((manifest) => ({ file, manifest })))
const of = (kind: string): Manifest => all.find(({ manifest }) => manifest.kind === kind)?.manifest

const jobs: readonly (readonly [kind: string, job: Manifest])[] = [
  ["CronJob", of("CronJob").spec.jobTemplate.spec],
  ["ScaledJob", of("ScaledJob").spec.jobTargetRef],
]
const pods: readonly (readonly [kind: string, pod: Manifest])[] = [
  ["Deployment", of("Deployment").spec.template.spec],
  ...jobs.map(([kind, job]) => [kind, job.template.spec] as const),
]

/** The configuration of the ConfigMap, as a file. `recipient` is what its reader has to fill in. */
function configFile(recipient: string): string {
  const folder = mkdtempSync(join(tmpdir(), "peppermill-deploy-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "peppermill.config.yaml")
  const yaml: string = of("ConfigMap").data["peppermill.config.yaml"]
  writeFileSync(file, yaml.replace("age1-your-public-key", recipient), { mode: 0o600 })
  return file
}

const RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

describe("config/deploy/kubernetes", () => {
  test.each(all.map(({ file, manifest }) => [manifest.kind, file, manifest] as const))(
    "%s of %s is what its schema asks for, in the namespace",
    (kind, _, manifest) => {
      const Schema = SCHEMAS[`${manifest.apiVersion} ${kind}`]
      if (Schema === undefined) throw new Error(`there is no schema for ${manifest.apiVersion} ${kind}`)
      new Schema(manifest).validate()
      const { name, namespace } = manifest.metadata
      expect(kind === "Namespace" ? name : namespace).toBe("peppermill")
    },
  )

  test("the schemas refuse what they should", () => {
    const broken = structuredClone(of("Deployment"))
    broken.spec.template.spec.containers[0].image = 1
    expect(() => new Deployment(broken).validate()).toThrow("image")
    const scaled = structuredClone(of("ScaledObject"))
    scaled.spec.triggers[0].metadata.queueLength = 5
    expect(() => new ScaledObject(scaled).validate()).toThrow("queueLength")
  })

  test.each(jobs)("the job of %s is one that Kubernetes would take alone", (_, job) => {
    new Job({ metadata: { name: "peppermill" }, spec: job }).validate()
  })

  test.each(pods)("the pod of %s may do nothing but run peppermill", (_, pod) => {
    expect(pod.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: NOBODY,
      runAsGroup: NOBODY,
      fsGroup: NOBODY,
      seccompProfile: { type: "RuntimeDefault" },
    })
    expect(pod.automountServiceAccountToken).toBe(false)
    expect(pod.serviceAccountName).toBe(of("ServiceAccount").metadata.name)
    const [container, ...others] = pod.containers
    expect(others).toEqual([])
    expect(container.image).toBe(IMAGE)
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    })
    for (const mount of container.volumeMounts) expect(mount.readOnly).toBe(true)
  })

  test.each(pods)("%s mounts what its configuration refers to", async (_, pod) => {
    const { config } = await loadConfig({ cwd: "/", env: {}, file: configFile(RECIPIENT) })
    const [container] = pod.containers
    const mounts = new Map<string, string>(container.volumeMounts.map((m: Manifest) => [m.mountPath, m.name]))
    const volume = (path: string): Manifest =>
      pod.volumes.find(({ name }: Manifest) => name === mounts.get(path))
    for (const reference of [config.database.url, ...Object.values(config.masking.keys)]) {
      expect(reference).toMatch(/^file:\/run\/secrets\/peppermill\/[a-z-]+$/)
    }
    // Nobody but the group of fsGroup may read it, or peppermill refuses it.
    expect(volume("/run/secrets/peppermill").secret).toEqual({
      secretName: "peppermill",
      defaultMode: 0o440,
    })
    expect(volume("/etc/peppermill").configMap.name).toBe(of("ConfigMap").metadata.name)
    expect((await understood(container.args)).options.config).toBe(
      `/etc/peppermill/${Object.keys(of("ConfigMap").data)[0]}`,
    )
  })

  test.each(pods)("%s is left the time to end its batch", async (_, pod) => {
    const seconds = await longestStopSeconds(configFile(RECIPIENT))
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(seconds)
  })

  test("the configuration is good once its recipient is filled in, and refused before", async () => {
    const { warnings } = await loadConfig({ cwd: "/", env: {}, file: configFile(RECIPIENT) })
    expect(warnings).toEqual([])
    const asItIs = loadConfig({ cwd: "/", env: {}, file: configFile("age1-your-public-key") })
    await expect(asItIs).rejects.toThrow("vault.recipients")
  })

  test("the Deployment follows its queue, and is asked for its health where it listens", async () => {
    const [container] = of("Deployment").spec.template.spec.containers
    const { surface, options } = await understood(container.args)
    expect([surface, options.follow]).toEqual(["batch", true])
    const [port] = container.ports
    expect(options["listen"]).toBe(`0.0.0.0:${port.containerPort}`)
    const { startupProbe, readinessProbe, livenessProbe } = container
    expect(startupProbe.httpGet).toEqual({ path: "/readyz", port: port.name })
    expect(readinessProbe.httpGet).toEqual({ path: "/readyz", port: port.name })
    expect(livenessProbe.httpGet).toEqual({ path: "/livez", port: port.name })
    const { annotations } = of("Deployment").spec.template.metadata
    expect(annotations["prometheus.io/port"]).toBe(String(port.containerPort))
    expect(of("NetworkPolicy").spec.ingress[0].ports).toEqual([{ protocol: "TCP", port: port.containerPort }])
    expect(of("Deployment").spec.replicas, "their number is KEDA's").toBeUndefined()
  })

  test.each(jobs)(
    "%s drains to empty, within its deadline, and does not repeat what cannot succeed",
    async (_, job) => {
      const [container] = job.template.spec.containers
      const { surface, options } = await understood(container.args)
      expect([surface, options.follow]).toEqual(["batch", undefined])
      expect(job.activeDeadlineSeconds).toBeGreaterThan(
        (options.maxSeconds ?? 0) + job.template.spec.terminationGracePeriodSeconds,
      )
      const [, fail] = job.podFailurePolicy.rules
      expect(fail.action).toBe("FailJob")
      expect(fail.onExitCodes.containerName).toBe(container.name)
      const { usage, data, bug, permission, config } = EXIT
      expect(fail.onExitCodes.values).toEqual([usage, data, bug, permission, config])
      expect(job.template.spec.restartPolicy, "a failure policy asks for it").toBe("Never")
    },
  )

  test.each(["ScaledObject", "ScaledJob"])("%s looks at the queue that is drained", async (kind) => {
    const { config } = await loadConfig({ cwd: "/", env: {}, file: configFile(RECIPIENT) })
    const [trigger, ...others] = of(kind).spec.triggers
    expect(others).toEqual([])
    expect(trigger.type).toBe("aws-sqs-queue")
    expect(trigger.metadata.queueURL).toBe(config.queue.url)
    expect(config.queue.url).toContain(`.${trigger.metadata.awsRegion}.`)
    expect(trigger.authenticationRef.name).toBe(of("TriggerAuthentication").metadata.name)
    if (kind === "ScaledObject") {
      expect(of(kind).spec.scaleTargetRef.name).toBe(of("Deployment").metadata.name)
    }
  })

  test("the network policy picks every pod, and lets out what peppermill needs alone", () => {
    const { podSelector, egress, policyTypes } = of("NetworkPolicy").spec
    const labels = [
      of("Deployment").spec.template.metadata.labels,
      ...jobs.map(([, job]) => job.template.metadata.labels),
    ]
    for (const each of labels) expect(each).toMatchObject(podSelector.matchLabels)
    expect(policyTypes).toEqual(["Ingress", "Egress"])
    const ports = egress.flatMap((rule: Manifest) => rule.ports.map(({ port }: Manifest) => port))
    expect(ports).toEqual([53, 53, 443, 80, 5432])
  })
})
