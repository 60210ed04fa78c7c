/**
 * Where the time of a process goes: sums a CPU profile (`npm run bench -- --suite NAME --profile DIR` writes one for each
 * contender) by kind of work and by function.
 *
 *     npm run bench:profile -- DIR/overhead-gRPC-layer.cpuprofile
 */
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"

const Node = Schema.Struct({
  id: Schema.Int,
  callFrame: Schema.Struct({ functionName: Schema.String, url: Schema.String, lineNumber: Schema.Int }),
  children: Schema.optionalKey(Schema.Array(Schema.Int))
})
type Node = Schema.Schema.Type<typeof Node>

export const Profile = Schema.Struct({
  nodes: Schema.Array(Node),
  samples: Schema.Array(Schema.Int),
  timeDeltas: Schema.Array(Schema.Finite)
})
export type Profile = Schema.Schema.Type<typeof Profile>

/** What a function of a file does, by the first pattern that its address has. */
const kinds: ReadonlyArray<readonly [pattern: RegExp, kind: string]> = [
  [/node:internal\/(modules|bootstrap|main|source_map|vm)|node:internal\/deps\/(cjs|amaro|acorn)/, "start-up"],
  [/node:(internal\/)?(child_process|ipc)/, "the benchmark itself"],
  [/node:internal\/deps\/undici|node:(_?http|internal\/(http|webstreams|fetch|blob|encoding))(?!2)/, "HTTP/1"],
  [/node:(internal\/)?http2/, "HTTP/2"],
  [/node:(net|stream|internal\/(stream|net|streams|js_stream)|events|buffer|internal\/buffer)/, "socket and streams"],
  [/node:/, "the rest of Node"],
  [/node_modules\/@grpc\//, "grpc-js"],
  [/node_modules\/(@bufbuild|protobufjs)\//, "protobuf library"],
  [/node_modules\/(@pinecone-database|pinecone-sdk-\d+)\//, "the official client"],
  [/node_modules\/effect\//, "Effect"],
  [/node_modules\//, "other packages"],
  [/packages\/core\/src\//, "engines (core)"],
  [
    /packages\/pinecone\/src\/internal\/(proto|messageWriter|jsonRecord|float32Json|sdkReplies|wireFilter)/,
    "writing and reading the wire form"
  ],
  [/packages\/pinecone\/src\//, "the connector (pinecone)"],
  [/packages\/tecton\/src\//, "the connector (tecton)"],
  [/benchmarks\//, "the benchmark itself"]
]

const json = "JSON.stringify and JSON.parse"

/** What the engine does by itself, and native functions that are work of their own. */
const natives: Readonly<Record<string, string>> = {
  "(garbage collector)": "garbage collection",
  "(program)": "native code outside functions (sockets, compiler)",
  "(idle)": "idle",
  stringify: json,
  parse: json
}

/** Functions that do little but call `JSON`: the engine counts that time as theirs. */
const jsonCallers: ReadonlyArray<readonly [functionName: string, pattern: RegExp]> = [
  ["createFetchParams", /pinecone/],
  ["try", /effect\/(dist|src)\/SchemaGetter/]
]

const kindOf = ({ callFrame: { functionName, url } }: Node, parent: string): string => {
  if (url === "") return natives[functionName] ?? parent
  if (jsonCallers.some(([name, pattern]) => name === functionName && pattern.test(url))) return json
  return kinds.find(([pattern]) => pattern.test(url))?.[1] ?? "the rest"
}

export interface Sum {
  readonly name: string
  readonly millis: number
}

export interface Summary {
  /** Without idle time. */
  readonly busyMillis: number
  readonly kinds: ReadonlyArray<Sum>
  readonly functions: ReadonlyArray<Sum>
}

/** Self time by kind and by function, most first. A native function is of the kind of who called it. */
export const summarize = ({ nodes, samples, timeDeltas }: Profile): Summary => {
  const micros = new Map<number, number>()
  samples.forEach((id, at) => micros.set(id, (micros.get(id) ?? 0) + (timeDeltas[at] ?? 0)))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const byKind = new Map<string, number>()
  const byFunction = new Map<string, number>()
  const add = (sums: Map<string, number>, name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + value)

  // A loop and not a recursion: stacks of a profile are deep.
  const waiting = nodes.slice(0, 1).map((node) => ({ node, parent: "the rest" }))
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, parent } = next
    const kind = kindOf(node, parent)
    const self = micros.get(node.id) ?? 0
    if (self > 0) {
      add(byKind, kind, self)
      if (kind !== "idle") add(byFunction, functionName(node), self)
    }
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child !== undefined) waiting.push({ node: child, parent: kind })
    }
  }
  byKind.delete("idle")
  const sorted = (sums: Map<string, number>): ReadonlyArray<Sum> =>
    [...sums].map(([name, value]) => ({ name, millis: value / 1000 })).toSorted((a, b) => b.millis - a.millis)
  const sums = sorted(byKind)
  return { busyMillis: sums.reduce((sum, { millis }) => sum + millis, 0), kinds: sums, functions: sorted(byFunction) }
}

const functionName = ({ callFrame: { functionName, lineNumber, url } }: Node): string => {
  const file = url.replace(/^file:\/\//, "").replace(/^.*\/(node_modules|packages|benchmarks)\//, "$1/")
  return `${functionName === "" ? "(anonymous)" : functionName}${url === "" ? "" : ` ${file}:${lineNumber + 1}`}`
}

const listedFunctions = 15

export const text = (title: string, { busyMillis, functions, kinds }: Summary): string => {
  const line = ({ millis, name }: Sum) =>
    `${millis.toFixed(0).padStart(8)} ms ${((millis / busyMillis) * 100).toFixed(1).padStart(5)} %  ${name}`
  return [
    `${title}: ${busyMillis.toFixed(0)} ms busy`,
    ...kinds.map(line),
    "  the functions with most time of their own:",
    ...functions.slice(0, listedFunctions).map(line),
    ""
  ].join("\n")
}

if (import.meta.main) {
  for (const file of process.argv.slice(2)) {
    const profile = Schema.decodeUnknownSync(Schema.fromJsonString(Profile))(fs.readFileSync(file, "utf8"))
    console.log(text(path.basename(file, ".cpuprofile"), summarize(profile)))
  }
}
