/** Layers of the engine: which storage, which transport, which of Effect Cluster's settings. */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as PgClient from "@effect/sql-pg/PgClient"
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { createServer } from "node:net"
import { JobEngine } from "../JobEngine.ts"
import { StorageFailed } from "../JobError.ts"
import {
  ClusterWorkflowEngine,
  RunnerAddress,
  type ShardingConfig,
  type SqlClient,
  type SqlError,
  WorkflowEngine
} from "./effectCluster.ts"
import { Messages } from "./messages.ts"
import * as Sqlite from "./sqlite.ts"
import * as Workflows from "./workflows.ts"

interface Options {
  readonly concurrency?: number | undefined
  readonly failover?: Duration.Input | undefined
}

interface Address {
  readonly host: string
  readonly port: number
}

interface Storage {
  readonly layer: Layer.Layer<SqlClient, SqlError>
  /** What is spread over the runners: the more, the evener, and the more there is to lock. All processes have the same number. */
  readonly shards: number
}

/** How often runners tell the storage how far they are, and ask it whether to go on. */
const reportEvery = Duration.seconds(1)

/**
 * Effect's defaults are for services with many small entities: a dead runner is noticed after 35 seconds. Here partitions are
 * few and long, so runners may ask more often.
 */
const settings = (
  { shards }: Storage,
  options: Options,
  address: Address | undefined
): Partial<ShardingConfig["Service"]> => ({
  runnerAddress: address === undefined ? Option.none() : Option.some(RunnerAddress.make(address.host, address.port)),
  shardsPerGroup: shards,
  shardLockExpiration: Duration.fromInputUnsafe(options.failover ?? "6 seconds"),
  runnerHealthCheckInterval: Duration.seconds(2),
  refreshAssignmentsInterval: Duration.seconds(1),
  entityMessagePollInterval: Duration.seconds(1),
  entityTerminationTimeout: Duration.seconds(3)
})

const reachable = (storage: Layer.Layer<SqlClient, SqlError>): Layer.Layer<SqlClient, StorageFailed> =>
  Layer.catch(storage, ({ message }) => Layer.effectContext(Effect.fail(new StorageFailed({ detail: message }))))

const refused = (option: string) => (error: { readonly message: string }) =>
  Layer.effectContext(Effect.fail(new InvalidOption({ option, issue: error.message })))

/** How runners find and reach each other. A process without an address is a client. */
const sharding = (storage: Storage, options: Options, address: Address | undefined) => {
  const shardingConfig = settings(storage, options, address)
  return address === undefined
    ? NodeClusterSocket.layer({ clientOnly: true, storage: "sql", shardingConfig }).pipe(
        Layer.catchTag("ConfigError", refused("environment"))
      )
    : NodeClusterSocket.layer({ storage: "sql", shardingConfig }).pipe(
        Layer.catchTag("ConfigError", refused("environment")),
        Layer.catchTag("SocketServerError", refused("port"))
      )
}

const engine = (
  runner: string,
  options: Options,
  workflows: Layer.Layer<WorkflowEngine.WorkflowEngine | Messages, StorageFailed | InvalidOption, SqlClient>
) =>
  Layer.effect(
    JobEngine,
    Effect.mapError(
      Workflows.make({ runner, concurrency: options.concurrency ?? 4, reportEvery, workflows }),
      ({ message }) => new StorageFailed({ detail: message })
    )
  )

const cluster = (storage: Storage, options: Options, address: Address | undefined) =>
  engine(
    address === undefined ? "client" : `${address.host}:${address.port}`,
    options,
    Layer.provide(Layer.merge(ClusterWorkflowEngine.layer, Messages.layer), sharding(storage, options, address))
  ).pipe(Layer.provide(reachable(storage.layer)))

/** A port that is free now. Runners are told of each other's ports by the storage, so it has to be known before it is bound. */
const freePort = Effect.callback<number, InvalidOption>((resume) => {
  const server = createServer()
  server.on("error", ({ message }) =>
    resume(Effect.fail(new InvalidOption({ option: "port", issue: `is not given, and none is free: ${message}` })))
  )
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const embeddedStorage = (options: Sqlite.Options): Storage => ({ layer: Sqlite.layer(options), shards: 48 })

export const embedded = (options: Options & { readonly file: string; readonly port?: number | undefined }) =>
  Layer.unwrap(
    Effect.map(options.port === undefined ? freePort : Effect.succeed(options.port), (port) =>
      cluster(embeddedStorage(options), options, { host: "127.0.0.1", port })
    )
  )

export const embeddedClient = (options: { readonly file: string }) => cluster(embeddedStorage(options), {}, undefined)

const postgresStorage = (url: Redacted.Redacted, maxConnections: number): Storage => ({
  layer: PgClient.layer({ url, maxConnections }),
  shards: 300
})

export const postgres = (
  options: Options & {
    readonly url: Redacted.Redacted
    readonly host: string
    readonly port?: number | undefined
    readonly maxConnections?: number | undefined
  }
) =>
  cluster(postgresStorage(options.url, options.maxConnections ?? 10), options, {
    host: options.host,
    port: options.port ?? 34431
  })

export const postgresClient = ({ url }: { readonly url: Redacted.Redacted }) =>
  cluster(postgresStorage(url, 3), {}, undefined)

export const memory = (options: Options) =>
  engine("memory", options, Layer.merge(WorkflowEngine.layerMemory, Messages.layerNone)).pipe(
    Layer.provide(reachable(Sqlite.layer({ file: ":memory:" })))
  )
