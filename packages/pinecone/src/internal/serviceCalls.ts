/**
 * What every call of a service has, whatever plane it is of: the layer's time limit, and failures that name their
 * operation and namespace.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { PineconeError } from "../PineconeError.ts"
import { failure } from "./common.ts"
import { namespaceName } from "./namespace.ts"
import type { Settings } from "./sdkOptions.ts"

/** A call on its way. */
export type Call<A> = Effect.Effect<A, ConnectorError.Reason>

/** How a call of one layer is made, whatever it is about. */
export const makeCall =
  ({ timeout }: Pick<Settings, "timeout">) =>
  <A>(operation: string, namespace: string | undefined, send: Call<A>): Effect.Effect<A, PineconeError> =>
    send.pipe(
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(new ConnectorError.TimedOut({ afterMillis: Duration.toMillis(timeout) }))
      }),
      Effect.mapError((reason) => failure(operation, namespace, reason))
    )

/** How the calls of one layer of an index are made. */
export const makeCalls = (settings: Settings) => {
  const call = makeCall(settings)

  /** A call in one namespace; what `send` does to make a request may throw nothing and be repeated. */
  const inNamespace =
    <Request extends { readonly namespace?: string | undefined }, A>(
      operation: string,
      send: (namespace: string, request: Request) => Call<A>
    ) =>
    (request: Request): Effect.Effect<A, PineconeError> => {
      const namespace = request.namespace === undefined ? settings.namespace : namespaceName(request.namespace)
      return call(
        operation,
        namespace,
        Effect.suspend(() => send(namespace, request))
      )
    }

  return { call, inNamespace }
}
