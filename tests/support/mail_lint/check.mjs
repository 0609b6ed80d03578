// Print, as JSON, what some mail programs do not support in the HTML on standard input: by program, each feature once.
import { readFileSync } from "node:fs";
import { caniemail } from "caniemail";

const { issues } = caniemail({ clients: process.argv.slice(2), html: readFileSync(0, "utf8") });
const found = [...issues.errors].map(([program, list]) => [program, [...new Set(list.map((issue) => issue.title))]]);
console.log(JSON.stringify(Object.fromEntries(found)));
