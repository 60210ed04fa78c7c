import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { brokenLinks, codeBlocks, typeCheck } from "../scripts/docs.ts"

const root = path.join(import.meta.dirname, "..")
const markdown = fs.globSync(["*.md", "docs/**/*.md", "packages/*/*.md", "examples/**/*.md", "benchmarks/**/*.md"], {
  cwd: root,
  exclude: (name) => name === "node_modules"
})
const sources = fs.globSync("packages/*/src/**/*.ts", { cwd: root })

const fence = "```"

describe("the documentation", () => {
  it("has only code blocks that compile", () => {
    const blocks = [...markdown, ...sources].flatMap((file) =>
      codeBlocks(file, fs.readFileSync(path.join(root, file), "utf8"))
    )
    assert.isNotEmpty(blocks)
    assert.deepStrictEqual(typeCheck(blocks, path.join(root, ".cache/docs")), [])
  })

  it("has only relative links that lead somewhere", () => {
    assert.deepStrictEqual(
      markdown.flatMap((file) => brokenLinks(path.join(root, file))),
      []
    )
  })
})

describe("codeBlocks", () => {
  it("takes the ts blocks of Markdown, and no others", () => {
    const text = ["# Title", `${fence}ts`, "const a = 1", "", "a + 1", fence, `${fence}sh`, "ls", fence].join("\n")
    const pseudo = ["", `${fence}ts ignore`, "a -> b", fence].join("\n")
    assert.deepStrictEqual(codeBlocks("a.md", text + pseudo), [{ file: "a.md", line: 3, code: "const a = 1\n\na + 1" }])
  })

  it("takes the blocks of doc comments without their asterisks", () => {
    const text = ["/**", " * @example", ` * ${fence}ts`, " * const a = {", " *   b: 1", " * }", ` * ${fence}`, " */"]
    assert.deepStrictEqual(codeBlocks("a.ts", text.join("\n")), [
      { file: "a.ts", line: 4, code: "const a = {\n  b: 1\n}" }
    ])
  })

  it("refuses a block that is never closed", () => {
    assert.throws(() => codeBlocks("a.md", `text\n${fence}ts\nconst a = 1`), "a.md:2")
  })
})

describe("typeCheck", () => {
  it("names the file and line of a block that does not compile", () => {
    const blocks = [
      { file: "good.md", line: 3, code: `import { Outcome } from "@effect-connectors/core"\nOutcome.written(1)` },
      { file: "bad.md", line: 10, code: `const text: string = "a"\nconst count: number = text` },
      { file: "gone.md", line: 20, code: `import { Nothing } from "@effect-connectors/core"` }
    ]
    const issues = typeCheck(blocks, path.join(root, ".cache/docs-wrong"))
    assert.strictEqual(issues.length, 2)
    assert.include(issues[0], "bad.md:11:7: error TS2322")
    assert.include(issues[1], "gone.md:20:10: error TS2305")
  })
})

describe("brokenLinks", () => {
  it("reports links to files and headings that are not there", () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "links-"))
    const file = path.join(directory, "a.md")
    const good = "# A heading, of `code`\n[a](./a.md) [b](#a-heading-of-code) [c](https://example.com/x)"
    fs.writeFileSync(file, `${good} [d](b.md) [e](a.md#none)`)
    assert.deepStrictEqual(brokenLinks(file), [`${file}: b.md`, `${file}: a.md#none`])
    fs.rmSync(directory, { recursive: true })
  })
})
