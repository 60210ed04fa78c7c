import { defineConfig } from "vitest/config"

/** Sibling packages resolve to their sources, so tests need no build. */
const conditions = ["@effect-connectors/source"]

const project = (
  name: string,
  root: string,
  options: {
    readonly testTimeout?: number
    readonly groupOrder?: number
    readonly exclude?: string
    /** How many tests of a file run at a time, of those that may. */
    readonly atATime?: number
  }
) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name,
    include: [`${root}/**/*.test.ts`],
    exclude: options.exclude === undefined ? [] : [options.exclude],
    testTimeout: options.testTimeout ?? 20_000,
    maxConcurrency: options.atATime ?? 5,
    // Without a word vitest leaves one of two processors idle. The other groups start programs that take both.
    maxWorkers: options.groupOrder === undefined ? 2 : 1,
    sequence: { groupOrder: options.groupOrder ?? 0 }
  }
})

export default defineConfig({
  test: {
    projects: [
      project("core", "packages/core/test", {}),
      project("pinecone", "packages/pinecone/test", {}),
      project("tecton", "packages/tecton/test", {}),
      project("cluster", "packages/cluster/test", { exclude: "packages/cluster/test/survival/**" }),
      project("testkit", "packages/testkit/test", {}),
      // These start compilers and whole programs: they run after the others, so that nobody starves.
      project("survival", "packages/cluster/test/survival", { testTimeout: 180_000, groupOrder: 1, atATime: 4 }),
      project("examples", "examples", { testTimeout: 120_000, groupOrder: 1 }),
      project("audit", "audit/test", { testTimeout: 120_000, groupOrder: 2 }),
      project("repo", "test", { testTimeout: 120_000, groupOrder: 3 }),
      project("benchmarks", "benchmarks/test", { testTimeout: 120_000, groupOrder: 3 })
    ],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: [["text", { skipFull: true }], "json-summary"],
      thresholds: {
        "packages/core/src/**": { lines: 91 },
        "packages/pinecone/src/**": { lines: 91 },
        "packages/tecton/src/**": { lines: 91 },
        "packages/cluster/src/**": { lines: 91 }
      }
    }
  }
})
