/**
 * `POST /oauth2/default/v1/token`: a token for credentials, which are in the form or in a header of Basic
 * authentication. The words of its refusals are OAuth's.
 */
import { Buffer } from "node:buffer"
import type { Reply } from "../emulator/call.ts"
import type { HttpRequest } from "../emulator/http.ts"
import { json } from "../emulator/reply.ts"
import type { Accounts } from "./accounts.ts"
import { refuseToken } from "./envelopes.ts"

export const answer = ({ body, header }: HttpRequest, accounts: Accounts): Reply => {
  const form = new URLSearchParams(body?.toString() ?? "")
  const grant = form.get("grant_type")
  if (grant !== "client_credentials") {
    return json(400, { error: "unsupported_grant_type", error_description: "grant_type has to be client_credentials" })
  }
  const [id, secret] = basic(header("authorization")) ?? [form.get("client_id") ?? "", form.get("client_secret") ?? ""]
  const token = accounts.issue(id, secret)
  return token === undefined
    ? refuseToken(401, "The client credentials are invalid")
    : json(200, {
        token_type: "Bearer",
        expires_in: token.lifetimeSeconds,
        access_token: token.value,
        scope: form.get("scope") ?? "everything"
      })
}

const basic = (header: string): readonly [id: string, secret: string] | undefined => {
  const [, encoded] = /^Basic (\S+)$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, "base64").toString()
  const colon = text.indexOf(":")
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)]
}
