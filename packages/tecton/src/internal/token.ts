/**
 * The token of a service account: fetched when it is first needed, by one caller while the others wait, kept until
 * shortly before it expires.
 */
import {
  clip,
  InvalidOption,
  InvalidResponse,
  type Reason,
  TimedOut,
  Unauthorized
} from "@effect-connectors/core/ConnectorError"
import { isKey, withoutSecrets } from "@effect-connectors/core/HttpFailure"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { classify, type Subject } from "./classify.ts"
import type { Client, Settings } from "./settings.ts"
import type { Exchange } from "./transport.ts"

const decode = Schema.decodeUnknownResult(
  Schema.fromJsonString(
    Schema.Struct({
      access_token: Schema.NonEmptyString,
      // Some servers say it as text, and one that is odd is as good as absent.
      expires_in: Schema.optionalKey(Schema.Unknown)
    })
  )
)

/** Tokens live for an hour, as documented, when the answer does not say. */
const defaultLifetimeSeconds = 3600
const maxLifetimeSeconds = 86_400

const lifetimeMillis = (expiresIn: unknown): number => {
  const seconds = typeof expiresIn === "string" && expiresIn !== "" ? Number(expiresIn) : expiresIn
  return (
    1000 *
    (typeof seconds === "number" && seconds >= 0 ? Math.min(seconds, maxLifetimeSeconds) : defaultLifetimeSeconds)
  )
}

/** A token is not used in the last minute of its life, nor in the last tenth of a short one. */
const marginMillis = (lifetimeMillis: number): number => Math.min(60_000, lifetimeMillis / 10)

interface Token {
  readonly value: Redacted.Redacted<string>
  readonly until: number
}

export interface Tokens {
  readonly get: Effect.Effect<Redacted.Redacted<string>, Reason>
  /** The service refused this one: the next {@link get} fetches another, unless somebody has by then. */
  readonly drop: (refused: Redacted.Redacted<string>) => Effect.Effect<void>
}

/**
 * The tokens of a layer. A token is fetched by a fiber of the layer, not of a caller: who gives up waiting takes it from
 * nobody, and a failure is one for all who waited.
 */
export const make = Effect.fnUntraced(function* (
  client: Client,
  { timeout, workspace }: Pick<Settings, "timeout" | "workspace">,
  exchange: Exchange
) {
  const scope = yield* Effect.scope
  const secret = Redacted.value(client.clientSecret)
  const clean = (text: string) => withoutSecrets(text, [secret])
  let token: Token | undefined
  let fetching: Deferred.Deferred<Redacted.Redacted<string>, Reason> | undefined

  const body = new URLSearchParams({
    grant_type: "client_credentials",
    scope: "everything",
    client_id: client.clientId,
    client_secret: secret
  }).toString()

  const fetchToken = Effect.gen(function* () {
    const asked = yield* Clock.currentTimeMillis
    const answer = yield* exchange({
      clean,
      method: "POST",
      url: `${client.url}/oauth2/default/v1/token`,
      headers: { accept: "application/json" },
      body: { text: body, contentType: "application/x-www-form-urlencoded" }
    })
    if (answer.status < 200 || answer.status > 299) {
      const subject: Subject = { resource: "feature service", name: "token", workspace }
      const reason = classify(answer, subject, asked, clean)
      if (reason.isRetryable) return yield* Effect.fail(reason)
      if (reason._tag === "InvalidOption") return yield* new InvalidOption({ option: "oauth.url", issue: reason.issue })
      // Whatever a token endpoint finds wrong with credentials, waiting does not cure it.
      const detail = "detail" in reason && reason.detail !== undefined ? reason.detail : reason.message
      return yield* new Unauthorized({ detail: clip(`no token: ${detail}`), wire: { status: answer.status } })
    }
    const decoded = decode(answer.body)
    // What no header can hold would be quoted in the error of who refuses it.
    if (Result.isFailure(decoded) || !isKey(decoded.success.access_token)) {
      return yield* new InvalidResponse({ detail: "the answer to the credentials holds no access_token" })
    }
    const lifetime = lifetimeMillis(decoded.success.expires_in)
    const fetched: Token = {
      value: Redacted.make(decoded.success.access_token, { label: "token" }),
      until: asked + lifetime - marginMillis(lifetime)
    }
    token = fetched
    return fetched.value
  })

  /** What is announced has to be on its way: between the two nobody can be interrupted. */
  const fetched = Effect.suspend(() => {
    if (fetching !== undefined) return Effect.succeed(fetching)
    const answer = Deferred.makeUnsafe<Redacted.Redacted<string>, Reason>()
    fetching = answer
    return fetchToken.pipe(
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(new TimedOut({ afterMillis: Duration.toMillis(timeout) }))
      }),
      Effect.forkIn(scope),
      Effect.map((fiber) => {
        // Of a layer that is gone it ends before it begins.
        fiber.addObserver((exit) => {
          fetching = undefined
          Deferred.doneUnsafe(answer, exit)
        })
        return answer
      })
    )
  }).pipe(Effect.uninterruptible, Effect.flatMap(Deferred.await))

  const tokens: Tokens = {
    get: Effect.flatMap(Clock.currentTimeMillis, (now): Tokens["get"] =>
      token !== undefined && now < token.until ? Effect.succeed(token.value) : fetched
    ),
    drop: (refused) =>
      Effect.sync(() => {
        if (token?.value === refused) token = undefined
      })
  }
  return tokens
})
