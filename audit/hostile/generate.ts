/** Hostile texts and values, made from a seed and a place. */
import { below, chance, oneOf } from "../support/chance.ts"

/** Where one hostile thing is in the run. */
export interface Place {
  readonly seed: number
  readonly n: number
}

const deep = (levels: number, open: string, close: string): string => `${open.repeat(levels)}1${close.repeat(levels)}`

/** What a part of a JSON text may be replaced by; some are no JSON. */
const tokens: ReadonlyArray<string> = [
  "null",
  "true",
  "0",
  "-0",
  "1.5",
  "-1",
  "4294967296",
  "9007199254740993",
  "1e21",
  "1e308",
  "1e999",
  "-1e400",
  "1e-400",
  "9".repeat(400),
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u202e\\ufeff"',
  '"日本🚀é"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"NaN"',
  '"1e999"',
  '"2026-13-45T99:99:99Z"',
  '"/../../etc/passwd"',
  `"${"x".repeat(100_000)}"`,
  `"${"é".repeat(600)}"`,
  "[]",
  "[[]]",
  "[null]",
  '[1,"2",null]',
  "[1e999]",
  `[${"0.5,".repeat(5_000)}1]`,
  "{}",
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":null,"hasOwnProperty":0,"then":1,"_tag":"Some"}',
  '{"":{"":{"":""}}}',
  deep(100, "[", "]"),
  deep(3_000, "[", "]"),
  deep(3_000, '{"a":', "}"),
  "NaN",
  "undefined",
  "'text'",
  "0x10",
  "[1,]",
  "{a:1}",
  '"\n"',
  "[".repeat(5_000)
]

/** Texts that are nothing like what was asked for. */
const whole: ReadonlyArray<string> = [
  "",
  " ",
  "null",
  "\ufeff{}",
  "\u0000",
  "<html><body><h1>502 Bad Gateway</h1></body></html>",
  "<!doctype".repeat(5_000),
  "[".repeat(100_000),
  deep(20_000, "[", "]"),
  deep(20_000, '{"a":', "}"),
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  "data: {}\n\n",
  "true",
  "1e999",
  '"text"',
  "{}",
  "[]"
]

/** A hostile JSON text, or one that is no JSON. */
export const token = ({ n, seed }: Place, salt = 0): string => oneOf(tokens, seed, n, salt, 1)

/** The paths of all parts of a value. */
function* paths(value: unknown, path: ReadonlyArray<string> = []): Iterable<ReadonlyArray<string>> {
  yield path
  if (typeof value !== "object" || value === null || value instanceof Float32Array) return
  for (const [key, part] of Object.entries(value)) yield* paths(part, [...path, key])
}

const mark = "@@here@@"

/** The value as JSON, with a part of it replaced by a mark; without the part when `drop`. */
const marked = (value: unknown, [key, ...rest]: ReadonlyArray<string>, drop: boolean): unknown => {
  if (key === undefined) return mark
  if (Array.isArray(value)) {
    return value.flatMap((part: unknown, at) => {
      if (String(at) !== key) return [part]
      return rest.length === 0 && drop ? [] : [marked(part, rest, drop)]
    })
  }
  return Object.fromEntries(
    Object.entries(value ?? {}).flatMap(([name, part]): ReadonlyArray<readonly [string, unknown]> => {
      if (name !== key) return [[name, part]]
      return rest.length === 0 && drop ? [] : [[name, marked(part, rest, drop)]]
    })
  )
}

/** The text of a value that is valid, spoiled in one place. */
export const spoiled = (valid: unknown, place: Place, salt = 0): string => {
  const { n, seed } = place
  const how = chance(seed, n, salt, 2)
  const text = JSON.stringify(valid)
  if (how < 0.12) return text.slice(0, below(text.length, seed, n, salt, 3))
  if (how < 0.2) return oneOf(whole, seed, n, salt, 4)
  if (how < 0.25) return `${text}${token(place, salt)}`
  if (how < 0.3) return text.replace("{", `{"__proto__":${token(place, salt)},"constructor":{"prototype":null},`)
  const path = oneOf(Array.from(paths(valid)), seed, n, salt, 5)
  const found = JSON.stringify(marked(valid, path, how < 0.4))
  return found.replace(JSON.stringify(mark), () => token(place, salt))
}

/** A value that JSON can say; where the text is no JSON it is the text itself. */
export const value = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Values that no JSON says. */
const strange: ReadonlyArray<unknown> = [
  undefined,
  NaN,
  Infinity,
  -Infinity,
  10n ** 30n,
  Symbol("x"),
  () => 1,
  new Date(NaN),
  new Map([["a", 1]]),
  new Float64Array(3),
  Object.create(null),
  new Proxy({}, {}),
  /x/,
  Array.from({ length: 3 }),
  Object.freeze({ id: 1 })
]

/** A part of a valid value is another one, also one that no JSON says. */
export const twisted = (valid: unknown, place: Place, salt = 0): unknown => {
  const { n, seed } = place
  const with_ = chance(seed, n, salt, 6) < 0.3 ? oneOf(strange, seed, n, salt, 7) : value(token(place, salt))
  const replace = (part: unknown, [key, ...rest]: ReadonlyArray<string>): unknown => {
    if (key === undefined) return with_
    if (Array.isArray(part)) return part.map((one: unknown, at) => (String(at) === key ? replace(one, rest) : one))
    return Object.fromEntries(
      Object.entries(part ?? {}).map(([name, one]) => [name, name === key ? replace(one, rest) : one])
    )
  }
  return replace(valid, oneOf(Array.from(paths(valid)), seed, n, salt, 8))
}
