import { createHash } from "node:crypto"
import * as path from "node:path"

/** Characters of a name that are kept as they are; file systems take 255 bytes for all of a name. */
const longest = 80

/** Any text as a part of a file's name: others have others. */
export const fileName = (text: string): string => {
  const safe = text.replaceAll(/[^\w.-]/g, "_")
  if (safe === text && safe.length <= longest && !safe.startsWith(".")) return safe
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 12)
  return `${safe.replace(/^\.+/, "").slice(-longest)}-${digest}`
}

/** The path of a file in a directory, which may be one of several that are in each other. */
export const join = (...names: ReadonlyArray<string>): string => path.join(...names)

export const directoryOf = (file: string): string => path.dirname(file)
