#!/usr/bin/env node
// third-party.mjs: writes what the two programs have in them of others, and under which licences, each text once. It
// reads the lock files' own packages as they lie on this machine and asks no network.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const programs = ['porchlight-cli', 'porchlight-desktop'];
// What Vite puts into the window besides the dependencies that ui/package.json names for running.
const builtIn = ['svelte', 'clsx', 'esm-env'];

function run(program, ...args) {
  return execFileSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
}

/** The texts that lie beside a package's manifest. */
function texts(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(licen[cs]e|copying|copyright|notice|unlicense)/i.test(entry.name))
    .map((entry) => readFileSync(join(folder, entry.name), 'utf8').replaceAll('\r\n', '\n').trim())
    .filter((text) => text !== '');
}

/** The crates that are linked: what compiles or generates code for them, and macros, are not. */
function crates() {
  const [, host] = /^host: (.*)$/m.exec(run('rustc', '-vV'));
  const metadata = JSON.parse(
    run('cargo', 'metadata', '--format-version=1', '--locked', '--offline', `--filter-platform=${host}`),
  );
  const packages = new Map(metadata.packages.map((it) => [it.id, it]));
  const nodes = new Map(metadata.resolve.nodes.map((it) => [it.id, it]));
  const isMacro = (it) => it.targets.some((target) => target.kind.includes('proc-macro'));
  const linked = new Set();
  const open = metadata.packages.filter((it) => programs.includes(it.name)).map((it) => it.id);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (linked.has(id) || isMacro(packages.get(id))) continue;
    linked.add(id);
    const deps = nodes.get(id).deps.filter((it) => it.dep_kinds.some(({ kind }) => kind === null));
    open.push(...deps.map((it) => it.pkg));
  }
  return [...linked]
    .map((id) => packages.get(id))
    .filter((it) => it.source !== null)
    .map((it) => ({
      name: `${it.name} ${it.version}`,
      licence: it.license ?? 'see its text',
      texts: texts(dirname(it.manifest_path)),
    }));
}

/** What of npm is in the window. */
function modules() {
  const own = JSON.parse(readFileSync(join(root, 'ui/package.json'), 'utf8'));
  return [...Object.keys(own.dependencies), ...builtIn].map((name) => {
    const folder = join(root, 'ui/node_modules', name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { name: `${name} ${manifest.version} (npm)`, licence: manifest.license, texts: texts(folder) };
  });
}

const all = [...crates(), ...modules()].sort((a, b) => (a.name < b.name ? -1 : 1));
const users = new Map();
for (const { name, texts } of all) {
  for (const text of texts) users.set(text, [...(users.get(text) ?? []), name]);
}

console.log('Porchlight has these in it, besides what is its own:\n');
for (const { name, licence } of all) console.log(`${name}: ${licence}`);
for (const [text, names] of users) console.log(`\n${'-'.repeat(72)}\n${names.join(', ')}\n\n${text}`);
