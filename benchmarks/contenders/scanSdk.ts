/** Reads an index by hand, with the official client: a page of ids, then their records, then the next page. */
import { Pinecone } from "pinecone-sdk-9"
import { contend } from "./contend.ts"

await contend(async ({ addresses }) => {
  const index = new Pinecone({ apiKey: "any", maxRetries: 0 }).index({ host: addresses["index"] ?? "" })
  return {
    run: async (count) => {
      let records = 0
      let paginationToken: string | undefined
      do {
        const page = await index.listPaginated({ limit: 100, ...(paginationToken && { paginationToken }) })
        const ids = (page.vectors ?? []).flatMap(({ id }) => id ?? [])
        if (ids.length > 0) records += Object.keys((await index.fetch({ ids })).records).length
        paginationToken = page.pagination?.next
      } while (paginationToken !== undefined && records < count)
      return { records }
    }
  }
})
