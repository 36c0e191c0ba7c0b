import { type BatchFigures, type FigureKey, type Figures, sum } from "./figures.ts"
import { METRICS, type MetricKey } from "./metrics.ts"

/** CloudWatch's namespace of our metrics. */
const NAMESPACE = "Peppermill"

/** CloudWatch takes 100 values of one metric in a line. */
const MAX_VALUES = 100

export interface EmfAbout {
  readonly service: string
  /** null: of no queue. */
  readonly queue: string | null
  readonly run: string
}

/** Lines of metrics for CloudWatch, which finds them among the log lines of a container. */
export interface Emf {
  /** Write what has come together since the last line. */
  flush(): void
}

/**
 * @param source - The fold. A line is written when 100 batches have come together, or at {@link Emf.flush}.
 * @param write - Takes whole lines. It must not throw.
 */
export function createEmf(
  source: { figures(): Figures; onBatch(listener: (batch: BatchFigures) => void): void },
  { about, write, now }: { about: EmfAbout; write: (text: string) => void; now: () => number },
): Emf {
  let before = new Map<FigureKey, number>()
  let rejections: Readonly<Record<string, number>> = {}
  let batches: BatchFigures[] = []

  function flush(): void {
    const figures = source.figures()
    const totals = new Map(Object.entries(figures).map(([key, some]) => [key as FigureKey, sum(some)]))
    const values = [...totals].map(([key, total]): [MetricKey, number] => [
      key,
      METRICS[key].kind === "counter" ? total - (before.get(key) ?? 0) : total,
    ])
    const histograms: readonly [MetricKey, readonly number[]][] =
      batches.length === 0
        ? []
        : [
            ["batchRows", batches.map(({ rows }) => rows)],
            ["batchSeconds", batches.map(({ seconds }) => seconds)],
          ]
    const more = Object.entries(figures.rejected).flatMap(([reason, count]) => {
      const increase = count - (rejections[reason] ?? 0)
      return increase > 0 ? [[reason, increase]] : []
    })
    write(emfLine(now(), about, [...values, ...histograms], { rejections: Object.fromEntries(more) }))
    before = totals
    rejections = { ...figures.rejected }
    batches = []
  }

  source.onBatch((batch) => {
    batches.push(batch)
    if (batches.length >= MAX_VALUES) flush()
  })
  return { flush }
}

/**
 * One line in CloudWatch's embedded metric format.
 *
 * @param properties - Stand in the log, where they can be searched; they make no metric.
 */
export function emfLine(
  atMs: number,
  { service, queue, run }: EmfAbout,
  values: readonly (readonly [MetricKey, number | readonly number[]])[],
  properties: Readonly<Record<string, unknown>> = {},
): string {
  const directive = {
    Namespace: NAMESPACE,
    Dimensions: [queue === null ? ["Service"] : ["Queue", "Service"]],
    Metrics: values.map(([key]) => ({ Name: METRICS[key].name, Unit: METRICS[key].unit })),
  }
  const line = {
    _aws: { Timestamp: atMs, CloudWatchMetrics: [directive] },
    ...(queue !== null && { Queue: queue }),
    Service: service,
    run,
    event: "metrics",
    ...properties,
    ...Object.fromEntries(values.map(([key, value]) => [METRICS[key].name, value])),
  }
  return `${JSON.stringify(line)}\n`
}
