/** Parts of a page that a command writes, between two marks. */
import * as fs from "node:fs"

/** Puts text between the two marks of a page, in place of what is there. */
export const writeBetween = (file: string, begin: string, end: string, text: string): void => {
  const page = fs.readFileSync(file, "utf8")
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} has not the marks ${begin} and ${end}`)
  fs.writeFileSync(file, `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`)
}
