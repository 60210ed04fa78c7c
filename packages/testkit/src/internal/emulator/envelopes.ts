/**
 * The ways of the service to say no: `{code, message, details}` on the data plane, the status of a call over gRPC,
 * `{status, error}` on the control plane, and plain text from the gateway in front of all.
 */
import { clip, type Unavailable } from "@effect-connectors/core/ConnectorError"
import type { Refusal } from "../refusals.ts"
import type { Call, Reply } from "./call.ts"
import { json, type Refuse, text } from "./reply.ts"

/** What the service calls a status: gRPC's code on the data plane, a name on the control plane. */
interface Kind {
  readonly grpc: number
  readonly name: string
}

const kinds: ReadonlyMap<number, Kind> = new Map([
  [400, { grpc: 3, name: "INVALID_ARGUMENT" }],
  [401, { grpc: 16, name: "UNAUTHENTICATED" }],
  [402, { grpc: 9, name: "PAYMENT_REQUIRED" }],
  [403, { grpc: 7, name: "FORBIDDEN" }],
  [404, { grpc: 5, name: "NOT_FOUND" }],
  [405, { grpc: 12, name: "METHOD_NOT_ALLOWED" }],
  [408, { grpc: 4, name: "DEADLINE_EXCEEDED" }],
  [409, { grpc: 6, name: "ALREADY_EXISTS" }],
  [412, { grpc: 9, name: "FAILED_PRECONDITION" }],
  [413, { grpc: 11, name: "PAYLOAD_TOO_LARGE" }],
  [422, { grpc: 3, name: "UNPROCESSABLE_ENTITY" }],
  [429, { grpc: 8, name: "RESOURCE_EXHAUSTED" }],
  [500, { grpc: 13, name: "INTERNAL" }],
  [501, { grpc: 12, name: "UNIMPLEMENTED" }],
  [503, { grpc: 14, name: "SERVICE_UNAVAILABLE" }],
  [504, { grpc: 4, name: "DEADLINE_EXCEEDED" }]
])
const unknownKind: Kind = { grpc: 2, name: "UNKNOWN" }

/** The form of vectors and namespaces. */
export const refuseData: Refuse = (status, message, headers) =>
  dataFailure(status, kindOf(status).grpc, message, headers)

/** The form of indexes, of documents and of records with text. */
export const refuseControl: Refuse = (status, message, headers) =>
  json(status, { error: { code: kindOf(status).name, message: clip(message) }, status }, headers)

/** The form of gRPC, by the status that it has over HTTP. */
export const refuseGrpc: Refuse = (status, message, headers) => grpcFailure(kindOf(status).grpc, message, headers)

/** The form that answers a call. */
export const refuseFor = (call: Call): Refuse => {
  if (call.wire === "grpc") return refuseGrpc
  return call.index === undefined || call.errors === "control" ? refuseControl : refuseData
}

/** What the store said no to. */
export const refusedByStore = (refusal: Refusal): Reply =>
  dataFailure(refusal.wire?.status ?? 400, codeOf(refusal), detailOf(refusal))

/** The same of documents and of records with text, whose errors are those of the control plane. */
export const refusedInControlForm = (refusal: Refusal | Unavailable): Reply =>
  refuseControl(refusal.wire?.status ?? 400, detailOf(refusal))

/** The same over gRPC. */
export const refusedByStoreOverGrpc = (refusal: Refusal): Reply => grpcFailure(codeOf(refusal), detailOf(refusal))

const codeOf = ({ wire }: Refusal): number => wire?.grpcCode ?? kindOf(wire?.status ?? 400).grpc

const detailOf = (refusal: Refusal | Unavailable): string => refusal.detail ?? refusal.message

/**
 * How a call over gRPC ends that has no answer: by headers alone. A client that retries by itself takes the time to
 * wait in milliseconds.
 */
export const grpcFailure = (code: number, message: string, headers: Reply["headers"] = {}): Reply => {
  const seconds = Number(headers["retry-after"])
  return {
    status: 200,
    headers: {
      ...headers,
      ...(seconds >= 0 ? { "grpc-retry-pushback-ms": String(seconds * 1_000) } : {}),
      "grpc-status": String(code),
      "grpc-message": percentEncoded(clip(message))
    },
    body: ""
  }
}

/** What is not printable ASCII, and the percent sign, as bytes of UTF-8. */
const percentEncoded = (text: string): string =>
  text.toWellFormed().replaceAll(/[^ -$&-~]+/g, (part) => encodeURIComponent(part))

/** The gateway found no key, or one it does not know. */
export const unauthorized = (why: string): Reply =>
  text(401, "Invalid API key.", { "x-pinecone-auth-rejected-reason": why })

const dataFailure = (status: number, code: number, message: string, headers?: Reply["headers"]): Reply =>
  json(status, { code, message: clip(message), details: [] }, headers)

/** gRPC's number for a status of HTTP. */
export const grpcCodeOf = (status: number): number => kindOf(status).grpc

const kindOf = (status: number): Kind => kinds.get(status) ?? unknownKind
