import { expect, test } from "vitest";
import { bars } from "./waterfall";

test("bars follow each other and stay on the axis", () => {
  const timings = { queued: 0, dns: 10, connect: 20, tls: 0, request_sent: 5, first_byte: 50, download: 15, total: 100 };
  const found = bars(timings);
  expect(found.map((bar) => bar.phase)).toEqual(["dns", "connect", "request_sent", "first_byte", "download"]);
  expect(found[1]?.start).toBeCloseTo(0.1);
  expect(found.at(-1)!.start + found.at(-1)!.width).toBeLessThanOrEqual(1);
  expect(bars({ ...timings, dns: 0, connect: 0, request_sent: 0, first_byte: 0, download: 0, total: 0 })).toEqual([]);
});
