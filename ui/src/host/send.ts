// What sending a request needs from the host. It lives here alone until `client::api` has the same calls; then this
// file becomes a re-export of the generated types.

import type { Json } from "./api";

/// Sends a request as the editor shows it, saved or not.
export interface SendCall {
  call: "send";
  /// The request's id, whose ancestors give auth, scripts and variables; none for a tab that was never saved.
  item: string | null;
  /// The request's document as it is in the editor.
  document: Json;
  /// The environment's id; none is none.
  environment: string | null;
  /// Names this run in progress events and for `stop`.
  run: string;
}

/// Ends a run that was begun by `send`.
export interface StopCall { call: "stop"; run: string }

export interface SentReply { reply: "sent"; response: SentResponse }

export interface SentResponse {
  status: number;
  status_text: string;
  version: string;
  url: string;
  headers: [string, string][];
  body: SentBody;
  cookies: CookieView[];
  timings: Timings;
  sizes: Sizes;
  tests: TestResult[];
  log: LogLine[];
  warnings: string[];
  request: { method: string; url: string; headers: [string, string][]; body: string | null };
}

export interface SentBody {
  /// The text, if it is one in a known charset.
  text: string | null;
  /// The bytes in base64, if it is no text.
  base64: string | null;
  /// The body was longer than the host hands over.
  truncated: boolean;
}

/// Microseconds; a phase that did not happen is 0.
export interface Timings {
  queued: number; dns: number; connect: number; tls: number; request_sent: number; first_byte: number; download: number; total: number;
}

export interface Sizes { sent_head: number; sent_body: number; received_head: number; encoded_body: number; decoded_body: number }

export interface CookieView {
  name: string; value: string; domain: string; path: string; expires: string | null; secure: boolean; http_only: boolean;
}

export interface TestResult { name: string; passed: boolean; skipped: boolean; message: string | null }
export interface LogLine { level: "log" | "info" | "warn" | "error"; text: string }
