/** What is plugged into the write engine to push records. */
import {
  clip,
  InvalidRecord,
  type Reason,
  RecordTooLarge,
  RequestRefused
} from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import type * as Outcome from "@effect-connectors/core/Outcome"
import * as Write from "@effect-connectors/core/Write"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Stream from "effect/Stream"
import { wireValue } from "../RequestValue.ts"
import type { StreamSource } from "../StreamSource.ts"
import type { EncodedRecord, IngestRecord, Service } from "../TectonApi.ts"
import { TectonClient } from "../TectonClient.ts"
import { TectonError } from "../TectonError.ts"
import { checkDuration, checkRange, failure, pacedBy, targetOf } from "./common.ts"

interface Options<A> extends Write.Options {
  readonly source: StreamSource<unknown> | string
  readonly joinKeys?: ReadonlyArray<string> | undefined
  readonly record?: ((element: A) => unknown) | undefined
  readonly dryRun?: boolean | undefined
}

const operation = "ingest"

/** A record on its way, with what tells it in errors. */
interface Item {
  readonly encoded: EncodedRecord
  readonly id: string | undefined
}

type Encoded = Result.Result<IngestRecord, InvalidRecord>

const isRecord = (u: unknown): u is IngestRecord => Predicate.isReadonlyObject(u) && !Array.isArray(u)

const asItIs = (record: unknown): Encoded =>
  isRecord(record)
    ? Result.succeed(record)
    : Result.fail(new InvalidRecord({ field: "record", issue: "is not an object" }))

/** Encodes a chunk by the schema of a source: as a whole, and only when that fails record by record. */
const encoder = ({ schema }: StreamSource<unknown>) => {
  const one = Schema.encodeUnknownResult(schema)
  const all = Schema.encodeUnknownResult(Schema.Array(schema))
  const toInvalid = (issue: SchemaIssue.Issue): InvalidRecord => {
    const { message, path } = firstIssue(issue)
    return new InvalidRecord({ field: path.length === 0 ? "record" : path.join("."), issue: message })
  }
  return (records: ReadonlyArray<unknown>): ReadonlyArray<Encoded> => {
    const together = all(records)
    return Result.isSuccess(together)
      ? together.success.map((record) => Result.succeed(record))
      : records.map((record) => Result.mapError(one(record), ({ issue }) => toInvalid(issue)))
  }
}

/** What tells the entity of a record, as text; `undefined` when no fields do. A number and a bigint are one key. */
const entityOf = (joinKeys: ReadonlyArray<string>, record: IngestRecord): string | undefined =>
  joinKeys.length === 0
    ? undefined
    : JSON.stringify(
        joinKeys.map((key) => {
          const value = wireValue(record[key] ?? null)
          return typeof value === "number" ? String(value) : value
        })
      )

/** Tecton says of no record that it is the one it refuses; a call that held this one only was about it. */
const naming =
  (id: string | undefined) =>
  (error: TectonError): TectonError => {
    const { operation, reason, subject } = error
    if (id === undefined || reason._tag !== "RequestRefused") return error
    return new TectonError({
      operation,
      ...(subject === undefined ? {} : { subject }),
      reason: new RequestRefused({
        detail: `record of ${clip(id, 64)}: ${reason.detail}`,
        ...(reason.wire === undefined ? {} : { wire: reason.wire })
      })
    })
  }

const destination = <A>(client: Service, options: Options<A>): Write.Destination<A, Item, TectonError> => {
  const { source } = options
  const name = typeof source === "string" ? source : source.name
  const joinKeys = typeof source === "string" ? (options.joinKeys ?? []) : source.joinKeys
  const encodeAll = typeof source === "string" ? Arr.map(asItIs) : encoder(source)
  const record = options.record ?? ((element: A): unknown => element)

  const refuse = (input: A, reason: Reason): Write.Refused<A, TectonError> => ({
    _tag: "Refused",
    input,
    error: failure(operation, name, reason)
  })

  return {
    target: targetOf(operation, name),
    paced: pacedBy(client, operation, name),
    limits: {
      maxRecords: Infinity,
      maxBytes: client.limits.maxRequestBytes,
      envelopeBytes: client.limits.ingestEnvelopeBytes
    },
    prepare: (elements) => {
      const records = encodeAll(elements.map(record))
      return Arr.map(elements, (input, i) => {
        const prepared = Result.flatMap(records[i]!, (fields) =>
          Result.map(client.encode(fields), (encoded) => ({ encoded, id: entityOf(joinKeys, fields) }))
        )
        if (Result.isFailure(prepared)) return refuse(input, prepared.failure)
        const item = prepared.success
        return { _tag: "Ready", input, item, key: name, id: item.id, bytes: item.encoded.bytes }
      })
    },
    send: (key, items) => {
      const records = Arr.map(items, ({ encoded }) => encoded)
      const call = client.ingest({ records: new Map([[key, records]]), dryRun: options.dryRun })
      return items.length === 1 ? Effect.mapError(call, naming(items[0].id)) : call
    },
    tooLarge: ({ bytes, id }, maxBytes) =>
      failure(operation, name, new RecordTooLarge({ ...(id === undefined ? {} : { id }), bytes, maxBytes }))
  }
}

export const ingest =
  <A>(options: Options<A>) =>
  <E, R>(
    self: Stream.Stream<A, E, R>
  ): Stream.Stream<Outcome.Outcome<A, TectonError>, E | TectonError, R | TectonClient> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const name = typeof options.source === "string" ? options.source : options.source.name
        for (const option of ["maxRecords", "maxBytes", "maxOpenBytes", "concurrency"] as const) {
          yield* checkRange(operation, name, option, options[option])
        }
        yield* checkDuration(operation, name, "linger", options.linger)
        const client = yield* TectonClient
        // Records of one entity are different events, whatever they have in common: each is sent.
        const settings = { ...options, maxRecords: options.maxRecords ?? 10, duplicates: "sendAll" as const }
        return Write.outcomes(destination(client, options), settings)(self)
      })
    )
