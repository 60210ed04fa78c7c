/** Who may do what: keys, tokens and roles. */
import * as Schema from "effect/Schema"

/**
 * What an account may do in a workspace. Features are read by `consumer`, `editor` and `owner`; records are written by
 * `editor` and `owner`; a dry run of a write takes any role.
 */
export type Role = "viewer" | "operator" | "consumer" | "editor" | "owner"

/** A service account. */
export interface Account {
  readonly apiKey?: string | undefined
  /** Credentials that are exchanged for a token. Tokens can read, and not ingest. */
  readonly oauth?: { readonly clientId: string; readonly clientSecret: string } | undefined
  /** Its role in each workspace, by the workspace's name; `"*"` is every other one. */
  readonly roles: { readonly [workspace: string]: Role }
}

export const Account: Schema.Codec<Account> = Schema.Struct({
  apiKey: Schema.optional(Schema.NonEmptyString),
  oauth: Schema.optional(Schema.Struct({ clientId: Schema.NonEmptyString, clientSecret: Schema.NonEmptyString })),
  roles: Schema.Record(Schema.String, Schema.Literals(["viewer", "operator", "consumer", "editor", "owner"]))
})

/** Somebody who is let in. */
export interface Caller {
  readonly scheme: "Tecton-key" | "Bearer"
  readonly roleIn: (workspace: string) => Role | undefined
}

export const mayRead = (role: Role | undefined): boolean => role === "consumer" || role === "editor" || role === "owner"

export const mayWrite = (role: Role | undefined): boolean => role === "editor" || role === "owner"

export interface Token {
  readonly value: string
  readonly lifetimeSeconds: number
}

export interface Accounts {
  /** Who a header `Authorization` stands for; it has the scheme, one space, and the key or token. */
  readonly authenticate: (header: string) => Caller | undefined
  /** A new token for credentials, when they are right. */
  readonly issue: (clientId: string, clientSecret: string) => Token | undefined
  /** How many tokens were issued. */
  readonly issued: () => number
}

export interface AccountsOptions {
  /** Without any, everybody with a key or credentials is let in as an owner. */
  readonly accounts: ReadonlyArray<Account> | undefined
  readonly tokenLifetimeMillis: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const anybody: Account = { roles: { "*": "owner" } }

export const make = ({ accounts, now, tokenLifetimeMillis }: AccountsOptions): Accounts => {
  const tokens = new Map<string, { readonly account: Account; readonly until: number }>()
  let issued = 0

  const ofKey = (key: string): Account | undefined =>
    accounts === undefined ? anybody : accounts.find(({ apiKey }) => apiKey === key)

  const ofToken = (token: string): Account | undefined => {
    const found = tokens.get(token)
    return found !== undefined && now() < found.until ? found.account : undefined
  }

  const ofCredentials = (clientId: string, clientSecret: string): Account | undefined =>
    accounts === undefined
      ? anybody
      : accounts.find(({ oauth }) => oauth?.clientId === clientId && oauth.clientSecret === clientSecret)

  return {
    authenticate: (header) => {
      const [, scheme, secret = ""] = /^(Tecton-key|Bearer) (\S+)$/.exec(header) ?? []
      if (scheme !== "Tecton-key" && scheme !== "Bearer") return undefined
      const account = scheme === "Bearer" ? ofToken(secret) : ofKey(secret)
      if (account === undefined) return undefined
      const roles = new Map(Object.entries(account.roles))
      return { scheme, roleIn: (workspace) => roles.get(workspace) ?? roles.get("*") }
    },
    issue: (clientId, clientSecret) => {
      const account = clientId === "" || clientSecret === "" ? undefined : ofCredentials(clientId, clientSecret)
      if (account === undefined) return undefined
      const value = `emulated-token-${++issued}`
      for (const [old, { until }] of tokens) if (until <= now()) tokens.delete(old)
      tokens.set(value, { account, until: now() + tokenLifetimeMillis })
      return { value, lifetimeSeconds: Math.floor(tokenLifetimeMillis / 1_000) }
    },
    issued: () => issued
  }
}
