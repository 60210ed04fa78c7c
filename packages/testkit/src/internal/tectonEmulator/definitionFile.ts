/**
 * A file that defines what an emulator serves: its workspaces and, if it says so, its accounts, how long it works and
 * tokens live, and what it assumes.
 */
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as Schema from "effect/Schema"
import { readFile } from "node:fs/promises"
import * as path from "node:path"
import { TectonWorkspace } from "../../TectonWorkspace.ts"
import { AssumptionsInput } from "../features/assumptions.ts"
import { Time } from "../features/time.ts"
import { Account } from "./accounts.ts"

const DefinitionFile = Schema.Struct({
  workspaces: Schema.Record(Schema.String, TectonWorkspace),
  accounts: Schema.optional(Schema.NonEmptyArray(Account)),
  serverTimeout: Schema.optional(Time),
  tokenLifetime: Schema.optional(Time),
  assumptions: Schema.optional(AssumptionsInput)
})

/** @see {@link readDefinition} */
export type DefinitionFile = typeof DefinitionFile.Type

const decode = Schema.decodeUnknownSync(DefinitionFile, { onExcessProperty: "error" })

const parsers: ReadonlyMap<string, (text: string) => unknown> = new Map([
  [".json", JSON.parse],
  [".yaml", Yaml.parse],
  [".yml", Yaml.parse]
])

/** Reads a definition from a file, which is JSON or YAML by its name. */
export const readDefinition = (file: string): Effect.Effect<DefinitionFile, TectonError> =>
  Effect.tryPromise({
    try: async () => {
      const parse = parsers.get(path.extname(file).toLowerCase())
      if (parse === undefined) throw new Error("is none: its name has to end in .json, .yaml or .yml")
      return decode(parse(await readFile(file, "utf8")))
    },
    catch: (error) => {
      const what = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ")
      return new TectonError({
        operation: "start",
        reason: new InvalidOption({ option: "definition", issue: `${file}: ${what}` })
      })
    }
  })
