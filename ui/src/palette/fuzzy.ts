// How well a text fits what was typed: letters in order, better at the start of words and next to each other.

/// None if it does not fit; more is better.
export function score(text: string, wanted: string): number | null {
  if (wanted === "") return 0;
  const lower = text.toLowerCase();
  const letters = wanted.toLowerCase().replaceAll(" ", "");
  let total = 0;
  let from = 0;
  let last = -2;
  for (const letter of letters) {
    const found = nextPlace(lower, letter, from, last);
    if (found < 0) return null;
    total += found === last + 1 ? 5 : startsWord(text, found) ? 4 : 1;
    last = found;
    from = found + 1;
  }
  const whole = lower.indexOf(wanted.toLowerCase());
  if (whole >= 0) total += whole === 0 ? 20 : startsWord(text, whole) ? 15 : 8;
  // Letters that lie about by chance are no fit.
  return total < letters.length * 2 ? null : total - text.length / 100;
}

function nextPlace(lower: string, letter: string, from: number, last: number): number {
  if (lower[last + 1] === letter && last >= 0) return last + 1;
  return lower.indexOf(letter, from);
}

const startsWord = (text: string, at: number) => at === 0 || /[^\p{L}\p{N}]/u.test(text[at - 1]!) || (/\p{Lu}/u.test(text[at]!) && /\p{Ll}/u.test(text[at - 1]!));

/// The best `limit`, the best first, ties in their order.
export function best<T>(all: readonly T[], text: (one: T) => string, wanted: string, limit: number): T[] {
  const scored: { one: T; score: number; at: number }[] = [];
  all.forEach((one, at) => {
    const points = score(text(one), wanted);
    if (points !== null) scored.push({ one, score: points, at });
  });
  scored.sort((a, b) => b.score - a.score || a.at - b.at);
  return scored.slice(0, limit).map((entry) => entry.one);
}
