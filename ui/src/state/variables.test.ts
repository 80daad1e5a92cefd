import { expect, test } from "vitest";
import { layered, pieces, resolve, typedName } from "./variables";

const variable = (name: string, value: string) => ({ name, value, secret: false });

test("a text falls into pieces", () => {
  const check = (text: string, expected: string[]) => expect(pieces(text).map((piece) => piece.variable ?? `'${piece.text}'`)).toEqual(expected);
  check("{{a}}/b{{ c }}", ["a", "'/b'", "c"]);
  check("{{{a}}", ["'{'", "a"]);
  check("{{a", ["'{{a'"]);
  check("", []);
});

test("the nearest scope wins and values may hold variables", () => {
  const lookup = layered([{ source: "Local", variables: [variable("host", "{{name}}.x")] }, { source: "Globals", variables: [variable("host", "no"), variable("name", "api")] }]);
  expect(resolve("http://{{host}}/{{nope}}", lookup)).toBe("http://api.x/{{nope}}");
  expect(lookup("host")?.source).toBe("Local");
  expect(lookup("$guid")?.source).toContain("UUID");
});

test("a variable that leads back to itself ends", () => {
  expect(resolve("{{a}}", layered([{ source: "s", variables: [variable("a", "{{a}}")] }]))).toBe("{{a}}");
});

test("the name at the caret is known while it is typed", () => {
  expect(typedName("x{{ba", 5)).toEqual({ from: 1, name: "ba" });
  expect(typedName("x{{ba}}/", 8)).toBeNull();
  expect(typedName("x", 1)).toBeNull();
});
