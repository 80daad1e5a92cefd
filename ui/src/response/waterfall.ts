// The phases of a request as bars on one axis.

import type { Timings } from "../host/send";

export interface Bar { name: string; phase: keyof Timings; start: number; width: number; micros: number }

const PHASES: readonly [keyof Timings, string][] = [
  ["queued", "Waiting"], ["dns", "Name lookup"], ["connect", "Connection"], ["tls", "Secure handshake"], ["request_sent", "Sending"], ["first_byte", "Waiting for the server"], ["download", "Receiving"],
];

/// Shares of the whole from 0 to 1; phases that did not happen are left out.
export function bars(timings: Timings): Bar[] {
  const sum = PHASES.reduce((total, [phase]) => total + timings[phase], 0);
  const whole = Math.max(timings.total, sum, 1);
  let start = 0;
  const result: Bar[] = [];
  for (const [phase, name] of PHASES) {
    const micros = timings[phase];
    if (micros > 0) result.push({ name, phase, start: start / whole, width: micros / whole, micros });
    start += micros;
  }
  return result;
}
