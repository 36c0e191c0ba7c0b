import { safe } from "../safe.ts"
import type { BatchFigures, Figures } from "./figures.ts"
import { METRICS } from "./metrics.ts"

/** Metrics as Prometheus asks for them. */
export interface Scrape {
  readonly contentType: string
  /** The text exposition format: the drain's metrics, and three of the process under their usual names. */
  text(): Promise<string>
}

/**
 * @param source - The fold; its figures are read at each scrape.
 * @param labels - Stand at every metric.
 */
export async function createScrape(
  source: { figures(): Figures; onBatch(listener: (batch: BatchFigures) => void): void },
  labels: Readonly<Record<string, string>>,
): Promise<Scrape> {
  // Loaded here: a run that nobody scrapes does without.
  const { Counter, Gauge, Histogram, Registry } = await import("prom-client")
  const registry = new Registry()
  registry.setDefaultLabels(
    Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, safe(text)])),
  )
  const histograms = new Map<string, InstanceType<typeof Histogram>>()

  for (const [key, metric] of Object.entries(METRICS)) {
    const { name, help, kind } = metric
    const about = { name, help, registers: [registry] }
    if (kind === "histogram") {
      histograms.set(key, new Histogram({ ...about, buckets: [...metric.buckets] }))
    } else if (!("by" in metric)) {
      const labelNames = "label" in metric ? [metric.label] : []
      const figures = () =>
        Object.entries(source.figures()[key as keyof Figures]).map(([label, figure]) => {
          return { figure, labels: "label" in metric ? { [metric.label]: safe(label) } : {} }
        })
      if (kind === "gauge") {
        new Gauge({
          ...about,
          labelNames,
          collect() {
            for (const { figure, labels } of figures()) this.set(labels, figure)
          },
        })
      } else {
        new Counter({
          ...about,
          labelNames,
          collect() {
            this.reset()
            for (const { figure, labels } of figures()) this.inc(labels, figure)
          },
        })
      }
    }
  }
  source.onBatch(({ rows, seconds }) => {
    histograms.get("batchRows")?.observe(rows)
    histograms.get("batchSeconds")?.observe(seconds)
  })
  const startedSeconds = Date.now() / 1000 - process.uptime()
  const registers = [registry]
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Seconds of CPU time, user and system, of this process",
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Bytes of memory that this process has in RAM",
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new Gauge({
    name: "process_start_time_seconds",
    help: "When this process began: seconds since the epoch",
    registers,
  }).set(startedSeconds)
  return { contentType: registry.contentType, text: () => registry.metrics() }
}
