/** Where a benchmark runs, and with what. */
import * as os from "node:os"
import { createRequire } from "node:module"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Schema from "effect/Schema"
import type { Machine } from "./result.ts"

const packages = [
  "effect",
  "@grpc/grpc-js",
  "@langchain/pinecone",
  "pinecone-sdk-6",
  "pinecone-sdk-7",
  "pinecone-sdk-8",
  "pinecone-sdk-9"
]

const require = createRequire(import.meta.url)

const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

/** Not by `require`: packages may keep their `package.json` to themselves. */
const versionOf = (name: string): string => {
  for (const directory of require.resolve.paths(name) ?? []) {
    const file = path.join(directory, name, "package.json")
    if (fs.existsSync(file)) return Schema.decodeUnknownSync(Manifest)(fs.readFileSync(file, "utf8")).version
  }
  return "not installed"
}

export const machine = (): Schema.Schema.Type<typeof Machine> => ({
  processor: os.cpus()[0]?.model ?? "unknown",
  cores: os.availableParallelism(),
  memoryBytes: os.totalmem(),
  system: `${os.type()} ${os.release()} ${os.arch()}`,
  versions: { node: process.versions.node, ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])) }
})
