/**
 * Text in a place that may be written half: a sum says whether it is whole.
 */
import * as Option from "effect/Option"
import { digest } from "./digest.ts"

export const render = (body: string): string => `${digest(body)}\n${body}`

/** The text, if it is whole. */
export const read = (text: string): Option.Option<string> => {
  const end = text.indexOf("\n")
  const body = text.slice(end + 1)
  return end >= 0 && text.slice(0, end) === digest(body) ? Option.some(body) : Option.none()
}

/** A name for people, in what every file system and database takes as part of a key. It does not tell names apart. */
export const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
