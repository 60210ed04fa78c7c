/**
 * Adds to package-lock.json the optional builds of other platforms, which npm may leave out; `npm ci` refuses a lock
 * file that lacks one. To be run after an update of a dependency that has such builds.
 */
import * as fs from "node:fs"

interface Package {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: ReadonlyArray<string>
  readonly cpu?: ReadonlyArray<string | undefined>
  readonly libc?: ReadonlyArray<string>
  readonly optionalDependencies?: Record<string, string>
}

const file = "package-lock.json"
const lock: { packages: Record<string, Package> } = JSON.parse(fs.readFileSync(file, "utf8"))

const platform = /(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-([a-z]+))?$/

for (const { dev, optionalDependencies } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const key = `node_modules/${name}`
    const [, os, cpu, abi] = platform.exec(name) ?? []
    if (key in lock.packages || os === undefined) continue
    const libc = os === "linux" && abi !== undefined ? { libc: [abi.startsWith("musl") ? "musl" : "glibc"] } : {}
    lock.packages[key] = { version, cpu: [cpu], ...(dev === true ? { dev } : {}), ...libc, optional: true, os: [os] }
    console.log(`added ${name}`)
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
fs.writeFileSync(file, JSON.stringify(lock, null, 2) + "\n")
