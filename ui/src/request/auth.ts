// The kinds of authentication, their fields, and whose counts for a request.

import type { Json } from "../host/api";
import { isObject, put, textAt, type JsonObject } from "../state/json";

export interface AuthField { key: string; label: string; secret?: boolean; choices?: readonly string[]; long?: boolean; hint?: string }
export interface AuthKind { type: string; label: string; note: string; fields: readonly AuthField[] }

const HASHES = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];

export const KINDS: readonly AuthKind[] = [
  { type: "noauth", label: "No auth", note: "Nothing is added, whatever the folders above say.", fields: [] },
  { type: "basic", label: "Basic", note: "Name and password in the Authorization header.", fields: [{ key: "username", label: "Username" }, { key: "password", label: "Password", secret: true }] },
  { type: "bearer", label: "Bearer token", note: "A token in the Authorization header.", fields: [{ key: "token", label: "Token", secret: true }] },
  { type: "apikey", label: "API key", note: "A key in a header or in the query.", fields: [{ key: "key", label: "Name" }, { key: "value", label: "Value", secret: true }, { key: "in", label: "Where", choices: ["header", "query"] }] },
  { type: "oauth2", label: "OAuth 2.0", note: "A token from an authorization server.", fields: [
    { key: "accessToken", label: "Access token", secret: true }, { key: "headerPrefix", label: "Prefix", hint: "Bearer" },
    { key: "grant_type", label: "Grant", choices: ["authorization_code_with_pkce", "authorization_code", "client_credentials", "password_credentials"] },
    { key: "authUrl", label: "Authorization URL" }, { key: "accessTokenUrl", label: "Token URL" }, { key: "clientId", label: "Client ID" }, { key: "clientSecret", label: "Client secret", secret: true },
    { key: "scope", label: "Scope" }, { key: "username", label: "Username" }, { key: "password", label: "Password", secret: true }, { key: "addTokenTo", label: "Put it in", choices: ["header", "queryParams"] },
  ] },
  { type: "digest", label: "Digest", note: "Answers the server's challenge.", fields: [{ key: "username", label: "Username" }, { key: "password", label: "Password", secret: true }, { key: "algorithm", label: "Algorithm", choices: ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"] }] },
  { type: "oauth1", label: "OAuth 1.0", note: "Signs the request.", fields: [
    { key: "signatureMethod", label: "Signature", choices: ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT"] },
    { key: "consumerKey", label: "Consumer key" }, { key: "consumerSecret", label: "Consumer secret", secret: true }, { key: "token", label: "Token" }, { key: "tokenSecret", label: "Token secret", secret: true },
    { key: "privateKey", label: "Private key", secret: true, long: true }, { key: "realm", label: "Realm" },
  ] },
  { type: "awsv4", label: "AWS signature", note: "Signs the request for Amazon's services.", fields: [{ key: "accessKey", label: "Access key" }, { key: "secretKey", label: "Secret key", secret: true }, { key: "region", label: "Region", hint: "us-east-1" }, { key: "service", label: "Service" }, { key: "sessionToken", label: "Session token", secret: true }] },
  { type: "jwt", label: "JWT bearer", note: "Makes and signs a token for each request.", fields: [{ key: "algorithm", label: "Algorithm", choices: HASHES }, { key: "secret", label: "Secret", secret: true }, { key: "privateKey", label: "Private key", secret: true, long: true }, { key: "payload", label: "Payload", long: true, hint: "{}" }, { key: "headerPrefix", label: "Prefix", hint: "Bearer" }] },
  { type: "hawk", label: "Hawk", note: "Signs the request with a shared key.", fields: [{ key: "authId", label: "Key ID" }, { key: "authKey", label: "Key", secret: true }, { key: "algorithm", label: "Algorithm", choices: ["sha256", "sha1"] }, { key: "user", label: "User" }, { key: "extraData", label: "Extra data" }] },
  { type: "ntlm", label: "NTLM", note: "Windows authentication.", fields: [{ key: "username", label: "Username" }, { key: "password", label: "Password", secret: true }, { key: "domain", label: "Domain" }, { key: "workstation", label: "Workstation" }] },
  { type: "edgegrid", label: "Akamai EdgeGrid", note: "Signs the request for Akamai.", fields: [{ key: "accessToken", label: "Access token", secret: true }, { key: "clientToken", label: "Client token", secret: true }, { key: "clientSecret", label: "Client secret", secret: true }, { key: "baseURL", label: "Base URL" }] },
  { type: "asap", label: "ASAP", note: "Atlassian's signed token.", fields: [{ key: "iss", label: "Issuer" }, { key: "aud", label: "Audience" }, { key: "kid", label: "Key ID" }, { key: "privateKey", label: "Private key", secret: true, long: true }, { key: "alg", label: "Algorithm", choices: HASHES.filter((one) => !one.startsWith("HS")) }] },
];

export const INHERIT = "inherit";

export const kindOf = (type: string): AuthKind => KINDS.find((kind) => kind.type === type) ?? { type, label: type, note: "This kind is kept as it is.", fields: [] };

/// `inherit` where the document says nothing.
export function authType(auth: Json | undefined): string {
  const type = textAt(auth, ["type"]);
  return type === "" ? INHERIT : type;
}

export function authValue(auth: Json | undefined, key: string): string {
  const type = textAt(auth, ["type"]);
  const attributes = isObject(auth) ? auth[type] : undefined;
  if (isObject(attributes)) return textAt(attributes, [key]);
  if (!Array.isArray(attributes)) return "";
  return textAt(attributes.find((one) => isObject(one) && one["key"] === key), ["value"]);
}

/// The attributes of other kinds stay, so that changing the kind and back loses nothing.
export function withType(auth: Json | undefined, type: string): JsonObject | undefined {
  if (type === INHERIT) return undefined;
  const kept: JsonObject = isObject(auth) ? { ...auth } : {};
  kept["type"] = type;
  if (type !== "noauth" && kept[type] === undefined) kept[type] = [];
  return kept;
}

export function withValue(auth: Json | undefined, key: string, value: string): JsonObject {
  const type = textAt(auth, ["type"]);
  const attributes = isObject(auth) ? auth[type] : undefined;
  if (isObject(attributes)) return put(auth, [type, key], value);
  const list = Array.isArray(attributes) ? attributes : [];
  const known = list.some((one) => isObject(one) && one["key"] === key);
  const next = known ? list.map((one) => (isObject(one) && one["key"] === key ? { ...one, value } : one)) : [...list, { key, value, type: "string" }];
  return put(auth, [type], next);
}

export interface Above { id: string; name: string; document: Json }

/// Whose auth counts, looking from the nearest folder up; null where nobody says anything.
export function inherited(above: readonly Above[]): { from: Above; auth: Json } | null {
  for (const from of above.toReversed()) {
    const auth = isObject(from.document) ? from.document["auth"] : undefined;
    if (isObject(auth) && authType(auth) !== INHERIT) return { from, auth };
  }
  return null;
}
