/**
 * What becomes of a call's answer, whatever wire it came by. Its headers hold the numbers of writes: with them a program
 * can wait until it can read what it wrote.
 */
import type { WriteReply } from "../PineconeApi.ts"
import type { Answer } from "./classify.ts"

/** Two families of names are in use for the same two numbers. */
const writtenHeaders = ["x-pinecone-request-lsn", "x-pinecone-lsn-committed"]
const indexedHeaders = ["x-pinecone-max-indexed-lsn", "x-pinecone-lsn-reconciled"]

/** What came back. */
export interface Received<A> {
  readonly value: A
  readonly headers: Answer["headers"]
}

/** What is asked for has no number. */
export const valueOf = <A>({ value }: Received<A>): A => value

const numberOf = (headers: Answer["headers"], names: ReadonlyArray<string>): number | undefined => {
  for (const name of names) {
    const header = headers.get(name)
    if (header !== null && /^\d+$/.test(header)) return Number(header)
  }
  return undefined
}

/** A write tells its sequence number, to wait for before reading it back. */
export const toWriteReply = ({ headers, value }: Received<number | undefined>): WriteReply => ({
  count: value,
  lsn: numberOf(headers, writtenHeaders)
})

/** A read tells up to which one it saw. */
export const toReadReply = <A extends object>({
  headers,
  value
}: Received<A>): A & { readonly indexedLsn?: number } => {
  const indexedLsn = numberOf(headers, indexedHeaders)
  return indexedLsn === undefined ? value : { ...value, indexedLsn }
}
