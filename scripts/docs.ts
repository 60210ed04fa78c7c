/**
 * Takes the ```ts blocks out of Markdown files and doc comments and type-checks them, each as a module of its
 * own, in one run of the compiler.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

/** A code block; `line` is the line of the file that holds the first line of code. */
export interface Block {
  readonly file: string
  readonly line: number
  readonly code: string
}

const open = /^\s*(```+)ts\s*$/

/** The ```ts blocks of a Markdown file, or of the doc comments of a TypeScript file. ```ts ignore is left out. */
export const codeBlocks = (file: string, text: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const inComment = file.endsWith(".ts")
  let current: { readonly fence: string; readonly line: number; readonly code: Array<string> } | undefined
  text.split("\n").forEach((raw, index) => {
    if (inComment && current === undefined && !/^\s*\*/.test(raw)) return
    const line = inComment ? raw.replace(/^\s*\* ?/, "") : raw
    if (current === undefined) {
      const fence = open.exec(line)?.[1]
      if (fence !== undefined) current = { fence, line: index + 2, code: [] }
    } else if (line.trim() === current.fence) {
      blocks.push({ file, line: current.line, code: current.code.join("\n") })
      current = undefined
    } else {
      current.code.push(line)
    }
  })
  if (current !== undefined) throw new Error(`${file}:${current.line - 1} code block is never closed`)
  return blocks
}

/**
 * Writes each block into `directory`, which must lie inside the workspace so that packages resolve as they do for
 * the sources, and returns what the compiler says, by the file and line the block came from.
 */
export const typeCheck = (blocks: ReadonlyArray<Block>, directory: string): ReadonlyArray<string> => {
  if (blocks.length === 0) return []
  fs.rmSync(directory, { recursive: true, force: true })
  fs.mkdirSync(directory, { recursive: true })
  blocks.forEach(({ code }, index) => fs.writeFileSync(path.join(directory, `${index}.ts`), code + "\n"))
  const root = path.join(import.meta.dirname, "..")
  const config = {
    extends: path.join(root, "tsconfig.base.json"),
    compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
    include: ["*.ts"]
  }
  fs.writeFileSync(path.join(directory, "tsconfig.json"), JSON.stringify(config))
  const tsc = path.join(root, "node_modules/typescript/bin/tsc")
  const { status, stderr, stdout } = spawnSync(process.execPath, [tsc, "-p", ".", "--pretty", "false"], {
    cwd: directory,
    encoding: "utf8"
  })
  const issues = stdout.replace(/^(\d+)\.ts\((\d+),(\d+)\)/gm, (place, index, line, column) => {
    const block = blocks[Number(index)]
    return block === undefined ? place : `${block.file}:${block.line + Number(line) - 1}:${column}`
  })
  // An issue is one line and the indented lines below it. Those of the sources themselves belong to the type check.
  const found = issues.trim() === "" ? [] : issues.trimEnd().split(/\n(?!\s)/)
  if (found.length === 0 && status !== 0) return [`tsc ended with ${status}: ${stderr}`]
  return found.filter((issue) => !issue.startsWith("../"))
}

const withoutCode = (markdown: string): string => markdown.replace(/^(\s*)(```+)[\s\S]*?^\s*\2\s*$/gm, "")

/** The anchor a heading gets on the usual Git hosts. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-")

const anchors = (markdown: string): ReadonlySet<string> =>
  new Set([...withoutCode(markdown).matchAll(/^#{1,6}\s+(.+)$/gm)].map(([, heading]) => anchor(heading ?? "")))

/** The relative links of a Markdown file that lead to no file or no heading. */
export const brokenLinks = (file: string): ReadonlyArray<string> => {
  const markdown = fs.readFileSync(file, "utf8")
  const targets = [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? "")
  return targets
    .filter((target) => {
      if (/^[a-z]+:/.test(target)) return false
      const [relative, heading] = target.split("#")
      const to = relative === undefined || relative === "" ? file : path.join(path.dirname(file), relative)
      if (!fs.existsSync(to)) return true
      return heading !== undefined && to.endsWith(".md") && !anchors(fs.readFileSync(to, "utf8")).has(heading)
    })
    .map((target) => `${file}: ${target}`)
}
