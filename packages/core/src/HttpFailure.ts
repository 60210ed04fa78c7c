/**
 * What connectors that speak HTTP share: addresses, what a broken connection means, text without secrets in it.
 */
import { clip, ConnectionFailed, InvalidOption } from "./ConnectorError.ts"
import * as Result from "effect/Result"

/** Failures that happen before a byte of the request leaves. */
const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
])

/** The reason of a call that got no answer. `fetch` hides the socket's error two or three causes deep. */
export const connectionFailed = (error: unknown): ConnectionFailed => {
  const messages: Array<string> = []
  let code: string | undefined
  for (let cause = error, depth = 0; cause instanceof Error && depth < 4; cause = cause.cause, depth++) {
    if (cause.message !== "") messages.push(cause.message)
    if ("code" in cause && typeof cause.code === "string") code = cause.code
  }
  if (code !== undefined && !messages.some((message) => message.includes(code))) messages.push(code)
  return new ConnectionFailed({
    detail: clip(messages.length === 0 ? String(error) : messages.join(": ")),
    sent: code === undefined || !neverSent.has(code)
  })
}

/** A secret as it is, in JSON and in addresses. */
const formsOf = (secret: string): ReadonlyArray<string> => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret.toWellFormed()),
  new URLSearchParams({ "": secret }).toString().slice(1)
]

/** A secret shorter than this may be a part of any word, and is taken out only where it stands alone. */
const shortest = 8

const isWord = (character: string | undefined): boolean => character !== undefined && /[A-Za-z0-9]/.test(character)

const without = (text: string, form: string): string =>
  text.replaceAll(form, (found, at: number) =>
    form.length < shortest && (isWord(text[at - 1]) || isWord(text[at + form.length])) ? found : "<redacted>"
  )

/** Text from outside that goes into an error: a service may quote the key it refuses, in any of its forms. */
export const withoutSecrets = (text: string, secrets: Iterable<string>): string => {
  let clean = text
  for (const secret of secrets) {
    if (secret !== "") for (const form of new Set(formsOf(secret))) clean = without(clean, form)
  }
  return clean
}

/** Can a key be this? Keys go into a header, which takes no line break, and none has a space. */
export const isKey = (key: string): boolean => /^[\x21-\x7e]+$/.test(key)

/** The option of headers whose name or value no HTTP header can have, if there is one. */
export const invalidHeader = (option: string, headers: Readonly<Record<string, string>>): InvalidOption | undefined => {
  const name = Object.keys(headers).find((name) => !isHeader(name, headers[name]!))
  return name === undefined
    ? undefined
    : new InvalidOption({ option, issue: `has a name or value no HTTP header can have, at ${JSON.stringify(name)}` })
}

const isHeader = (name: string, value: string): boolean =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])(:|\/|$)/i

/**
 * An address without a scheme is taken as https, as consoles show it, and as http on this machine, where emulators
 * are. A slash at the end is dropped, a path is kept. `example` is what the error shows.
 */
export const baseUrl = (option: string, address: string, example: string): Result.Result<string, InvalidOption> => {
  const text = address.trim()
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : `${loopback.test(text) ? "http" : "https"}://${text}`
  const url = URL.parse(withScheme)
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== "" ||
    url.password !== "" ||
    url.search !== "" ||
    url.hash !== ""
  ) {
    return Result.fail(new InvalidOption({ option, issue: `is not an address; write it like ${example}` }))
  }
  return Result.succeed(`${url.origin}${url.pathname.replace(/\/+$/, "")}`)
}
