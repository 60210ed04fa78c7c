/** A server for tests, whose address is a number of its own process. */
import { serve } from "../../servers/serve.ts"

await serve(async () => ({ number: String(process.pid) }))
