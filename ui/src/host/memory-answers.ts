// What the parts of the host in memory have in common: answers by call.

import type { HostCall, HostReply } from "./host";
import type { MemoryStore } from "./memory-store";

export type Answers = { [K in HostCall["call"]]?: (call: Extract<HostCall, { call: K }>, store: MemoryStore) => HostReply | Promise<HostReply> };
