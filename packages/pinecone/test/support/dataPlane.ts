/** The messages of Pinecone's data plane for another implementation of protobuf than the layer's. */
import protobuf from "protobufjs"

const source = `
syntax = "proto3";
message Value { oneof kind { int32 null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4; Struct struct_value = 5; ListValue list_value = 6; } }
message Struct { map<string, Value> fields = 1; }
message ListValue { repeated Value values = 1; }
message SparseValues { repeated uint32 indices = 1; repeated float values = 2; }
message Vector { string id = 1; repeated float values = 2; Struct metadata = 3; SparseValues sparse_values = 4; }
message ScoredVector { string id = 1; float score = 2; repeated float values = 3; Struct metadata = 4; SparseValues sparse_values = 5; }
message Usage { optional uint32 read_units = 1; }
message Pagination { string next = 1; }
message ListItem { string id = 1; }
message UpsertRequest { repeated Vector vectors = 1; string namespace = 2; }
message UpsertResponse { uint32 upserted_count = 1; }
message DeleteRequest { repeated string ids = 1; bool delete_all = 2; string namespace = 3; Struct filter = 4; }
message DeleteResponse {}
message FetchRequest { repeated string ids = 1; string namespace = 2; }
message FetchResponse { map<string, Vector> vectors = 1; string namespace = 2; optional Usage usage = 3; }
message ListRequest { optional string prefix = 1; optional uint32 limit = 2; optional string pagination_token = 3; string namespace = 4; }
message ListResponse { repeated ListItem vectors = 1; optional Pagination pagination = 2; string namespace = 3; optional Usage usage = 4; }
message QueryRequest { string namespace = 1; uint32 top_k = 2; Struct filter = 3; bool include_values = 4; bool include_metadata = 5; repeated float vector = 7; string id = 8; SparseValues sparse_vector = 9; }
message QueryResponse { repeated ScoredVector matches = 2; string namespace = 3; optional Usage usage = 4; }
message UpdateRequest { string id = 1; repeated float values = 2; Struct set_metadata = 3; string namespace = 4; SparseValues sparse_values = 5; }
message UpdateResponse { int32 matched_records = 1; }
message DescribeIndexStatsRequest { Struct filter = 1; }
message NamespaceSummary { uint32 vector_count = 1; }
message DescribeIndexStatsResponse { map<string, NamespaceSummary> namespaces = 1; optional uint32 dimension = 2; float index_fullness = 3; uint32 total_vector_count = 4; optional string metric = 5; optional string vector_type = 6; }
message ListNamespacesRequest { optional string pagination_token = 1; optional uint32 limit = 2; optional string prefix = 3; }
message NamespaceDescription { string name = 1; uint64 record_count = 2; }
message ListNamespacesResponse { repeated NamespaceDescription namespaces = 1; optional Pagination pagination = 2; int32 total_count = 3; }
message DeleteNamespaceRequest { string namespace = 1; }
`

const { root } = protobuf.parse(source, { keepCase: true })

/** The bytes of a message. */
export const encode = (type: string, message: object): Buffer =>
  Buffer.from(root.lookupType(type).encode(root.lookupType(type).fromObject(message)).finish())

/** A message as plain data; fields that are not on the wire are not there. */
export const decode = (type: string, bytes: Uint8Array): unknown =>
  root.lookupType(type).toObject(root.lookupType(type).decode(bytes), { longs: Number })

/** A value of a `Struct` as its message. */
export const valueMessage = (value: unknown): object => {
  if (typeof value === "string") return { string_value: value }
  if (typeof value === "number") return { number_value: value }
  if (typeof value === "boolean") return { bool_value: value }
  if (Array.isArray(value)) return { list_value: { values: value.map(valueMessage) } }
  if (typeof value === "object" && value !== null) return { struct_value: structMessage(value) }
  return { null_value: 0 }
}

/** A `Struct` as its message. */
export const structMessage = (object: object): object => ({
  fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, valueMessage(value)]))
})
