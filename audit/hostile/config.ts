/** Options and configuration that make no sense: a layer that is built all the same, or a typed error. */
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { chance, oneOf } from "../support/chance.ts"
import { secrets } from "../support/witness.ts"
import type { Group } from "./group.ts"

/** Texts for settings that are texts. */
const texts = [
  "",
  " ",
  "\n",
  "http://",
  "https://",
  "http://127.0.0.1:1",
  "http://127.0.0.1:99999",
  "ftp://127.0.0.1",
  "javascript:alert(1)",
  "//x",
  "http://[::1",
  "http://a b",
  "127.0.0.1:1/i/x?y=z#w",
  "http://127.0.0.1:1/%zz",
  "日本",
  "__proto__",
  "null",
  "v3",
  "x".repeat(70_000),
  "é\u0000",
  "\ud800"
]

/** Addresses may come with a password; in other settings it would be no secret. */
const textsFor = (name: string): ReadonlyArray<string> =>
  /url|host/i.test(name) ? [...texts, `http://user:${secrets.password}@127.0.0.1:1`] : texts

const pineconeEnvironment = [
  "PINECONE_API_KEY",
  "PINECONE_INDEX_HOST",
  "PINECONE_NAMESPACE",
  "PINECONE_CONTROLLER_HOST"
]

const tectonEnvironment = [
  "TECTON_URL",
  "TECTON_WORKSPACE",
  "TECTON_API_KEY",
  "TECTON_CLIENT_ID",
  "TECTON_CLIENT_SECRET",
  "TECTON_INGEST_URL",
  "TECTON_OAUTH_URL",
  "TECTON_API",
  "TECTON_INGEST_API"
]

/** An environment of hostile texts; a host is always given, since what has only a name would be looked up. */
const environment = (names: ReadonlyArray<string>, seed: number, n: number) =>
  ConfigProvider.layer(
    ConfigProvider.fromEnv({
      env: {
        PINECONE_INDEX_HOST: "127.0.0.1:1",
        ...Object.fromEntries(
          names
            .filter((_, at) => chance(seed, n, 31, at) < 0.7)
            .map((name, at) => [name, oneOf(textsFor(name), seed, n, 32, at) || "-"])
        )
      }
    })
  )

const options = {
  host: "http://127.0.0.1:1",
  namespace: "a",
  timeout: "1 second",
  maxRequestBytes: 1_000_000,
  maxRecords: 100,
  additionalHeaders: { "x-a": "b" },
  controllerHost: "http://127.0.0.1:1",
  pacing: {
    rates: { upsert: { requestsPerSecond: 1, bytesPerSecond: 1 } },
    utilization: 1,
    burst: "1 second",
    breaker: {}
  }
} as const

const tectonOptions = {
  url: "http://127.0.0.1:1",
  ingestUrl: "http://127.0.0.1:1",
  workspace: "prod",
  oauth: { clientId: "a", clientSecret: Redacted.make(secrets.clientSecret), url: "http://127.0.0.1:1" },
  api: "v1",
  ingestApi: "v2",
  timeout: "1 second",
  ingestTimeout: "1 second",
  maxRequestBytes: 1_000,
  maxRowsInFlight: 10,
  largeInt64: "refuse",
  headers: { "x-a": "b" }
} as const

/** Numbers for settings that are numbers or times. */
const numbers = [0, -1, 1.5, NaN, Infinity, -Infinity, 1e308, 2 ** 53, 1e-9]

/** One of the settings, or of those within it, is another text or number. */
const spoil = <A extends object>(valid: A, seed: number, n: number, salt = 33): A => {
  const [name, setting] = oneOf(Object.entries(valid), seed, n, salt)
  const other: unknown =
    typeof setting === "number"
      ? oneOf(numbers, seed, n, salt, 1)
      : typeof setting === "string"
        ? oneOf<unknown>(isTime.test(setting) ? numbers : textsFor(name), seed, n, salt, 2)
        : Redacted.isRedacted(setting)
          ? Redacted.make(oneOf(texts, seed, n, salt, 3))
          : typeof setting === "object" && Object.keys(setting).length > 0
            ? spoil(setting, seed, n, salt + 1)
            : setting
  return Object.assign({ ...valid }, { [name]: other })
}

const isTime = / (second|millis)$/

export const config: Group = {
  name: "options and configuration",
  errors: ["PineconeError", "TectonError", "ConfigError", "InvalidOption"],
  size: 1,
  share: 10,
  make: (seed) =>
    Effect.sync(() => (n) => {
      const build = <A, E>(layer: Layer.Layer<A, E>) => Effect.scoped(Layer.build(layer))
      switch (n % 4) {
        case 0:
          return build(PineconeIndex.layerConfig.pipe(Layer.provide(environment(pineconeEnvironment, seed, n))))
        case 1:
          return build(TectonClient.layerConfig.pipe(Layer.provide(environment(tectonEnvironment, seed, n))))
        case 2:
          return build(PineconeIndex.layer({ ...spoil(options, seed, n), apiKey: Redacted.make(secrets.pineconeKey) }))
        default:
          return build(
            TectonClient.layer({ ...spoil(tectonOptions, seed, n), apiKey: Redacted.make(secrets.tectonKey) })
          )
      }
    })
}

const settings = {
  maxRecords: 2,
  maxBytes: 10_000,
  maxOpenBytes: 1_000,
  linger: "1 millis",
  concurrency: 2,
  retry: { maxAttempts: 2, base: "1 millis", cap: "2 millis", deadline: "1 second" },
  ordered: true,
  duplicates: "lastWins"
} as const

export const stepOptions: Group = {
  name: "options of steps",
  errors: ["PineconeError", "InvalidOption"],
  size: 1,
  share: 4,
  make: Effect.fnUntraced(function* (seed) {
    const context = yield* Layer.build(PineconeMemory.layer)
    const records = [
      { id: "a", values: [1, 2] },
      { id: "b", values: [3, 4] },
      { id: "a", values: [5, 6] }
    ]
    return (n) => {
      const name = oneOf(["maxRecords", "maxBytes", "maxOpenBytes", "concurrency"] as const, seed, n, 34)
      const number = oneOf(numbers, seed, n, 35)
      const time = oneOf([0, -1, NaN, Infinity, 1.5] as const, seed, n, 36)
      const with_ =
        n % 3 === 0
          ? { ...settings, [name]: number }
          : n % 3 === 1
            ? {
                ...settings,
                retry: { ...settings.retry, [oneOf(["maxAttempts", "base", "cap", "deadline"], seed, n, 37)]: time }
              }
            : { ...settings, linger: time }
      return Effect.suspend(() =>
        Stream.fromIterable(records).pipe(PineconeSink.upsertOutcomes(with_), Stream.runCollect)
      ).pipe(Effect.provideContext(context))
    }
  })
}
