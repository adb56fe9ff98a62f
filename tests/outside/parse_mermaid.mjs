// Parses each file with Mermaid's own parser; prints the type of each diagram, and ends with 1 if one is not understood.

import { readFileSync } from "node:fs";
import mermaid from "mermaid";

for (const name of process.argv.slice(2)) {
  try {
    const { diagramType } = await mermaid.parse(readFileSync(name, "utf8"));
    console.log(diagramType);
  } catch (error) {
    console.log(`${name}: ${error}`);
    process.exitCode = 1;
  }
}
