import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"

type Snapshot = Metric.Metric.Snapshot

/** Runs an effect with a metric registry and a tracer of its own, and gives what they saw. */
export const observed = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span(options) {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return Effect.gen(function* () {
    const value = yield* Effect.provideService(effect, Tracer.Tracer, tracer)
    return { value, spans, metrics: yield* Metric.snapshot }
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
}

/** The value of a metric; of a histogram how many values it holds, their sum, and the greatest. */
const valueOf = (metric: Snapshot) => {
  switch (metric.type) {
    case "Counter":
      return metric.state.count
    case "Gauge":
      return metric.state.value
    case "Histogram":
      return { count: metric.state.count, sum: metric.state.sum, max: metric.state.max }
    default:
      return metric.state
  }
}

/** All values, under the name of the metric and, in brackets, the value of its own `attribute`. */
export const valuesOf = (metrics: ReadonlyArray<Snapshot>, attributes: ReadonlyArray<string>) =>
  Object.fromEntries(
    metrics.map((metric) => {
      const own = attributes.flatMap((attribute) => metric.attributes?.[attribute] ?? [])
      return [own.length === 0 ? metric.id : `${metric.id}[${own.join()}]`, valueOf(metric)]
    })
  )
