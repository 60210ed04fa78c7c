/**
 * What the store says no to, in the service's own words where they are known.
 *
 * Texts seen in captured logs or in the documentation: dimension, zero vector, metadata size and type, sparse
 * support, empty delete filter, id with sparse vector, request size, missing namespace, namespace that exists, too
 * many namespaces. The others are worded here.
 */
import { clip, Forbidden, NotFound, RequestRefused, RequestTooLarge } from "@effect-connectors/core/ConnectorError"
import * as Formatter from "effect/Formatter"

/** Why the store did not do what was asked; nothing of the request was applied. */
export type Refusal = RequestRefused | RequestTooLarge | NotFound | Forbidden

/** HTTP 400 and gRPC INVALID_ARGUMENT: how the service answers every bad request of its vector plane. */
const badRequest = { status: 400, grpcCode: 3 }

export const refused = (detail: string): RequestRefused =>
  new RequestRefused({ detail: clip(detail), wire: badRequest })

export const outOfRange = (what: string, min: number, max: number, got: number): RequestRefused =>
  refused(`${what} must be a whole number from ${min} to ${max}, got ${got}`)

/** The text is the service's for writes; that of reads follows it. */
export const hasDocuments = (what: "writes" | "reads"): RequestRefused =>
  refused(`This index has a document schema, so ${what} must go through the documents API.`)

export const hasNoDocuments = (what: "writes" | "reads"): RequestRefused =>
  refused(`This index has no document schema, so ${what} must go through the vectors API.`)

export const dimensionMismatch = (got: number, expected: number): RequestRefused =>
  refused(`Vector dimension ${got} does not match the dimension of the index ${expected}`)

export const noSparseSupport = (): RequestRefused =>
  refused(
    "Index configuration does not support sparse values - only indexes that are sparse or using dotproduct are supported"
  )

export const requestTooLarge = (bytes: number, maxBytes: number, what = "Your request"): RequestTooLarge =>
  new RequestTooLarge({
    detail: `${what} is larger than the maximum supported size - ${megabytes(maxBytes)}. It takes ${bytes} bytes`,
    wire: badRequest
  })

export const replyTooLarge = (bytes: number, maxBytes: number): RequestTooLarge =>
  new RequestTooLarge({
    detail: `Error, message length too large: found ${bytes} bytes, the limit is: ${maxBytes} bytes`,
    wire: badRequest
  })

export const namespaceNotFound = (name: string): NotFound =>
  new NotFound({
    resource: "namespace",
    called: name,
    detail: "Namespace not found",
    wire: { status: 404, grpcCode: 5 }
  })

export const indexNotFound = (name: string): NotFound =>
  new NotFound({
    resource: "index",
    called: name,
    detail: `Index ${name} not found`,
    wire: { status: 404, grpcCode: 5 }
  })

export const alreadyExists = (): RequestRefused =>
  new RequestRefused({ detail: "Resource already exists.", wire: { status: 409, grpcCode: 6 } })

/** The service's text goes on with the name of the index. The gRPC code is a guess: PERMISSION_DENIED, as HTTP 403. */
export const tooManyNamespaces = (): Forbidden =>
  new Forbidden({
    detail: "Request failed. You've reached the max namespaces allowed in serverless index",
    wire: { status: 403, grpcCode: 7 }
  })

/** The service's text is known for deletes only; the others are assumed to read the same. */
export const emptyFilter = (what: "Delete" | "Update" | "Fetch"): RequestRefused =>
  refused(`${what} with empty metadata filter is not allowed`)

/** A value of any kind, as JSON where it has one. */
export const print = (value: unknown): string =>
  typeof value === "number" ? String(value) : Formatter.formatJson(value)

const megabytes = (bytes: number): string => (bytes % 1_048_576 === 0 ? `${bytes / 1_048_576}MB` : `${bytes} bytes`)
