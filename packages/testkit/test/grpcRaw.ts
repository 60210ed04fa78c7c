/** An emulator and plain gRPC to it, with the messages as the service's own definition has them. */
import * as grpc from "@grpc/grpc-js"
import { PineconeEmulator } from "@effect-connectors/testkit"
import type { IndexOptions, Options } from "@effect-connectors/testkit/PineconeEmulator"
import * as Effect from "effect/Effect"
import protobuf from "protobufjs"

/** Written from the service's documentation, independent of what the emulator reads and writes with. */
const definition = `
  syntax = "proto3";
  message Struct { map<string, Value> fields = 1; }
  message Value {
    oneof kind {
      int32 null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
      Struct struct_value = 5; ListValue list_value = 6;
    }
  }
  message ListValue { repeated Value values = 1; }
  message SparseValues { repeated uint32 indices = 1; repeated float values = 2; }
  message Vector { string id = 1; repeated float values = 2; Struct metadata = 3; SparseValues sparse_values = 4; }
  message ScoredVector {
    string id = 1; float score = 2; repeated float values = 3; Struct metadata = 4; SparseValues sparse_values = 5;
  }
  message Usage { optional uint32 read_units = 1; }
  message Pagination { string next = 1; }
  message UpsertRequest { repeated Vector vectors = 1; string namespace = 2; }
  message UpsertResponse { uint32 upserted_count = 1; }
  message DeleteRequest { repeated string ids = 1; bool delete_all = 2; string namespace = 3; Struct filter = 4; }
  message DeleteResponse {}
  message FetchRequest { repeated string ids = 1; string namespace = 2; }
  message FetchResponse { map<string, Vector> vectors = 1; string namespace = 2; optional Usage usage = 3; }
  message FetchByMetadataRequest {
    string namespace = 1; Struct filter = 2; optional uint32 limit = 3; optional string pagination_token = 4;
  }
  message FetchByMetadataResponse {
    map<string, Vector> vectors = 1; string namespace = 2; optional Usage usage = 3; optional Pagination pagination = 4;
  }
  message ListRequest {
    optional string prefix = 1; optional uint32 limit = 2; optional string pagination_token = 3; string namespace = 4;
  }
  message ListItem { string id = 1; }
  message ListResponse {
    repeated ListItem vectors = 1; optional Pagination pagination = 2; string namespace = 3; optional Usage usage = 4;
  }
  message QueryRequest {
    string namespace = 1; uint32 top_k = 2; Struct filter = 3; bool include_values = 4; bool include_metadata = 5;
    repeated float vector = 7; string id = 8; SparseValues sparse_vector = 9;
  }
  message QueryResponse { repeated ScoredVector matches = 2; string namespace = 3; optional Usage usage = 4; }
  message UpdateRequest {
    string id = 1; repeated float values = 2; Struct set_metadata = 3; string namespace = 4;
    SparseValues sparse_values = 5; optional Struct filter = 6; optional bool dry_run = 7;
  }
  message UpdateResponse { optional int32 matched_records = 1; }
  message DescribeIndexStatsRequest { Struct filter = 1; }
  message NamespaceSummary { uint32 vector_count = 1; }
  message DescribeIndexStatsResponse {
    map<string, NamespaceSummary> namespaces = 1; optional uint32 dimension = 2; float index_fullness = 3;
    uint32 total_vector_count = 4; optional string metric = 5; optional string vector_type = 6;
  }
  message FieldProperties { bool filterable = 1; }
  message MetadataSchema { map<string, FieldProperties> fields = 1; }
  message IndexedFields { repeated string fields = 1; }
  message NamespaceDescription {
    string name = 1; uint64 record_count = 2; optional MetadataSchema schema = 3; optional IndexedFields indexed_fields = 4;
  }
  message ListNamespacesRequest { optional string pagination_token = 1; optional uint32 limit = 2; optional string prefix = 3; }
  message ListNamespacesResponse {
    repeated NamespaceDescription namespaces = 1; optional Pagination pagination = 2; int32 total_count = 3;
  }
  message CreateNamespaceRequest { string name = 1; MetadataSchema schema = 2; }
  message DescribeNamespaceRequest { string namespace = 1; }
  message DeleteNamespaceRequest { string namespace = 1; }
`

const { root } = protobuf.parse(definition)

/** Replies that are not called as their requests are. */
const replies: Readonly<Record<string, string>> = {
  CreateNamespace: "NamespaceDescription",
  DescribeNamespace: "NamespaceDescription",
  DeleteNamespace: "DeleteResponse"
}

export const encode = (type: string, message: object): Buffer => {
  const found = root.lookupType(type)
  return Buffer.from(found.encode(found.fromObject(message)).finish())
}

/** A reply with the fields that are in it; 64 bit numbers as text. */
const decode = (type: string, bytes: Uint8Array): object => {
  const found = root.lookupType(type)
  return found.toObject(found.decode(bytes), { longs: String })
}

/** A `Struct` of plain fields. */
export const struct = (fields: Readonly<Record<string, unknown>>): object => ({
  fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, toValue(value)]))
})

const toValue = (value: unknown): object => {
  if (typeof value === "string") return { stringValue: value }
  if (typeof value === "number") return { numberValue: value }
  if (typeof value === "boolean") return { boolValue: value }
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } }
  return typeof value === "object" && value !== null ? { structValue: struct({ ...value }) } : { nullValue: 0 }
}

/** How a call ended. */
export interface Ended {
  readonly code: grpc.status
  readonly details: string
  /** Headers and trailers, by their names in lower case. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** `undefined` of a call that failed. */
  readonly reply: object | undefined
}

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>
  /** Milliseconds from now. */
  readonly timeout?: number
}

export interface Client {
  readonly call: (method: string, request: object, options?: CallOptions) => Effect.Effect<Ended>
  /** The same with a message that is encoded already. */
  readonly send: (method: string, message: Uint8Array, options?: CallOptions) => Effect.Effect<Ended>
}

/** A connection to an index of an emulator, until the scope ends. */
export const connect = (host: string, options: grpc.ClientOptions = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(
        () =>
          new grpc.Client(new URL(host).host, grpc.credentials.createInsecure(), {
            "grpc.enable_retries": 0,
            ...options
          })
      ),
      (client) => Effect.sync(() => client.close())
    ),
    (client): Client => {
      const send: Client["send"] = (method, message, { metadata = {}, timeout } = {}) =>
        Effect.callback<Ended>((resume) => {
          const sent = new grpc.Metadata()
          for (const [name, value] of Object.entries({ "api-key": "k", ...metadata })) sent.set(name, value)
          const got: Record<string, unknown> = {}
          let reply: object | undefined
          const call = client.makeUnaryRequest(
            `/VectorService/${method}`,
            (bytes: Uint8Array) => Buffer.from(bytes),
            (bytes) => decode(replies[method] ?? `${method}Response`, bytes),
            message,
            sent,
            timeout === undefined ? {} : { deadline: new Date(Date.now() + timeout) },
            (_, answer) => (reply = answer)
          )
          call.on("metadata", (head) => Object.assign(got, head.getMap()))
          call.on("status", ({ code, details, metadata }) => {
            Object.assign(got, metadata.getMap())
            // after the callback, which has the reply
            setImmediate(() => resume(Effect.succeed({ code, details, metadata: got, reply })))
          })
          return Effect.sync(() => call.cancel())
        })
      return { send, call: (method, request, options) => send(method, encode(`${method}Request`, request), options) }
    }
  )

/** Starts an emulator with the index `demo`, and connects to it. */
export const grpcRaw = (
  index: Pick<Extract<IndexOptions, { readonly dimension: number }>, "dimension" | "metric">,
  options?: Options
) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make(options)
    const { host } = yield* emulator.createIndex({ ...index, name: "demo" })
    return { emulator, host, ...(yield* connect(host)) }
  })
