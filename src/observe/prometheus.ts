import type { BatchFigures, Figures } from "./figures.ts"
import { METRICS } from "./metrics.ts"

/** Metrics as Prometheus asks for them. */
export interface Scrape {
  readonly contentType: string
  /** The text exposition format, with a metric of this process beside those of the drain. */
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
  const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } = await import("prom-client")
  const registry = new Registry()
  registry.setDefaultLabels(labels)
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
          return { figure, labels: "label" in metric ? { [metric.label]: label } : {} }
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
  collectDefaultMetrics({ register: registry })
  return { contentType: registry.contentType, text: () => registry.metrics() }
}
