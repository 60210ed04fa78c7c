/**
 * Processes that work on jobs. They share a storage: a file on one machine, or PostgreSQL. How shards are spread over them, and
 * what happens when one dies, is Effect Cluster's.
 */
import { duration, range } from "@effect-connectors/core/CheckOption"
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Engine from "./internal/engine.ts"
import { JobEngine } from "./JobEngine.ts"
import type { StorageFailed } from "./JobError.ts"

/** Options of every runner. */
export interface Options {
  /**
   * How many partitions this process works on at a time, of all jobs together.
   *
   * @default 4
   */
  readonly concurrency?: number | undefined
  /**
   * How long a runner may be silent before others take over what it worked on. A process that is busy or paused for longer is
   * taken for dead, and its partitions are worked on twice for a moment. All runners of a storage need the same; it counts in
   * whole seconds, 2 or more.
   *
   * @default "6 seconds"
   */
  readonly failover?: Duration.Input | undefined
}

/** Options of {@link layerEmbedded}. */
export interface EmbeddedOptions extends Options {
  /** The file that runners on this machine share. It must not lie on a network file system. */
  readonly file: string
  /**
   * The port on 127.0.0.1 where other runners find this one.
   *
   * @default any free port
   */
  readonly port?: number | undefined
}

/** Options of {@link layerPostgres}. */
export interface PostgresOptions extends Options {
  /**
   * `postgres://user:password@host:5432/database`, of PostgreSQL 14 or later: older servers do not end the session of a runner
   * that is cut off, and so keep its locks.
   */
  readonly url: Redacted.Redacted
  /** Where other runners reach this one: its name in the network, or its address. */
  readonly host: string
  /**
   * The port where other runners reach this one.
   *
   * @default 34431
   */
  readonly port?: number | undefined
  /**
   * Connections to the database, at most; 3 or more, since the engine keeps one for its locks.
   *
   * @default 10
   */
  readonly maxConnections?: number | undefined
}

/**
 * A runner on one machine: needs no server, runners share a file. As many processes as you like may use the file.
 *
 * @example
 * ```ts
 * import { Job, JobRunner } from "@effect-connectors/cluster"
 * import * as Layer from "effect/Layer"
 *
 * declare const load: Job.Job<string>
 *
 * const runner = Job.layer(load).pipe(Layer.provide(JobRunner.layerEmbedded({ file: "jobs.db", concurrency: 2 })))
 * ```
 */
export const layerEmbedded = (options: EmbeddedOptions): Layer.Layer<JobEngine, StorageFailed | InvalidOption> =>
  checked(common(options) ?? range("port", options.port, maxPort), () => Engine.embedded(options))

/**
 * A runner among many machines, which share a PostgreSQL database.
 *
 * @example
 * ```ts
 * import { Job, JobRunner } from "@effect-connectors/cluster"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * declare const load: Job.Job<string>
 *
 * const engine = Layer.unwrap(
 *   Effect.gen(function*() {
 *     const url = yield* Config.Redacted("DATABASE_URL")
 *     const host = yield* Config.String("POD_IP")
 *     return JobRunner.layerPostgres({ url, host })
 *   })
 * )
 * const runner = Job.layer(load).pipe(Layer.provide(engine))
 * ```
 */
export const layerPostgres = (options: PostgresOptions): Layer.Layer<JobEngine, StorageFailed | InvalidOption> =>
  checked(common(options) ?? range("port", options.port, maxPort) ?? enoughConnections(options.maxConnections), () =>
    Engine.postgres(options)
  )

/**
 * A runner that is alone and forgets everything when its process ends: for tests, and for programs that want a job's
 * partitions, retries and progress and no cluster.
 */
export const layerMemory = (options: Options = {}): Layer.Layer<JobEngine, InvalidOption> =>
  checked(common(options), () => Layer.orDie(Engine.memory(options)))

const maxPort = 65_535

const common = ({ concurrency, failover }: Options): InvalidOption | undefined =>
  range("concurrency", concurrency) ?? duration("failover", failover) ?? longEnough(failover)

// Locks are refreshed three times in `failover`, and their age is known to a second: in less than two they end by chance.
const longEnough = (failover: Options["failover"]) => {
  if (failover === undefined) return undefined
  const millis = Duration.toMillis(failover)
  return millis >= 2000 && Number.isFinite(millis)
    ? undefined
    : new InvalidOption({ option: "failover", issue: `is ${millis} ms; it must be 2 seconds or more, and end` })
}

// One is kept for the locks, and a transaction of a job shall not hold up the engine's messages.
const enoughConnections = (maxConnections: number | undefined) =>
  range("maxConnections", maxConnections) ??
  (maxConnections === undefined || maxConnections >= 3
    ? undefined
    : new InvalidOption({ option: "maxConnections", issue: `is ${maxConnections}; it must be 3 or more` }))

/** The engine, or what is wrong with its options: then nothing is opened. */
const checked = <E>(
  wrong: InvalidOption | undefined,
  engine: () => Layer.Layer<JobEngine, E>
): Layer.Layer<JobEngine, E | InvalidOption> =>
  wrong === undefined ? engine() : Layer.effect(JobEngine, Effect.fail(wrong))
