// Circles of modules: modules with the same parent must not use each other in a circle.
//
// * A module counts together with all modules inside it. A use between a module and one inside it never counts: that is
//   how Rust's module tree works.
// * A use is a path that begins with `crate`, `self` or `super`, in a `use` or anywhere else. A re-export counts as the
//   module that defines the name.
// * Tests (`#[cfg(test)]`) may use everything.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

// Crates that still have circles, by their root file. A crate without one must not be listed.
const unfinished = [
    "crates/activity/src/lib.rs",
    "crates/cli/src/main.rs",
    "src-tauri/src/main.rs",
];

const blank = (text) => text.replace(/[^\n]/g, " ");

// The code alone, each line where it was: without comments, strings and tests.
function code(file) {
    const text = readFileSync(file, "utf8");
    const literal = /\/\/.*|\/\*[^]*?\*\/|b?r(#*)"[^]*?"\1|b?"(?:\\[^]|[^"\\])*"|'(?:\\[^']+|[^'\\])'/g;
    return text.replace(literal, blank).replace(/^#\[cfg\(test\)\]\n(?:#\[.*\n)*(?:pub )?mod \w+ \{[^]*?\n\}$/gm, blank);
}

// What `a::{b, c::{d as e}}` says: every path, and the name that it has here.
function paths(tree, prefix = []) {
    const inner = [];
    let depth = 0, start = 0;
    const brace = tree.indexOf("{");
    if (brace < 0) {
        const [path, name] = tree.split(/\bas\b/).map((part) => part.trim());
        const full = [...prefix, ...path.split("::").map((part) => part.trim()).filter(Boolean)];
        if (full.length > 1 && full.at(-1) === "self") full.pop();
        return [{ path: full, name: name ?? full.at(-1) }];
    }
    const before = [...prefix, ...tree.slice(0, brace).split("::").map((part) => part.trim()).filter(Boolean)];
    const body = tree.slice(brace + 1, tree.lastIndexOf("}"));
    for (let at = 0; at <= body.length; at++) {
        if (body[at] === "{") depth += 1;
        if (body[at] === "}") depth -= 1;
        if (at === body.length || (body[at] === "," && depth === 0)) {
            if (body.slice(start, at).trim()) inner.push(...paths(body.slice(start, at), before));
            start = at + 1;
        }
    }
    return inner;
}

// A module and, below `children`, those whose files it declares.
function read(file, path, parent, folder) {
    const text = code(file);
    const module = { file, path, parent, children: new Map(), names: new Map(), uses: [] };
    for (const found of text.matchAll(/((?:^[ \t]*#\[.*\]\s*?\n)*)^[ \t]*(?:pub(?:\([^)]*\))? )?mod (\w+);/gm)) {
        const [, attributes, name] = found;
        const files = [join(folder, `${name}.rs`), join(folder, name, "mod.rs")].filter(existsSync);
        if (/cfg\(test\)/.test(attributes) || files.length === 0) continue;
        module.children.set(name, read(files[0], [...path, name], module, join(folder, name)));
    }
    const line = (at) => text.slice(0, at).split("\n").length;
    for (const found of text.matchAll(/\buse ([^;]+);/g)) {
        for (const { path, name } of paths(found[1])) {
            module.names.set(name, path);
            module.uses.push({ path, line: line(found.index) });
        }
    }
    const others = text.replace(/\buse [^;]+;/g, blank);
    for (const found of others.matchAll(/\b(?:crate|self|super)(?:::\w+)+/g)) {
        module.uses.push({ path: found[0].split("::"), line: line(found.index) });
    }
    return module;
}

// The module that a path leads to, seen from `from`.
function resolve(from, path, depth = 0) {
    let [module, rest] = [from, path];
    if (path[0] === "crate") {
        while (module.parent) module = module.parent;
        rest = path.slice(1);
    } else {
        while (rest[0] === "self" || rest[0] === "super") {
            if (rest[0] === "super") module = module.parent ?? module;
            rest = rest.slice(1);
        }
        if (rest === path && !module.children.has(rest[0])) return null;
    }
    while (rest.length > 0 && module.children.has(rest[0])) {
        module = module.children.get(rest[0]);
        rest = rest.slice(1);
    }
    const exported = rest.length > 0 && module !== from ? module.names.get(rest[0]) : undefined;
    return (exported && depth < 8 && resolve(module, exported, depth + 1)) || module;
}

const all = (module) => [module, ...[...module.children.values()].flatMap(all)];

// Who uses whom among modules with the same parent, each with one place where that is so.
function edges(root) {
    const graph = new Map();
    for (const module of all(root)) {
        for (const { path, line } of module.uses) {
            const target = resolve(module, path);
            if (!target) continue;
            let shared = 0;
            while (module.path[shared] !== undefined && module.path[shared] === target.path[shared]) shared += 1;
            if (shared === module.path.length || shared === target.path.length) continue;
            const [one, other] = [module, target].map((it) => it.path.slice(0, shared + 1).join("::"));
            if (!graph.has(one)) graph.set(one, new Map());
            if (!graph.get(one).has(other)) graph.get(one).set(other, `${module.file}:${line}: ${one} uses ${path.join("::")}, of ${other}`);
        }
    }
    return graph;
}

// The shortest way from a module back to itself.
function circle(graph, start) {
    const ways = new Map([[start, [start]]]);
    for (const [at, way] of ways) {
        for (const next of graph.get(at)?.keys() ?? []) {
            if (next === start) return way;
            if (!ways.has(next)) ways.set(next, [...way, next]);
        }
    }
    return null;
}

const tracked = execFileSync("git", ["ls-files", "*.rs"], { encoding: "utf8" }).trim().split("\n");
const roots = tracked.filter((file) => /(^|\/)(lib|main)\.rs$|\/src\/bin\/\w+\.rs$/.test(file));
let wrong = 0;
for (const root of roots) {
    const graph = edges(read(root, [], null, dirname(root)));
    const seen = new Set();
    let found = 0;
    for (const start of graph.keys()) {
        const way = circle(graph, start);
        if (!way || way.some((module) => seen.has(module))) continue;
        way.forEach((module) => seen.add(module));
        found += 1;
        if (unfinished.includes(root)) continue;
        const places = way.map((module, at) => graph.get(module).get(way[at + 1] ?? start));
        console.log(`a circle of ${way.length} modules:\n  ${places.join("\n  ")}`);
        wrong += 1;
    }
    if (unfinished.includes(root) && found === 0) {
        console.log(`${root} has no circle any more: take it off the list in scripts/circles.mjs`);
        wrong += 1;
    }
}
process.exitCode = wrong ? 1 : 0;
