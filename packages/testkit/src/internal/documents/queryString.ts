/**
 * Query strings in Lucene's classic syntax: words, `"phrases"` (with `~2` for words between, with `*` for the beginning
 * of the last word), `word*`, `field:word`, `field:(a b)`, `AND`, `OR`, `NOT`, `+`, `-`, parentheses, `^2` and `\` before
 * a character that has a meaning.
 *
 * Decided here, not known of the service: side by side means OR, AND binds tighter; a string that only says what must
 * not be there is refused, and so are ranges, regular expressions and words that are only similar.
 */
import * as Result from "effect/Result"
import { type Answer, no } from "../answer.ts"
import type { Refusal } from "../refusals.ts"
import type { TextQuery } from "./textQuery.ts"

type Token =
  | { readonly _tag: "Word"; readonly text: string; readonly isPrefix: boolean }
  | { readonly _tag: "Phrase"; readonly text: string; readonly slop: number; readonly isPrefix: boolean }
  | { readonly _tag: "Field"; readonly name: string }
  | { readonly _tag: "Boost"; readonly factor: number }
  | { readonly _tag: "Open" | "Close" | "And" | "Or" | "Not" | "Must" }

const patterns: ReadonlyArray<readonly [RegExp, (match: RegExpExecArray) => Token]> = [
  [/\(/y, () => ({ _tag: "Open" })],
  [/\)/y, () => ({ _tag: "Close" })],
  [/\+/y, () => ({ _tag: "Must" })],
  [/[-!]|NOT(?=[\s(]|$)/y, () => ({ _tag: "Not" })],
  [/AND(?=[\s(]|$)|&&/y, () => ({ _tag: "And" })],
  [/OR(?=[\s(]|$)|\|\|/y, () => ({ _tag: "Or" })],
  [/\^(\d+(?:\.\d+)?)/y, ([, factor]) => ({ _tag: "Boost", factor: Number(factor) })],
  [
    /"((?:[^"\\]|\\.)*)"(?:~(\d+))?(\*)?/y,
    ([, text = "", slop, star]) => ({
      _tag: "Phrase",
      text: unescaped(text),
      slop: Number(slop ?? 0),
      isPrefix: star !== undefined
    })
  ],
  [/((?:[^\s()":^~*?[\]{}/\\]|\\.)+):/y, ([, name = ""]) => ({ _tag: "Field", name: unescaped(name) })],
  [
    /((?:[^\s()":^~*?[\]{}/\\]|\\.)+)(\*)?(?=[\s()^]|$)/y,
    ([, text = "", star]) => ({ _tag: "Word", text: unescaped(text), isPrefix: star !== undefined })
  ]
]

const unescaped = (text: string): string => text.replaceAll(/\\(.)/g, "$1")

const tokensOf = (text: string): Answer<ReadonlyArray<Token>> => {
  const tokens: Array<Token> = []
  const trimmed = text.trimEnd()
  let at = trimmed.length - trimmed.trimStart().length
  while (at < trimmed.length) {
    const found = firstMatch(trimmed, at)
    if (found === undefined) return malformed(`cannot be read at '${trimmed.slice(at, at + 20)}'`)
    tokens.push(found.token)
    at = found.end
    while (/\s/.test(trimmed[at] ?? "")) at++
  }
  return Result.succeed(tokens)
}

const firstMatch = (text: string, at: number): { readonly token: Token; readonly end: number } | undefined => {
  for (const [pattern, toToken] of patterns) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match !== null) return { token: toToken(match), end: pattern.lastIndex }
  }
  return undefined
}

const malformed = (issue: string): Result.Result<never, Refusal> => no(`The query string ${issue}`)

/** Levels of parentheses: as many as metadata and filters may nest. */
const maxDepth = 100

/** Reads a query string. What names no field is searched in all of `fields`. */
export const parse = (text: string, fields: ReadonlyArray<string>): Answer<TextQuery> =>
  Result.flatMap(tokensOf(text), (tokens) => {
    const reader = new Reader(tokens, fields)
    return Result.flatMap(reader.group(undefined, maxDepth), (query) =>
      reader.isAtEnd ? Result.succeed(query) : malformed("has a ) without its (")
    )
  })

interface Clause {
  readonly occurs: "must" | "should" | "mustNot"
  readonly query: TextQuery
}

class Reader {
  readonly #tokens: ReadonlyArray<Token>
  readonly #fields: ReadonlyArray<string>
  #at = 0

  constructor(tokens: ReadonlyArray<Token>, fields: ReadonlyArray<string>) {
    this.#tokens = tokens
    this.#fields = fields
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length
  }

  /** Clauses until the end or a closing parenthesis, of which one is enough. `field` is the one they are for. */
  group(field: string | undefined, depth: number): Answer<TextQuery> {
    const clauses: Array<Clause> = []
    while (!this.isAtEnd && this.#next()?._tag !== "Close") {
      const clause = this.#conjunction(field, depth)
      if (Result.isFailure(clause)) return Result.fail(clause.failure)
      clauses.push(clause.success)
      if (this.#take("Or") && (this.isAtEnd || this.#next()?._tag === "Close")) return malformed("ends with OR")
    }
    return grouped(clauses)
  }

  /** Clauses with AND between them. */
  #conjunction(field: string | undefined, depth: number): Answer<Clause> {
    const first = this.#clause(field, depth)
    if (Result.isFailure(first) || this.#next()?._tag !== "And") return first
    const clauses = [first.success]
    while (this.#take("And")) {
      const clause = this.#clause(field, depth)
      if (Result.isFailure(clause)) return clause
      clauses.push(clause.success)
    }
    const all = clauses.map(({ occurs, query }): Clause => ({ query, occurs: occurs === "should" ? "must" : occurs }))
    return Result.map(grouped(all), (query) => ({ occurs: "should", query }))
  }

  #clause(field: string | undefined, depth: number): Answer<Clause> {
    const occurs = this.#take("Must") ? "must" : this.#take("Not") ? "mustNot" : "should"
    return Result.map(this.#boosted(field, depth), (query) => ({ occurs, query }))
  }

  #boosted(field: string | undefined, depth: number): Answer<TextQuery> {
    return Result.map(this.#primary(field, depth), (query) => {
      const next = this.#next()
      if (next?._tag !== "Boost") return query
      this.#at++
      return { _tag: "Boost", query, factor: next.factor }
    })
  }

  #primary(field: string | undefined, depth: number): Answer<TextQuery> {
    const token = this.#next()
    this.#at++
    switch (token?._tag) {
      case "Word":
        return Result.succeed(
          this.#inFields(field, (field) =>
            token.isPrefix
              ? { _tag: "Phrase", field, text: token.text, slop: 0, isPrefix: true }
              : { _tag: "Words", field, text: token.text }
          )
        )
      case "Phrase":
        return Result.succeed(
          this.#inFields(field, (field) => ({
            _tag: "Phrase",
            field,
            text: token.text,
            slop: token.slop,
            isPrefix: token.isPrefix
          }))
        )
      case "Field":
        return this.#fields.includes(token.name)
          ? this.#primary(token.name, depth)
          : malformed(`names '${token.name}', which is not a field with full-text search`)
      case "Open": {
        if (depth === 0) return malformed("is nested too deeply")
        const group = this.group(field, depth - 1)
        return Result.isFailure(group) || this.#take("Close") ? group : malformed("has a ( without its )")
      }
      default:
        return malformed(`needs a word or a phrase ${token === undefined ? "at its end" : "after an operator"}`)
    }
  }

  #inFields(field: string | undefined, toQuery: (field: string) => TextQuery): TextQuery {
    if (field !== undefined) return toQuery(field)
    return { _tag: "Group", must: [], should: this.#fields.map(toQuery), mustNot: [] }
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at]
  }

  #take(tag: Token["_tag"]): boolean {
    const is = this.#next()?._tag === tag
    if (is) this.#at++
    return is
  }
}

const grouped = (clauses: ReadonlyArray<Clause>): Answer<TextQuery> => {
  const those = (occurs: Clause["occurs"]) =>
    clauses.filter((clause) => clause.occurs === occurs).map(({ query }) => query)
  const group = { _tag: "Group", must: those("must"), should: those("should"), mustNot: those("mustNot") } as const
  if (clauses.length === 0) return malformed("is empty")
  return group.must.length + group.should.length === 0
    ? malformed("only says what must not be there")
    : Result.succeed(group)
}
