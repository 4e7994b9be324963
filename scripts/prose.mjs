// Plain English: no phrase of prose.txt in the documentation, in comments, in error texts or in the window's text, and no
// line of documentation longer than 100 columns. Spelling is typos' affair (_typos.toml).
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const columns = 100;

const lines = (file) => readFileSync(file, "utf8").split("\n");
const phrases = lines("scripts/prose.txt")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => new RegExp(line, "i"));
const files = (...patterns) =>
    execFileSync("git", ["ls-files", ...patterns], { encoding: "utf8" }).trim().split("\n");

let wrong = 0;
const complain = (file, at, what) => {
    console.log(`${file}:${at + 1}: ${what}`);
    wrong += 1;
};
const read = (file, at, text) => {
    for (const phrase of phrases) {
        const found = phrase.exec(text);
        if (found) complain(file, at, `say it plainly: "${found[0]}"`);
    }
};

for (const page of files("*.md")) {
    let code = false;
    for (const [at, line] of lines(page).entries()) {
        if (/^ *```/.test(line)) code = !code;
        if (code) continue;
        read(page, at, line);
        // Tables, pictures and addresses can't be wrapped.
        const may = /^\s*(\||<|!\[)|https?:\/\//.test(line);
        if (!may && [...line].length > columns) complain(page, at, `more than ${columns} columns`);
    }
}

// Of code, the comments and the error texts. Clap makes help texts of doc comments.
const prose = /^\s*(?:\/\/[/!]?|\*|#\[error\("|#\s)(.*)$|\s\/\/ (.*)$/;
for (const file of files("*.rs", "*.ts", "*.svelte", "*.mjs", "*.sh")) {
    for (const [at, line] of lines(file).entries()) {
        const found = prose.exec(line);
        if (found) read(file, at, found[1] ?? found[2]);
    }
}
for (const file of files("locales/en/*.ftl")) {
    for (const [at, line] of lines(file).entries()) read(file, at, line);
}
process.exitCode = wrong ? 1 : 0;
