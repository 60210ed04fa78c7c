/** What a schema found wrong first, in the form errors have: where, and one line of what. */
import * as Predicate from "effect/Predicate"
import * as SchemaIssue from "effect/SchemaIssue"

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first issue. An empty path is the value itself. */
export const firstIssue = (
  issue: SchemaIssue.Issue
): { readonly path: ReadonlyArray<string>; readonly message: string } => {
  const [first] = issuesOf(issue).issues
  return {
    path: (first?.path ?? []).map((segment) => String(Predicate.isObject(segment) ? segment.key : segment)),
    message: first?.message ?? "is not what it should be"
  }
}
