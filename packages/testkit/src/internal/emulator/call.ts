/** What a request is, once its route and its index are known. Of Tecton an index is a feature service or stream source. */
export interface Call {
  /** The name of the route: `upsert`, `query`, `createIndex`, ... */
  readonly operation: string
  /** `undefined` on the control plane. */
  readonly index: string | undefined
  /** What else it is about, as an ingest call of several stream sources. */
  readonly otherIndexes?: ReadonlyArray<string> | undefined
  /** The workspace of Tecton. `undefined` where the route has none. */
  readonly namespace: string | undefined
  /** Bytes of the body or, of gRPC, of the message. */
  readonly bytes: number
  /** What it came over. @default HTTP with JSON */
  readonly wire?: "grpc" | undefined
  /** The form of its errors. @default that of the control plane without an index, that of vectors with one */
  readonly errors?: "control" | undefined
}

/** An answer, before it is put on the wire. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON or plain text; the content type is in the headers. */
  readonly body: string
}
