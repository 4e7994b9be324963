// Plain English and width of the documentation: phrases of prose.txt, and lines of more than 100 columns. Spelling is
// typos' affair (_typos.toml).
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const columns = 100;

const lines = (file) => readFileSync(file, "utf8").split("\n");
const phrases = lines("scripts/prose.txt").filter((line) => line && !line.startsWith("#")).map((line) => new RegExp(line, "i"));
const pages = execFileSync("git", ["ls-files", "*.md"], { encoding: "utf8" }).trim().split("\n");

let wrong = 0;
const complain = (page, at, what) => {
    console.log(`${page}:${at + 1}: ${what}`);
    wrong += 1;
};
for (const page of pages) {
    let code = false;
    for (const [at, line] of lines(page).entries()) {
        if (/^ *```/.test(line)) code = !code;
        if (code) continue;
        for (const phrase of phrases) {
            const found = phrase.exec(line);
            if (found) complain(page, at, `say it plainly: "${found[0]}"`);
        }
        // Tables, pictures and addresses can't be wrapped.
        const may = /^\s*(\||<|!\[)|https?:\/\//.test(line);
        if (!may && [...line].length > columns) complain(page, at, `more than ${columns} columns`);
    }
}
process.exitCode = wrong ? 1 : 0;
