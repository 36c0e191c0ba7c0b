/** One time series of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

/**
 * Read the text exposition format as strictly as `promtool check metrics` does: HELP and TYPE before the
 * samples of a family, each once, no family twice, no series twice, numbers that are numbers, labels
 * quoted as they must be, and of a histogram growing buckets up to +Inf, a sum and a count.
 *
 * @throws Error naming the line.
 */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>()
  const series = new Set<string>()
  let current = ""
  for (const line of text.split("\n")) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`)
    }
    if (line === "") continue
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (comment !== null) {
      const [, what, name = "", rest = ""] = comment
      if (!NAME.test(name)) fail("a bad name")
      if (what === "HELP") {
        if (families.has(name)) fail("a family twice")
        families.set(name, { type: "", help: rest, samples: [] })
        current = name
      } else {
        const family = families.get(name)
        if (family === undefined || family.type !== "" || name !== current) fail("TYPE in the wrong place")
        else family.type = rest
      }
      continue
    }
    const [, name = fail("not a line"), labelText = "", number = ""] = SAMPLE.exec(line) ?? []
    const family = families.get(current)
    const suffixes = family?.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]
    if (!suffixes.some((suffix) => name === current + suffix)) fail("a sample outside its family")
    if (!/^([+-]?Inf|NaN|-?\d+(\.\d+)?(e[+-]?\d+)?)$/.test(number)) fail("a bad number")
    const labels = readLabels(labelText) ?? fail("bad labels")
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`
    if (series.has(key)) fail("a series twice")
    series.add(key)
    family?.samples.push({ name, labels, value: Number(number.replace("Inf", "Infinity")) })
  }
  for (const [name, { type, samples }] of families) {
    if (!["counter", "gauge", "histogram", "summary"].includes(type)) throw new Error(`no type: ${name}`)
    if (type === "counter" && samples.some(({ value }) => value < 0)) throw new Error(`negative: ${name}`)
    if (type === "histogram") checkHistogram(name, samples)
  }
  return families
}

function readLabels(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text)
    if (match === null) return null
    const [, name = "", value = ""] = match
    if (name in labels) return null
    labels[name] = value.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character))
  }
  return labels
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...others } }) => JSON.stringify(others))
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
    const count = group.find((sample) => sample.name === `${name}_count`)
    const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("Inf", "Infinity")))
    const grows = (list: readonly number[]) =>
      list.every((value, at) => at === 0 || value >= (list[at - 1] ?? 0))
    const isWhole =
      bounds.at(-1) === Number.POSITIVE_INFINITY &&
      grows(bounds) &&
      grows(buckets.map(({ value }) => value)) &&
      count?.value === buckets.at(-1)?.value &&
      group.some((sample) => sample.name === `${name}_sum`)
    if (!isWhole) throw new Error(`not a histogram: ${name}`)
  }
}
