import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"

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
