/** Answers as JSON or text, whatever the service. */
import type { Reply } from "./call.ts"

type Headers = Reply["headers"]

export const json = (status: number, value: unknown, headers: Headers = {}): Reply => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(value)
})

export const text = (status: number, body: string, headers: Headers = {}): Reply => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  body
})

export const empty = (status: number): Reply => ({ status, headers: {}, body: "" })

/** Says no in the form of one API. */
export type Refuse = (status: number, message: string, headers?: Headers) => Reply
