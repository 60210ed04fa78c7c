/** What a request is, once its route and its index are known. */
export interface Call {
  /** The name of the route: `upsert`, `query`, `createIndex`, ... */
  readonly operation: string
  /** `undefined` on the control plane. */
  readonly index: string | undefined
  /** `undefined` where the route has none. */
  readonly namespace: string | undefined
  /** Bytes of the body. */
  readonly bytes: number
}

/** An answer, before it is put on the wire. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON or plain text; the content type is in the headers. */
  readonly body: string
}
