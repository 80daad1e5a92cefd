// The generated types around sending, under the names that the page uses.

import type { PageCall, PageEvent, PageReply, Reply } from "./api";

export type { CookieView, LogLine, RunData, RunOrder, RunResult, SendOrder, SentBody, SentRequest, SentResponse } from "./api";
export type { SentSizes as Sizes, SentTimings as Timings, TestView as TestResult } from "./api";

export type SendCall = Extract<PageCall, { call: "send" }>;
export type RunCall = Extract<PageCall, { call: "run" }>;
export type StopCall = Extract<PageCall, { call: "stop" }>;
export type SentReply = Extract<PageReply, { reply: "sent" }>;
export type RunEvent = Extract<PageEvent, { event: "run" }>;
export type VersionReply = Extract<Reply, { reply: "version" }>;
