/** Tecton over HTTP: who is let in, what a request takes, and what answers it. */
import * as ExactJson from "@effect-connectors/core/ExactJson"
import * as Result from "effect/Result"
import type { Call, Reply } from "../emulator/call.ts"
import * as Admin from "../emulator/adminRoutes.ts"
import type { Faults } from "../emulator/faults.ts"
import * as Http from "../emulator/http.ts"
import type { Assumptions } from "../features/assumptions.ts"
import type { FeatureStore } from "../features/featureStore.ts"
import { bad, type Refusal, requestTooLong, tooManyInFlight, unknownWorkspace } from "../features/refusal.ts"
import { type Accounts, type Caller, mayRead, mayWrite, type Role } from "./accounts.ts"
import * as ClockRoutes from "./clockRoutes.ts"
import type { Concurrency } from "./concurrency.ts"
import type { ControlledClock } from "./controlledClock.ts"
import { ingestRefused, readRefused, refuseIngest, refuseRead } from "./envelopes.ts"
import { type Fields, fieldsOf, textOf } from "./fields.ts"
import * as Ingest from "./ingestRequest.ts"
import * as ReadReply from "./readReply.ts"
import * as ReadRequest from "./readRequest.ts"
import { find, refuseOf, type Route } from "./routes.ts"
import * as Token from "./tokenRoute.ts"

export interface ServerOptions {
  readonly workspaces: ReadonlyMap<string, FeatureStore>
  readonly accounts: Accounts
  readonly assumptions: Assumptions
  readonly faults: Faults
  readonly clock: ControlledClock
  readonly concurrency: Concurrency
  /** How long a read takes. */
  readonly latencyMillis: number
  /** When the server gives up. */
  readonly timeoutMillis: number
  /** 0 picks a free one. */
  readonly port: number
  /** Bytes of one request body. */
  readonly maxBodyBytes: number
}

export const listen = (options: ServerOptions): Promise<Http.Listening> =>
  Http.listen({
    port: options.port,
    maxBodyBytes: options.maxBodyBytes,
    decide: options.faults.decide,
    prepare: (request) => prepare(options, request)
  })

const prepare = (options: ServerOptions, request: Http.HttpRequest): Http.Prepared => {
  const { body, header, method, path } = request
  if (path.startsWith("/__admin/")) {
    const text = body?.toString() ?? ""
    const administered =
      Admin.handle(method, path, text, options.faults) ?? ClockRoutes.handle(method, path, text, options.clock)
    if (administered !== undefined) return Http.answered(administered)
  }
  const found = find(method, path)
  if (Result.isFailure(found)) return Http.answered(found.failure)
  const route = found.success
  const refuse = refuseOf(route)
  if (body === undefined) return Http.answered(refuse(413, `A request body has at most ${options.maxBodyBytes} bytes`))
  const bytes = body.length
  if (route.kind === "token") {
    const call = { operation: route.operation, index: undefined, namespace: undefined, bytes }
    return { call, apply: () => Token.answer(request, options.accounts) }
  }

  const caller = options.accounts.authenticate(header("authorization"))
  if (caller === undefined) {
    const scheme = /^bearer\b/i.test(header("authorization")) ? "Bearer" : "Tecton-key"
    return Http.answered(refuse(401, `invalid '${scheme}' authorization header`))
  }
  // Text that is no JSON has the status of a bad request, and no operation of a store in it.
  const json = Http.parseJson(body, ExactJson.parse)
  const prepared =
    route.kind === "ingest" ? prepareIngest(options, caller, json) : prepareRead(options, route, caller, json, bytes)
  return {
    ...prepared,
    call: { ...prepared.call, operation: route.operation, bytes },
    apply: () => Http.guarded(prepared.apply, (message) => refuse(500, message))
  }
}

type Json = Result.Result<unknown, string>

type Part = Pick<Http.Prepared, "apply" | "work"> & { readonly call: Omit<Call, "operation" | "bytes"> }

const noFields: Fields = new Map()

/** A role that is not enough. That gRPC's code is 7 is a guess, and so are the words. */
const forbidden = (role: Role | undefined, what: string, workspace: string): string =>
  role === undefined
    ? `The service account has no role in workspace ${workspace}`
    : `The service account is ${role} of workspace ${workspace}, which may not ${what}`

const prepareRead = (
  options: ServerOptions,
  route: Extract<Route, { readonly kind: "read" | "metadata" }>,
  caller: Caller,
  json: Json,
  bytes: number
): Part => {
  const { assumptions, latencyMillis, timeoutMillis } = options
  const params = Result.flatMap(Result.mapError(json, bad), ReadRequest.paramsOf)
  const known = Result.getOrElse(params, () => noFields)
  const subject = ReadRequest.subjectOf(known, route.path)
  const call = { index: subject.service, namespace: subject.workspace }

  /** What the store answers, once the request is one and the caller may make it. */
  const answer = (ask: (store: FeatureStore) => Result.Result<Reply, Refusal>): Reply => {
    const checked = Result.flatMap(params, (fields) => ReadRequest.checkSubject(subject, fields))
    if (Result.isFailure(checked)) return readRefused(checked.failure)
    const store = options.workspaces.get(subject.workspace)
    if (store === undefined) return readRefused(unknownWorkspace(subject.workspace))
    const role = caller.roleIn(subject.workspace)
    if (!mayRead(role)) return refuseRead(403, forbidden(role, "read features", subject.workspace))
    return Result.getOrElse(ask(store), readRefused)
  }

  if (route.kind === "metadata") {
    return { call, apply: () => answer((store) => Result.map(store.metadata(subject.service), ReadReply.metadata)) }
  }

  const { operation } = route
  const budget = ReadRequest.budgetOf(known)
  const timedOut = budget !== undefined && latencyMillis > budget
  const isTooLate = budget === undefined && latencyMillis > timeoutMillis
  const millis = timedOut ? budget : Math.min(latencyMillis, budget === undefined ? timeoutMillis : latencyMillis)
  const rows = ReadRequest.rowsOf(operation, known)
  const taken = { timedOut, seconds: millis / 1_000 }
  return {
    call,
    apply: () => {
      if (isTooLate) return refuseRead(504, `The request took longer than ${timeoutMillis} ms`)
      return answer((store) =>
        Result.gen(function* () {
          yield* requestTooLong(bytes, assumptions)
          const asked = yield* ReadRequest.read(operation, subject.service, known, taken)
          return ReadReply.features(operation, yield* store.read(asked))
        })
      )
    },
    work: {
      millis,
      enter: () => (options.concurrency.enter(rows) ? undefined : readRefused(tooManyInFlight)),
      leave: () => options.concurrency.leave(rows)
    }
  }
}

const prepareIngest = ({ assumptions, workspaces }: ServerOptions, caller: Caller, json: Json): Part => {
  const fields = Result.flatMap(Result.mapError(json, bad), (body) => fieldsOf("The body", body))
  const known = Result.getOrElse(fields, () => noFields)
  const [source = "", ...others] = Ingest.sourcesOf(known)

  const apply = (): Reply => {
    if (caller.scheme === "Bearer") {
      return refuseIngest(assumptions.bearerIngestStatus, "invalid 'Tecton-key' authorization header")
    }
    const workspace = Result.flatMap(fields, Ingest.workspaceOf)
    if (Result.isFailure(workspace)) return ingestRefused(workspace.failure, "")
    const name = workspace.success
    return Result.getOrElse(
      Result.gen(function* () {
        const request = yield* Ingest.read(known, assumptions)
        const store = workspaces.get(name)
        if (store === undefined) return yield* Result.fail(unknownWorkspace(name))
        const role = caller.roleIn(name)
        if (role === undefined || !(request.dryRun || mayWrite(role))) {
          return refuseIngest(403, forbidden(role, "ingest", name))
        }
        return Ingest.reply(name, yield* store.ingest(request))
      }),
      (refusal) => ingestRefused(refusal, name)
    )
  }
  return { call: { index: source, otherIndexes: others, namespace: textOf(known.get("workspaceName")) }, apply }
}
