/** Takes a SQLite file for itself for ten seconds; says so on stdout. */
import { writeSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"

const database = new DatabaseSync(process.argv[2] ?? "", { timeout: 60_000 })
database.exec("BEGIN EXCLUSIVE")
writeSync(1, "taken\n")
setTimeout(() => {
  database.exec("COMMIT")
  database.close()
}, 10_000)
