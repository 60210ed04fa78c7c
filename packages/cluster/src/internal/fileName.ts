import { createHash } from "node:crypto"
import * as path from "node:path"

/** Characters of a name that are kept as they are; file systems take 255 bytes for all of a name. */
const longest = 80

/** What is kept as it is: not capitals, which some file systems do not tell from small letters. */
const plain = /^(?!\.)[0-9a-z_.-]+$/

/** Any text as a part of a file's name: others have others, also where capitals and small letters are the same. */
export const fileName = (text: string): string => {
  if (text.length <= longest && plain.test(text)) return text
  const safe = text.replaceAll(/[^\w.-]/g, "_")
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 12)
  // No text that is kept has a plus, so none looks like this.
  return `${safe.replace(/^\.+/, "").slice(-longest)}+${digest}`
}

/** The path of a file in a directory, which may be one of several that are in each other. */
export const join = (...names: ReadonlyArray<string>): string => path.join(...names)

export const directoryOf = (file: string): string => path.dirname(file)
