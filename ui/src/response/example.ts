// A response as Postman's saved example.

import type { Json } from "../host/api";
import type { SentResponse } from "../host/send";
import { isObject, type JsonObject } from "../state/json";

export function exampleOf(name: string, response: SentResponse, request: Json): JsonObject {
  return {
    name,
    originalRequest: (isObject(request) ? request["request"] : undefined) ?? null,
    status: response.status_text,
    code: response.status,
    header: response.headers.map(([key, value]) => ({ key, value })),
    cookie: [],
    body: response.body.text ?? "",
    _postman_previewlanguage: /json/.test(response.headers.find(([key]) => key.toLowerCase() === "content-type")?.[1] ?? "") ? "json" : "text",
  };
}
