/**
 * Looks for the audit's keys and tokens in everything that was said while it ran, and provokes what is likeliest to say
 * one: refused keys, services that send the key back, addresses with a password, tokens that are refused.
 */
import * as Ledger from "@effect-connectors/core/Ledger"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Stream from "effect/Stream"
import { Findings, type Settings } from "../report.ts"
import { echoing } from "../support/echo.ts"
import { secrets, type Watching, Witness } from "../support/witness.ts"

const once = { retry: { maxAttempts: 1 } }

const all = Object.values(secrets)

const environment = {
  PINECONE_API_KEY: secrets.pineconeKey,
  TECTON_API_KEY: secrets.tectonKey,
  TECTON_CLIENT_ID: "audit",
  TECTON_CLIENT_SECRET: secrets.clientSecret
}

const fraud = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  features: { "user_clicks.count_1d": Schema.BigInt }
})

/** How each thing that should not say a secret is made to speak. */
const provocations = (host: string): ReadonlyArray<readonly [what: string, speak: Effect.Effect<unknown, unknown>]> => {
  const apiKey = Redacted.make(secrets.pineconeKey)
  const pinecone = PineconeIndex.layer({ apiKey, host, timeout: "1 second" })
  const tectonOptions = { url: host, ingestUrl: host, workspace: "prod", apiKey: Redacted.make(secrets.tectonKey) }
  const tecton = TectonClient.layer(tectonOptions)
  const oauth = TectonClient.layer({
    ...tectonOptions,
    oauth: { clientId: "audit", clientSecret: Redacted.make(secrets.clientSecret) }
  })
  const withPassword = host.replace("http://", `http://audit:${secrets.password}@`)
  const records = Stream.make({ id: "a", values: [1, 2] }, { id: "b", values: [NaN] })
  const clicks = Stream.make({ user_id: "ada", timestamp: "2026-11-26T00:00:00Z", page: "/", clicked: 1 })
  const build = <A, E>(layer: Layer.Layer<A, E>) => Effect.scoped(Layer.build(layer))
  const features = Stream.make("ada").pipe(
    TectonSource.featuresResults(fraud, { keys: (user_id) => ({ user_id }), ...once }),
    Stream.runCollect
  )
  return [
    ["the Pinecone layer", build(pinecone)],
    ["the Tecton layer", build(tecton)],
    ["the Tecton layer with credentials", build(oauth)],
    ["options of layers", Effect.succeed([{ apiKey }, tectonOptions])],
    [
      "the configuration",
      Effect.all([PineconeIndex.config, TectonClient.config]).pipe(
        Effect.provide(
          ConfigProvider.layer(
            ConfigProvider.fromEnv({ env: { ...environment, TECTON_URL: host, TECTON_WORKSPACE: "prod" } })
          )
        )
      )
    ],
    [
      "a key that is none",
      build(PineconeIndex.layer({ apiKey: Redacted.make(`${secrets.pineconeKey} ${secrets.pineconeKey}`), host }))
    ],
    [
      "a Tecton key that is none",
      build(TectonClient.layer({ ...tectonOptions, apiKey: Redacted.make(`${secrets.tectonKey}\n`) }))
    ],
    ["an address with a password", build(PineconeIndex.layer({ apiKey, host: withPassword }))],
    ["a Tecton address with a password", build(TectonClient.layer({ ...tectonOptions, url: withPassword }))],
    [
      "a controller that sends the key back",
      build(PineconeIndex.layer({ apiKey, index: "articles", controllerHost: host, timeout: "1 second" }))
    ],
    ["upserts", records.pipe(PineconeSink.upsertOutcomes(once), Stream.runCollect, Effect.provide(pinecone))],
    ["upserts in the plain form", records.pipe(PineconeSink.upsert(once), Stream.runCollect, Effect.provide(pinecone))],
    [
      "a query",
      Effect.flatMap(PineconeIndex, (index) => index.query({ topK: 1, vector: [1] })).pipe(Effect.provide(pinecone))
    ],
    ["stats", Effect.flatMap(PineconeIndex, ({ stats }) => stats).pipe(Effect.provide(pinecone))],
    [
      "ingest",
      clicks.pipe(
        TectonSink.ingestOutcomes({ source: "clicks", joinKeys: ["user_id"], ...once }),
        Stream.runCollect,
        Effect.provide(tecton)
      )
    ],
    ["features", Effect.provide(features, tecton)],
    ["features by a token", Effect.provide(features, oauth)],
    ["metadata", FeatureService.discover("fraud", once).pipe(Effect.provide(oauth))],
    [
      "a ledger of a host with a password",
      Effect.gen(function* () {
        const store = yield* KeyValueStore.KeyValueStore
        const job = { kind: "load", host: `${withPassword}?key=${secrets.password}`, index: "a", run: "1" }
        const open = (kind: string) =>
          Ledger.open({ job: { ...job, kind }, checkpoint: Schema.Struct({ at: Schema.Int }), initial: { at: 0 } })
        const ledger = yield* open("load")
        yield* ledger.save({ at: 1 })
        const keys = yield* store.keys
        const texts = yield* Effect.forEach(keys, (key) => store.get(key))
        return [ledger, keys, texts, yield* Effect.flip(open("export"))]
      }).pipe(Effect.provide(KeyValueStore.layerMemory))
    ]
  ]
}

export const run = Effect.fnUntraced(function* ({ form }: Settings) {
  const findings = new Findings()
  const witness = yield* Witness
  let spoken = 0
  for (const status of form === "short" ? [200, 302, 401] : [200, 302, 400, 401, 403, 404, 429, 500]) {
    const echo = yield* echoing(status, all)
    for (const [what, speak] of provocations(echo.url)) {
      const said = yield* Effect.exit(speak)
      const where = `${what}, answered ${status}`
      yield* witness.seeAll(where, said)
      if (said._tag === "Success") yield* witness.seeAll(where, said.value)
      else {
        for (const reason of said.cause.reasons) yield* witness.seeAll(where, "error" in reason ? reason.error : reason)
      }
      spoken++
    }
    findings.expect(echo.keysSeen() > 0, "unexplained", `no key reached the server that answers ${status}`)
  }
  findings.records(spoken)
  judge(witness, findings)
  return findings
})

/** Everything that was said so far, by this case and those before it. */
const judge = ({ characters, leaks, seen }: Watching, findings: Findings): void => {
  for (const { kind, secret, where } of leaks) {
    findings.add("unexplained", `${secret} is in a text of the kind ${kind}: ${where}`)
  }
  for (const kind of ["log", "span", "error", "value"] as const) {
    findings.expect(seen[kind] > 0, "unexplained", `nothing of the kind ${kind} was looked at`)
  }
  findings.measured({ ...seen, megabytesSearched: Math.round(characters() / 100_000) / 10 })
}
