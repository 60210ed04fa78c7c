import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"

const root = path.join(import.meta.dirname, "..")
const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8")

interface Package {
  readonly version?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
  readonly exports?: unknown
  readonly engines?: unknown
  readonly license?: string
}

interface Root extends Package {
  readonly workspaces: ReadonlyArray<string>
  readonly allowScripts: Record<string, boolean>
}

const manifest = (directory: string): Package => JSON.parse(read(path.join(directory, "package.json")))
const rootManifest: Root = JSON.parse(read("package.json"))
const packages = rootManifest.workspaces.filter((directory) => directory.startsWith("packages/"))
const lock: { readonly packages: Record<string, Package> } = JSON.parse(read("package-lock.json"))

describe("package-lock.json", () => {
  it("holds no download addresses", () => {
    const addressed = Object.entries(lock.packages)
      .filter(([, { link, resolved }]) => resolved !== undefined && link !== true)
      .map(([name]) => name)
    assert.deepStrictEqual(addressed, [])
  })

  it("holds every optional build; scripts/lock.ts adds those that npm left out", () => {
    const missing = Object.values(lock.packages)
      .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
      .filter((name) => !(`node_modules/${name}` in lock.packages))
    assert.deepStrictEqual(missing, [])
  })
})

describe("package.json", () => {
  it("names exact versions, but for peers", () => {
    const inexact = ["", ...rootManifest.workspaces].flatMap((directory) => {
      const { dependencies, devDependencies, optionalDependencies } = manifest(directory)
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([, version]) => !/^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${directory}/package.json: ${name} ${version}`)
    })
    assert.deepStrictEqual(inexact, [])
  })

  it("lets the pinned Node set itself up, and no other version of it", () => {
    assert.deepStrictEqual(rootManifest.allowScripts, { [`node@${rootManifest.devDependencies?.["node"]}`]: true })
  })

  it("is alike in all packages", () => {
    const [first, ...others] = packages.map(manifest)
    assert.isNotEmpty(others)
    for (const { engines, exports, license, peerDependencies, version } of others) {
      assert.deepStrictEqual(
        { engines, exports, license, version },
        { engines: first?.engines, exports: first?.exports, license: first?.license, version: first?.version }
      )
      assert.strictEqual(peerDependencies?.["effect"], first?.peerDependencies?.["effect"])
    }
    for (const directory of packages) assert.strictEqual(read(`${directory}/LICENSE`), read("LICENSE"))
  })
})

describe("the Node that runs this", () => {
  it("is the pinned one", () => {
    assert.strictEqual(process.versions.node, rootManifest.devDependencies?.["node"])
  })
})

describe("the sources", () => {
  const sources = fs.globSync("packages/*/src/**/*.ts", { cwd: root })

  it("hold no assertion that turns off the type checker", () => {
    const found = sources.flatMap((file) =>
      read(file)
        .split("\n")
        .flatMap((line, index) =>
          /\bas (?:unknown as|any|never)\b|@ts-(?:ignore|expect-error|nocheck)/.test(line) ? `${file}:${index + 1}` : []
        )
    )
    assert.deepStrictEqual(found, [])
  })
})
