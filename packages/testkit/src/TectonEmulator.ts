/**
 * A Tecton over HTTP on this machine, for clients in any language: the feature server, the Stream Ingest API and the
 * tokens of service accounts on one port, with the semantics of `TectonMemory`.
 */
import * as CheckOption from "@effect-connectors/core/CheckOption"
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as FaultPlan from "./FaultPlan.ts"
import * as Faults from "./internal/emulator/faults.ts"
import { type Assumptions, defaults } from "./internal/features/assumptions.ts"
import { compile } from "./internal/features/compile.ts"
import * as FeatureStore from "./internal/features/featureStore.ts"
import { type Account, make as makeAccounts } from "./internal/tectonEmulator/accounts.ts"
import { make as makeConcurrency } from "./internal/tectonEmulator/concurrency.ts"
import { make as makeClock } from "./internal/tectonEmulator/controlledClock.ts"
import { refuseOf } from "./internal/tectonEmulator/routes.ts"
import * as Server from "./internal/tectonEmulator/server.ts"
import * as TectonWorkspace from "./TectonWorkspace.ts"

export type { Assumptions } from "./internal/features/assumptions.ts"
export type { Account, Role } from "./internal/tectonEmulator/accounts.ts"

/** How an emulator differs from the service as documented. */
export interface Options {
  /** The port on 127.0.0.1; 0 picks a free one. @default 0 */
  readonly port?: number | undefined
  /** The workspaces, by name. @default `prod`, which is `TectonWorkspace.sample` */
  readonly workspaces?: { readonly [name: string]: TectonWorkspace.TectonWorkspace } | undefined
  /** Who is let in, with which roles. @default everybody with a key or credentials that are not empty, as an owner */
  readonly accounts?: ReadonlyArray<Account> | undefined
  /** How long a token can be used, by the emulator's clock. @default "1 hour" */
  readonly tokenLifetime?: Duration.Input | undefined
  /** What goes wrong. @default nothing */
  readonly faultPlan?: FaultPlan.FaultPlan | undefined
  /**
   * Rows that reads may be working on at a time, of which a batch of N has N; a read over it is answered with 429.
   *
   * A read's place is free again before its answer is sent, so a client that keeps to the limit is never refused. So that
   * there is something to count, reads take some milliseconds when there is a limit.
   *
   * @default no limit
   */
  readonly concurrencyLimit?: number | undefined
  /**
   * How long a read takes. One that takes longer than `latencyBudgetMs` of its request is answered then, with status
   * `TIME_OUT` for all but realtime features. Time is real here, whatever the clock of the features says.
   *
   * @default 0; 5 milliseconds with a `concurrencyLimit`, about what Tecton published, and then at least 1
   */
  readonly latency?: Duration.Input | undefined
  /** A read that takes longer and has no budget is answered with 504 then. @default "2 seconds", as documented */
  readonly serverTimeout?: Duration.Input | undefined
  /** Bytes of one HTTP body, over which the answer is 413. It guards memory. @default 33_554_432 */
  readonly maxBodyBytes?: number | undefined
  /** Other answers to what Tecton does not document. */
  readonly assumptions?: Partial<Assumptions> | undefined
}

/** What goes wrong in a running emulator. */
export interface ActiveFaults {
  /** How often each rule of the plan struck; 0 where it did not. */
  readonly fired: Effect.Effect<Readonly<Record<string, number>>>
  /** How many calls each rule looked at, struck or not. */
  readonly matched: Effect.Effect<Readonly<Record<string, number>>>
  /** Another plan, from its start. */
  readonly replace: (plan: FaultPlan.FaultPlan) => Effect.Effect<void>
  /** The same plan from its start: counters at 0, chance from the seed. */
  readonly reset: Effect.Effect<void>
}

/** The clock that windows, ttls and tokens go by. It follows Effect's clock until a test takes hold of it. */
export interface EmulatorClock {
  readonly now: Effect.Effect<DateTime.Utc>
  /** Stops it at a time. */
  readonly set: (time: DateTime.DateTime.Input) => Effect.Effect<void>
  /** Moves it on; one that was stopped goes on standing. */
  readonly advance: (duration: Duration.Input) => Effect.Effect<void>
  /** Lets it follow Effect's clock again. */
  readonly follow: Effect.Effect<void>
}

/** A running emulator. */
export interface Service {
  /** The address of all its APIs, as `http://127.0.0.1:5090`. */
  readonly url: string
  readonly faults: ActiveFaults
  readonly clock: EmulatorClock
  /** Rows that reads are working on. */
  readonly concurrency: {
    readonly inFlight: Effect.Effect<number>
    /** The most there were. */
    readonly peak: Effect.Effect<number>
    /** Reads that were refused because of the limit. */
    readonly refused: Effect.Effect<number>
  }
  /** How many tokens were issued. */
  readonly tokensIssued: Effect.Effect<number>
}

/**
 * A Tecton emulator.
 *
 * @example
 * ```ts
 * import { TectonClient } from "@effect-connectors/tecton"
 * import { TectonEmulator } from "@effect-connectors/testkit"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const prod = Layer.unwrap(Effect.gen(function*() {
 *   const { url } = yield* TectonEmulator
 *   return TectonClient.layer({ url, ingestUrl: url, workspace: "prod", apiKey: Redacted.make("test-key") })
 * })).pipe(Layer.provide(TectonEmulator.layer))
 * ```
 */
export class TectonEmulator extends Context.Service<TectonEmulator, Service>()(
  "@effect-connectors/testkit/TectonEmulator"
) {
  /**
   * Starts an emulator, and stops it with the scope; for tests that need more than one. A port that cannot be used, a
   * workspace that does not fit together, a time or a limit that is none: each fails with `InvalidOption`.
   */
  static readonly make = (options: Options = {}): Effect.Effect<Service, TectonError, Scope.Scope> =>
    Effect.suspend(() => make(options))

  /** An emulator as `options` say, for as long as the layer lives. */
  static readonly layerWith = (options: Options): Layer.Layer<TectonEmulator, TectonError> =>
    Layer.effect(TectonEmulator, TectonEmulator.make(options))

  /** An emulator of the workspace `prod`, which is `TectonWorkspace.sample`, on a free port. */
  static readonly layer: Layer.Layer<TectonEmulator, TectonError> = TectonEmulator.layerWith({})
}

const millisOf = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

/** What is wrong with the options that can be told before anything is started. */
const checkOptions = (options: Options): InvalidOption | undefined =>
  CheckOption.duration("latency", options.latency) ??
  CheckOption.duration("serverTimeout", options.serverTimeout) ??
  CheckOption.duration("tokenLifetime", options.tokenLifetime) ??
  (options.tokenLifetime !== undefined && !Number.isFinite(millisOf(options.tokenLifetime))
    ? new InvalidOption({ option: "tokenLifetime", issue: "is without end; a token says in how many seconds it ends" })
    : undefined) ??
  CheckOption.range("concurrencyLimit", options.concurrencyLimit) ??
  CheckOption.range("maxBodyBytes", options.maxBodyBytes)

const make = (options: Options): Effect.Effect<Service, TectonError, Scope.Scope> =>
  Effect.gen(function* () {
    const wrong = checkOptions(options)
    if (wrong !== undefined) return yield* new TectonError({ operation: "start", reason: wrong })
    const { concurrencyLimit, port = 0 } = options
    const effectClock = yield* Clock.Clock
    const clock = makeClock(() => effectClock.currentTimeMillisUnsafe())
    const assumptions = { ...defaults, ...options.assumptions }
    const faults = Faults.make(options.faultPlan ?? FaultPlan.none, { clock: clock.now, refuse: refuseOf })
    const concurrency = makeConcurrency(concurrencyLimit ?? Infinity)
    const accounts = makeAccounts({
      accounts: options.accounts,
      tokenLifetimeMillis: millisOf(options.tokenLifetime ?? "1 hour"),
      now: clock.now
    })
    const workspaces = new Map<string, FeatureStore.FeatureStore>()
    for (const [workspace, definition] of Object.entries(options.workspaces ?? { prod: TectonWorkspace.sample })) {
      const model = compile(definition)
      if (Result.isFailure(model)) {
        return yield* failure("workspaces", `has a ${workspace} that does not fit together: ${model.failure}`)
      }
      workspaces.set(workspace, FeatureStore.make({ workspace, model: model.success, assumptions, now: clock.now }))
    }
    const latencyMillis = millisOf(options.latency ?? (concurrencyLimit === undefined ? 0 : 5))
    const server = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          Server.listen({
            workspaces,
            accounts,
            assumptions,
            faults,
            clock,
            concurrency,
            // Reads that take no time are answered as they come, and there is never more than one.
            latencyMillis: concurrencyLimit === undefined ? latencyMillis : Math.max(latencyMillis, 1),
            timeoutMillis: millisOf(options.serverTimeout ?? "2 seconds"),
            port,
            maxBodyBytes: options.maxBodyBytes ?? 33_554_432
          }),
        catch: (error) =>
          invalid("port", `cannot be ${port}: ${error instanceof Error ? error.message : String(error)}`)
      }),
      ({ stop }) => Effect.promise(stop)
    )
    return {
      url: server.url,
      faults: {
        fired: Effect.sync(faults.fired),
        matched: Effect.sync(faults.matched),
        replace: (plan) => Effect.sync(() => faults.replace(plan)),
        reset: Effect.sync(faults.reset)
      },
      clock: {
        now: Effect.sync(() => DateTime.makeUnsafe(clock.now())),
        set: (time) => Effect.sync(() => clock.set(DateTime.toEpochMillis(DateTime.makeUnsafe(time)))),
        advance: (duration) => Effect.sync(() => clock.advance(millisOf(duration))),
        follow: Effect.sync(clock.follow)
      },
      concurrency: {
        inFlight: Effect.sync(concurrency.inFlight),
        peak: Effect.sync(concurrency.peak),
        refused: Effect.sync(concurrency.refused)
      },
      tokensIssued: Effect.sync(accounts.issued)
    }
  })

const invalid = (option: string, issue: string): TectonError =>
  new TectonError({ operation: "start", reason: new InvalidOption({ option, issue }) })

const failure = (option: string, issue: string) => Effect.fail(invalid(option, issue))
