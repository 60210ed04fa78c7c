/**
 * Packs the packages as they would be published, installs them into an empty folder, and uses them there from plain
 * JavaScript and from TypeScript.
 */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const root = path.join(import.meta.dirname, "..")
const names = ["core", "pinecone", "tecton", "cluster", "testkit"]
const scope = "@effect-connectors"
const tsc = path.join(root, "node_modules/typescript/bin/tsc")

// Inside the repository, so that the build finds its dependencies as usual; outside it, so that nothing else is found.
const workspace = path.join(root, ".cache/pack")
const consumer = fs.mkdtempSync(path.join(os.tmpdir(), "effect-connectors-"))

const run = (command: string, args: ReadonlyArray<string>, cwd: string) => {
  const { NODE_OPTIONS: _, ...env } = process.env
  const { status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: "utf8", env })
  return { status, stdout, output: stdout + stderr }
}

const succeed = (command: string, args: ReadonlyArray<string>, cwd: string): string => {
  const { output, status, stdout } = run(command, args, cwd)
  assert.strictEqual(status, 0, `${path.basename(command)} ${args.join(" ")}\n${output}`)
  return stdout
}

interface Manifest {
  readonly exports: { readonly ".": Record<string, string>; readonly "./*": Record<string, string> }
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>
}

const manifest = (directory: string): Manifest =>
  JSON.parse(fs.readFileSync(path.join(directory, "package.json"), "utf8"))

const installed = (name: string) => path.join(consumer, "node_modules", scope, name)

const filesOf = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort()

/** The modules of a package's sources, without their extension. */
const modules = (name: string): ReadonlyArray<string> =>
  filesOf(path.join(root, "packages", name, "src")).map((file) => file.replace(/\.ts$/, ""))

const isInternal = (module: string) => module.startsWith("internal/")

/** Suites register tests as they are imported: they load in a test runner only, whose packages are optional peers. */
const suites = ["Conformance", "DocumentConformance", "RecordConformance", "TectonConformance"]

const specifiers = (internal: boolean): ReadonlyArray<string> =>
  names.flatMap((name) =>
    modules(name)
      .filter((module) => isInternal(module) === internal && !suites.includes(module))
      .map((module) => (module === "index" ? `${scope}/${name}` : `${scope}/${name}/${module}`))
  )

const build = () => {
  fs.rmSync(workspace, { recursive: true, force: true })
  fs.mkdirSync(path.join(workspace, "node_modules", scope), { recursive: true })
  for (const file of ["tsconfig.base.json", "tsconfig.build.json"]) {
    fs.copyFileSync(path.join(root, file), path.join(workspace, file))
  }
  for (const name of names) {
    fs.cpSync(path.join(root, "packages", name), path.join(workspace, "packages", name), {
      recursive: true,
      filter: (from) => !["dist", "node_modules"].includes(path.basename(from))
    })
    fs.symlinkSync(path.join(workspace, "packages", name), path.join(workspace, "node_modules", scope, name))
  }
  succeed(process.execPath, [tsc, "-b", "tsconfig.build.json"], workspace)
}

/** Where a package is that another one, in `from`, needs: its own copy, or that of a folder above. */
const resolved = (name: string, from: string): string => {
  const directory = path.join(from, "node_modules", name)
  return from === root || fs.existsSync(directory) ? directory : resolved(name, path.dirname(from))
}

/** The folders of all that the packages need, as this repository has them installed. */
const closure = (): ReadonlyArray<string> => {
  const found = new Set<string>()
  const visitNeeds = (directory: string) => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifest(directory)
    for (const needed of Object.keys({ ...dependencies, ...peerDependencies })) {
      if (!needed.startsWith(scope) && peerDependenciesMeta?.[needed]?.optional !== true) {
        visit(resolved(needed, directory))
      }
    }
  }
  const visit = (directory: string) => {
    if (found.has(directory)) return
    found.add(directory)
    visitNeeds(directory)
  }
  for (const name of names) visitNeeds(path.join(root, "packages", name))
  return [...found]
}

/**
 * Installs the packed packages into an empty folder, by npm, from nothing but tarballs: no network and no cache. What
 * they depend on is packed too, from this repository's own installation. Of a package with several versions there the
 * one of the root is for all, but for the packages of ours that have one of their own.
 */
const install = () => {
  const tarballs = path.join(consumer, "tarballs")
  fs.mkdirSync(tarballs)
  const pack = (directories: ReadonlyArray<string>): ReadonlyArray<string> => {
    const args = ["pack", "--offline", "--ignore-scripts", "--pack-destination", tarballs, ...directories]
    const names = succeed("npm", args, workspace).trim().split("\n")
    return names.map((file) => path.join(tarballs, file))
  }
  const isOwn = (directory: string) => names.some((name) => directory.startsWith(path.join(root, "packages", name)))
  const needed = closure()
  const files = pack([
    ...names.map((name) => path.join(workspace, "packages", name)),
    ...needed.filter((directory) => !isOwn(directory))
  ])
  const overrides: Record<string, Record<string, string>> = {}
  for (const name of names) {
    const modules = path.join(root, "packages", name, "node_modules")
    for (const directory of needed.filter((directory) => directory.startsWith(modules))) {
      const of = (overrides[`${scope}/${name}`] ??= {})
      of[path.relative(modules, directory)] = `file:${pack([directory])[0]}`
    }
  }
  fs.writeFileSync(path.join(consumer, "package.json"), JSON.stringify({ private: true, type: "module", overrides }))
  const cache = path.join(consumer, "cache")
  succeed("npm", ["install", "--offline", "--ignore-scripts", "--cache", cache, ...files], consumer)
}

describe("the packed packages", () => {
  beforeAll(() => {
    build()
    install()
    return () => fs.rmSync(consumer, { recursive: true, force: true })
  }, 240_000)

  it("hold sources, compiled modules with declarations and maps, a README and the license, and nothing else", () => {
    for (const name of names) {
      const compiled = modules(name).flatMap((module) =>
        [".js", ".js.map", ".d.ts", ".d.ts.map"].map((extension) => `dist/${module}${extension}`)
      )
      const sources = modules(name).map((module) => `src/${module}.ts`)
      const expected = ["LICENSE", "README.md", "package.json", ...compiled, ...sources].sort()
      const own = filesOf(installed(name)).filter((file) => !file.startsWith("node_modules"))
      assert.deepStrictEqual(own, expected, name)
    }
  })

  it("lead every condition of their exports to a file", () => {
    for (const name of names) {
      const { exports } = manifest(installed(name))
      for (const module of modules(name).filter((module) => !isInternal(module))) {
        const targets = Object.values(module === "index" ? exports["."] : exports["./*"])
        assert.strictEqual(targets.length, 3)
        for (const target of targets.map((target) => target.replace("*", module))) {
          assert.isTrue(fs.existsSync(path.join(installed(name), target)), `${name}: ${target}`)
        }
      }
    }
  })

  it("can be used from JavaScript, every public module", () => {
    const program = `
      import { Outcome } from "@effect-connectors/core"
      import * as OutcomeModule from "@effect-connectors/core/Outcome"
      import { PineconeSink } from "@effect-connectors/pinecone"
      import { FeatureService, TectonSink, TectonSource } from "@effect-connectors/tecton"
      import { PineconeMemory, TectonMemory } from "@effect-connectors/testkit"
      import * as Effect from "effect/Effect"
      import * as Schema from "effect/Schema"
      import * as Stream from "effect/Stream"

      if (Outcome.written !== OutcomeModule.written) throw new Error("two copies of one module")
      const counts = await Stream.make({ id: "a", values: [1, 0] }, { id: "b", values: [0, 1] }).pipe(
        PineconeSink.upsert(),
        Stream.run(Outcome.count),
        Effect.provide(PineconeMemory.layer),
        Effect.runPromise
      )
      const fraud = FeatureService.make("fraud", {
        joinKeys: { user_id: Schema.String },
        features: { "user_clicks.clicked_sum_1h": Schema.BigInt }
      })
      const click = { user_id: "ada", timestamp: new Date().toISOString(), page: "/", clicked: 2 }
      const sums = await Stream.make(click).pipe(
        TectonSink.ingest({ source: "clicks", joinKeys: ["user_id"] }),
        TectonSource.features(fraud, { keys: ({ input }) => ({ user_id: input.user_id }) }),
        Stream.map(([, vector]) => String(vector["user_clicks.clicked_sum_1h"].value)),
        Stream.runCollect,
        Effect.provide(TectonMemory.layer),
        Effect.runPromise
      )
      console.log(JSON.stringify([counts, sums]))`
    const imports = specifiers(false).map((specifier) => `await import("${specifier}")`)
    fs.writeFileSync(path.join(consumer, "main.js"), [program, ...imports].join("\n"))
    const printed = succeed(process.execPath, ["--no-strip-types", "main.js"], consumer)
    assert.deepStrictEqual(JSON.parse(printed), [{ written: 2, rejected: 0, unknown: 0 }, ["2"]])
  })

  it("let jobs be used without the packages that only ready jobs need", () => {
    const program = `
      import { registerHooks } from "node:module"
      const optional = /^(@effect-connectors\\/(pinecone|tecton)|hyparquet)(\\/|$)/
      registerHooks({
        resolve: (specifier, context, next) => {
          if (optional.test(specifier)) throw new Error("needs " + specifier)
          return next(specifier, context)
        }
      })
      const { Job } = await import("@effect-connectors/cluster")
      const ready = await import("@effect-connectors/cluster/PineconeJobs").catch((error) => error.message)
      console.log(JSON.stringify([typeof Job.make, ready]))`
    fs.writeFileSync(path.join(consumer, "alone.js"), program)
    const printed = JSON.parse(succeed(process.execPath, ["--no-strip-types", "alone.js"], consumer))
    assert.strictEqual(printed[0], "function")
    assert.include(printed[1], "needs @effect-connectors/pinecone/")
    const { peerDependencies, peerDependenciesMeta } = manifest(installed("cluster"))
    for (const name of [`${scope}/pinecone`, `${scope}/tecton`]) {
      assert.property(peerDependencies, name)
      assert.strictEqual(peerDependenciesMeta?.[name]?.optional, true)
    }
  })

  it("keep their internal modules to themselves", () => {
    const internal = [...specifiers(true), ...names.map((name) => `${scope}/${name}/src/index.ts`)]
    const attempts = internal.map(
      (specifier) => `await import("${specifier}").then(() => "imported", (error) => error.code)`
    )
    fs.writeFileSync(path.join(consumer, "internal.js"), `console.log(JSON.stringify([${attempts.join(",\n")}]))`)
    const codes = JSON.parse(succeed(process.execPath, ["--no-strip-types", "internal.js"], consumer))
    assert.strictEqual(codes.length, internal.length)
    for (const code of codes) assert.include(["ERR_PACKAGE_PATH_NOT_EXPORTED", "ERR_MODULE_NOT_FOUND"], code)
  })

  it("can be used from TypeScript, every public module with its types", () => {
    const lines = specifiers(false).map((specifier, index) => `import * as module${index} from "${specifier}"`)
    const all = `export const all = [${lines.map((_, index) => `module${index}`).join(", ")}]`
    const use = [
      `import { Outcome } from "${scope}/core"`,
      `import type { Filter } from "${scope}/pinecone"`,
      `export const row: number = Outcome.written(1).input`,
      `export const filter: Filter.Filter<{ year: number }> = { year: { $gte: 2020 } }`,
      `// @ts-expect-error`,
      `export const text: string = Outcome.written(1).input`,
      `// @ts-expect-error`,
      `export const wrong: Filter.Filter<{ year: number }> = { year: "2020" }`
    ]
    fs.writeFileSync(path.join(consumer, "main.ts"), [...use, ...lines, all].join("\n"))
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      module: "NodeNext",
      target: "ES2024",
      lib: ["ES2024", "DOM"],
      types: [],
      noEmit: true,
      skipLibCheck: false
    }
    fs.writeFileSync(path.join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }))
    const { output, status } = run(process.execPath, [tsc, "-p", "."], consumer)
    assert.strictEqual(status, 0, output)
  })
})
